"""Marks over a photo: a box and a label for each face, in percent of the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from phototag.report.album import FaceEntry, PhotoEntry

Kind = Literal["human", "machine", "unknown"]
Anchor = Literal["start", "middle", "end"]

_FULL_NAMES = 6  # with more faces on a photo, labels are first names


def kind(face: FaceEntry) -> Kind:
    """Who named the face; `unknown` for nobody."""
    return face.source if face.person_id is not None and face.source else "unknown"


@dataclass(frozen=True, slots=True)
class Mark:
    """A face's rectangle and where its label is anchored, in percent of the picture; `drop`: down, in pixels."""

    face: FaceEntry
    kind: Kind
    left: str
    top: str
    width: str
    height: str
    label: str
    label_x: str
    label_y: str
    drop: int
    anchor: Anchor


def marks(photo: PhotoEntry, faces: tuple[FaceEntry, ...]) -> list[Mark]:
    """The marks of those of the photo's `faces` whose box is in the picture."""
    drawn = (_mark(face, photo.width, photo.height, len(faces) > _FULL_NAMES) for face in faces)
    return [mark for mark in drawn if mark]


def _mark(face: FaceEntry, width: int, height: int, crowded: bool) -> Mark | None:
    box = face.box
    if width <= 0 or height <= 0 or not all(map(math.isfinite, (box.x, box.y, box.w, box.h))):
        return None
    left, right = (min(100.0, max(0.0, 100 * x / width)) for x in (box.x, box.x + box.w))
    top, bottom = (min(100.0, max(0.0, 100 * y / height)) for y in (box.y, box.y + box.h))
    if right <= left or bottom <= top:
        return None
    # The label is above its box, or below it at the top of the picture, or inside if there is room for neither.
    label_y, drop = (top, -7) if top > 7 else (bottom, 19) if bottom < 93 else (top, 19)
    label_x, anchor = _beside(left, right)
    return Mark(
        face=face,
        kind=kind(face),
        left=_percent(left),
        top=_percent(top),
        width=_percent(right - left),
        height=_percent(bottom - top),
        label=_label(face, crowded),
        label_x=_percent(label_x),
        label_y=_percent(label_y),
        drop=drop,
        anchor=anchor,
    )


def _beside(left: float, right: float) -> tuple[float, Anchor]:
    """Where a label is anchored so that it stays within the picture's left and right edges."""
    middle = (left + right) / 2
    if middle < 15:
        return left, "start"
    if middle > 85:
        return right, "end"
    return middle, "middle"


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _label(face: FaceEntry, crowded: bool) -> str:
    if kind(face) == "unknown":
        return "?"
    words = (face.person or "").split()
    name = words[0] if crowded and words else " ".join(words)
    return name if len(name) <= 28 else f"{name[:27]}…"
