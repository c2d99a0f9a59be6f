"""Jinja2 for all our pages, set up so that no template can forget to be safe, and the text filters they share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from phototag import display
from phototag.display import and_more, counted, path_text, photos_away, printable

_PACKAGE = Path(__file__).parents[1]
_MAX_CHARS = 300  # of one name, path or message on a page
# calendar.month_name follows the locale; these pages are in English.
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def templates_folder() -> Path:
    """The folder of templates: inside the package in a wheel, beside it in a checkout."""
    packaged = _PACKAGE / "templates"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "templates"


def safe_environment() -> Environment:
    """An environment that escapes every value, makes control characters visible and rejects undefined values."""
    environment = Environment(
        loader=FileSystemLoader(templates_folder()),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        short=short,
        path=library_path,
        file_name=file_name,
        number=number,
        count=counted,
        and_more=and_more,
        photos_away=photos_away,
        percent=percent,
        day=day,
        brief_day=brief_day,
        month=month,
        clock=clock,
        initial=initial,
    )
    return environment


def _visible(value: object) -> object:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def short(text: str) -> str:
    """Text of at most 300 characters: control characters are visible, the middle is left out."""
    shown = printable(text)
    return shown if len(shown) <= _MAX_CHARS else f"{shown[:100]}…{shown[101 - _MAX_CHARS :]}"


def library_path(root: bytes, path: bytes) -> str:
    """A file's path from its library's own folder on, without the folders above it."""
    return short(path_text(root.rstrip(b"/").rpartition(b"/")[2] + b"/" + path))


def file_name(path: bytes) -> str:
    """The last part of a path."""
    return short(path_text(path.rpartition(b"/")[2]))


def number(value: int) -> str:
    """`12,345`."""
    return f"{value:,}"


def percent(probability: float | None) -> str:
    """A probability as whole percent, empty for None and for anything that is none."""
    return "" if probability is None or not 0 <= probability <= 1 else display.percent(probability)


def parse_time(taken_at: str | None) -> datetime | None:
    """A stored ISO 8601 time; None if it is absent or malformed."""
    try:
        return datetime.fromisoformat(taken_at) if taken_at else None
    except ValueError:
        return None


def day(taken_at: str | None) -> str:
    """`14 July 2019`, empty if undated."""
    when = parse_time(taken_at)
    return f"{when.day} {month(taken_at)}" if when else ""


def brief_day(taken_at: str | None) -> str:
    """`14 Jul 2019`, empty if undated."""
    when = parse_time(taken_at)
    return f"{when.day} {_MONTHS[when.month - 1][:3]} {when.year}" if when else ""


def month(taken_at: str | None) -> str:
    """`July 2019`, empty if undated."""
    when = parse_time(taken_at)
    return f"{_MONTHS[when.month - 1]} {when.year}" if when else ""


def clock(taken_at: str | None) -> str:
    """`18:03`, empty if undated."""
    when = parse_time(taken_at)
    return f"{when:%H:%M}" if when else ""


def initial(name: str) -> str:
    """The first letter of a name, shown in place of a missing picture."""
    return name[:1].upper() or "?"
