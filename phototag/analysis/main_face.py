"""Main face: which of a photo's faces the photo is of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

from phototag.types import Box, Face, NewFace

F = TypeVar("F", Face, NewFace)


def main_face(found: Sequence[F], width: int, height: int) -> F:
    """The face that a photo is of: large, and near the middle."""
    return max(found, key=lambda face: prominence(face.box, width, height))


def largest(found: tuple[NewFace, ...]) -> NewFace:
    """The face that takes most of a photo."""
    return max(found, key=lambda face: face.box.w * face.box.h)


def prominence(box: Box, width: int, height: int) -> float:
    """Area, discounted linearly to a quarter from the photo's middle to its corner."""
    across = (box.x + box.w / 2 - width / 2) / (width / 2)
    down = (box.y + box.h / 2 - height / 2) / (height / 2)
    away = min(1.0, math.hypot(across, down) / math.sqrt(2))
    return box.w * box.h * (1 - 0.75 * away)
