"""Photos, faces and people in words, for captions and for readers who don't see the pictures."""

from __future__ import annotations

from phototag.display import counted
from phototag.report.album import FaceEntry, PersonEntry, PhotoEntry
from phototag.report.jinja import day, parse_time, percent, short
from phototag.report.marks import kind

#: Names in the description of one photo, at most.
_MAX_NAMES = 8


def year(entry: PhotoEntry | FaceEntry) -> str:
    """`2019`, empty if undated."""
    when = parse_time(entry.taken_at)
    return f"{when:%Y}" if when else ""


def span(person: PersonEntry) -> str:
    """The years in which a person was photographed: `2003 – 2019`, `2019`, or empty."""
    ends = (parse_time(person.first_taken), parse_time(person.last_taken))
    return " – ".join(dict.fromkeys(f"{when:%Y}" for when in ends if when))


def describe(photo: PhotoEntry) -> str:
    """The text alternative of a photo: `Photo of Ada, Ben and 2 unknown faces, 14 July 2019`."""
    names = _names(photo)
    unknown = sum(1 for face in photo.faces if kind(face) == "unknown")
    if len(names) > _MAX_NAMES:
        names = [*names[:_MAX_NAMES], counted(len(names) - _MAX_NAMES, "other named person", "other named people")]
    if unknown:
        names.append(counted(unknown, "unknown face"))
    when = day(photo.taken_at)
    return f"Photo of {_enumerated(names)}" + (f", {when}" if when else "")


def describe_face(face: FaceEntry) -> str:
    """`Ada Lovelace, 14 July 2019`."""
    return ", ".join(part for part in (short(face.person or "Unknown face"), day(face.taken_at)) if part)


def describe_tag(face: FaceEntry) -> str:
    """A face's name and who gave it: `Ada Lovelace, recognised, 93 %`."""
    if kind(face) == "unknown":
        return "Unknown face" if face.group is None else f"Unknown face, group {face.group}"
    named_by = "confirmed" if kind(face) == "human" else "recognised"
    return ", ".join(part for part in (short(face.person or ""), named_by, percent(face.probability)) if part)


def who(photo: PhotoEntry) -> str:
    """The people on a photo, in a few words: `Ada, Ben, Cy +2`; empty if nobody is known."""
    names = _names(photo)
    return ", ".join(names[:3]) + (f" +{len(names) - 3}" if len(names) > 3 else "")


def shape(photo: PhotoEntry) -> str:
    """The CSS class `wide`, `tall` or `slim`, which limits how far a small picture is enlarged."""
    if photo.width >= photo.height:
        return "wide"
    return "tall" if photo.height <= 1.6 * photo.width else "slim"


#: Jinja filters of these functions.
FILTERS = {
    "kind": kind,
    "year": year,
    "span": span,
    "describe": describe,
    "describe_face": describe_face,
    "describe_tag": describe_tag,
    "who": who,
    "shape": shape,
}


def _names(photo: PhotoEntry) -> list[str]:
    """The people on a photo, each once."""
    return list(dict.fromkeys(short(face.person) for face in photo.faces if face.person))


def _enumerated(parts: list[str]) -> str:
    """`Ada, Ben and Cy`."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)
