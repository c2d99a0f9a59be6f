"""Jinja2 set up so that no template can forget to be safe: every value is made printable, then escaped."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from phototag.display import counted, path_text, photos_away, printable
from phototag.report import layout
from phototag.report.album import FaceEntry, PersonEntry, PhotoEntry, Summary
from phototag.report.marks import kind

_PACKAGE = Path(__file__).parents[1]
_LONGEST = 300  # characters of one name, path or message on a page


def templates() -> Path:
    """The folder of templates: inside the package in a wheel, beside it in a checkout."""
    packaged = _PACKAGE / "templates"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "templates"


class Renderer:
    """Turns a template and its values into the text of one page."""

    def __init__(self, summary: Summary) -> None:
        self._environment = environment()
        self._summary = summary

    def page(self, template: str, name: str, **values: object) -> str:
        """The page that will lie at `name` in the report; links in it lead `up` to the report's folder first."""
        return self._environment.get_template(template).render(
            summary=self._summary, here=name, up="../" * name.count("/"), **values
        )


def environment() -> Environment:
    """Autoescaping, strict about undefined values, controls and surrogates made visible in all text."""
    made = Environment(
        loader=FileSystemLoader(templates()),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["layout"] = layout
    made.filters.update(
        short=short,
        path=shown_path,
        file_name=file_name,
        number=number,
        count=counted,
        photos_away=photos_away,
        percent=percent,
        day=day,
        brief_day=brief_day,
        month=month,
        clock=clock,
        kind=kind,
        year=year,
        span=span,
        describe=describe,
        describe_face=describe_face,
        describe_tag=describe_tag,
        who=who,
        shape=shape,
        initial=initial,
    )
    return made


def _visible(value: object) -> object:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def short(text: str) -> str:
    """Text that can't swell a page: controls visible, at most 300 characters, its end kept."""
    shown = printable(text)
    return shown if len(shown) <= _LONGEST else f"{shown[:100]}…{shown[101 - _LONGEST :]}"


def shown_path(root: bytes, path: bytes) -> str:
    """A file's path for reading: from its library's own folder on, without what leads there."""
    return short(path_text(root.rstrip(b"/").rpartition(b"/")[2] + b"/" + path))


def file_name(path: bytes) -> str:
    """A file's own name, for reading."""
    return short(path_text(path.rpartition(b"/")[2]))


def number(value: int) -> str:
    """`12,345`."""
    return f"{value:,}"


def percent(probability: float | None) -> str:
    """A probability as whole percent; never 100, since the machine is never certain."""
    if probability is None or not 0 <= probability <= 1:
        return ""
    return f"{min(99, int(probability * 100))} %"


def moment(taken_at: str | None) -> datetime | None:
    """A stored time, None if absent or not a time."""
    try:
        return datetime.fromisoformat(taken_at) if taken_at else None
    except ValueError:
        return None


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def day(taken_at: str | None) -> str:
    """`14 July 2019`, empty if undated."""
    when = moment(taken_at)
    return f"{when.day} {month(taken_at)}" if when else ""


def brief_day(taken_at: str | None) -> str:
    """`14 Jul 2019`, empty if undated."""
    when = moment(taken_at)
    return f"{when.day} {_MONTHS[when.month - 1][:3]} {when.year}" if when else ""


def month(taken_at: str | None) -> str:
    """`July 2019`, empty if undated."""
    when = moment(taken_at)
    return f"{_MONTHS[when.month - 1]} {when.year}" if when else ""


def clock(taken_at: str | None) -> str:
    """`18:03`, empty if undated."""
    when = moment(taken_at)
    return f"{when:%H:%M}" if when else ""


def year(entry: PhotoEntry | FaceEntry) -> str:
    """`2019`, empty if undated."""
    when = moment(entry.taken_at)
    return f"{when:%Y}" if when else ""


def span(person: PersonEntry) -> str:
    """The years in which a person was photographed: `2003 – 2019`, `2019`, or empty."""
    ends = (moment(person.first_taken), moment(person.last_taken))
    return " – ".join(dict.fromkeys(f"{when:%Y}" for when in ends if when))


def initial(name: str) -> str:
    """What stands for a face without a picture."""
    return name[:1].upper() or "?"


def describe(photo: PhotoEntry) -> str:
    """A photo in words, for those who don't see it: `Photo of Ada, Ben and 2 unknown faces, 14 July 2019`."""
    names = list(dict.fromkeys(short(face.person) for face in photo.faces if face.person))
    unknown = sum(1 for face in photo.faces if kind(face) == "unknown")
    if len(names) > 8:
        names = [*names[:8], counted(len(names) - 8, "other named person", "other named people")]
    if unknown:
        names.append(counted(unknown, "unknown face"))
    when = day(photo.taken_at)
    return f"Photo of {_listed(names)}" + (f", {when}" if when else "")


def describe_face(face: FaceEntry) -> str:
    """A face in words: `Ada Lovelace, 14 July 2019`."""
    return ", ".join(part for part in (short(face.person or "Unknown face"), day(face.taken_at)) if part)


def describe_tag(face: FaceEntry) -> str:
    """What is known of a face, and from whom: `Ada Lovelace, recognised, 93 %`."""
    if kind(face) == "unknown":
        return "Unknown face" if face.group is None else f"Unknown face, group {face.group}"
    told = "confirmed" if kind(face) == "human" else "recognised"
    return ", ".join(part for part in (short(face.person or ""), told, percent(face.probability)) if part)


def who(photo: PhotoEntry) -> str:
    """Who is on a photo, in a few words: `Ada, Ben +2`; empty if nobody is known."""
    names = list(dict.fromkeys(short(face.person) for face in photo.faces if face.person))
    return ", ".join(names[:3]) + (f" +{len(names) - 3}" if len(names) > 3 else "")


def shape(photo: PhotoEntry) -> str:
    """`wide`, `tall` or `slim`: how far the page may enlarge a small picture."""
    if photo.width >= photo.height:
        return "wide"
    return "tall" if photo.height <= 1.6 * photo.width else "slim"


def _listed(parts: list[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)
