"""An image at many sizes, packed into one picture so that a network sees all of them in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from phototag.types import RGB


@dataclass(frozen=True, slots=True)
class Level:
    """A scaled copy of the image: its place and size in the atlas, all even numbers of pixels."""

    x: int
    y: int
    width: int
    height: int


def sizes(width: int, height: int, scale: float, factor: float, smallest: int) -> list[tuple[int, int]]:
    """Even widths and heights from `scale` times the image downwards by `factor`, both sides ≥ `smallest`."""
    found = []
    while min(size := (_even(width * scale), _even(height * scale))) >= smallest:
        found.append(size)
        scale *= factor
    return found


def pack(sizes: list[tuple[int, int]]) -> tuple[list[Level], int]:
    """Places for rectangles given from the largest down, in a strip as wide as the first, and its height.

    Each goes into the first free space that holds it, and what is left of that space is cut in two.
    """
    width = sizes[0][0]
    height = sum(side for _, side in sizes)
    free = [(0, 0, width, height)]
    levels = []
    for w, h in sizes:
        place = next(place for place in free if place[2] >= w and place[3] >= h)
        free.remove(place)
        x, y, room_w, room_h = place
        levels.append(Level(x, y, w, h))
        free += [(x + w, y, room_w - w, h), (x, y + h, room_w, room_h - h)]
        free.sort(key=lambda place: place[1])
    return levels, max(level.y + level.height for level in levels)


def atlas(image: RGB, levels: list[Level], height: int) -> RGB:
    """The picture of all levels, each resampled from the image or a smaller copy of it.

    Pillow's HAMMING is nearest to the mean of the area under a pixel; its BOX takes whole pixels only, and
    that noise made P-Net miss faces and see others.
    """
    source = Image.fromarray(image)
    canvas = Image.new("RGB", (levels[0].width, height))
    for level in levels:
        # Halving is much quicker than resizing, and small levels need not look at every pixel again.
        while source.width >= 2 * level.width and source.height >= 2 * level.height:
            source = source.reduce(2)
        scaled = source.resize((level.width, level.height), Image.Resampling.HAMMING)
        canvas.paste(scaled, (level.x, level.y))
    return np.asarray(canvas)


def _even(side: float) -> int:
    return int(side) // 2 * 2
