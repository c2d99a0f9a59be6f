"""An image at many sizes, packed into one picture so that a network sees all of them in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import PIL.Image

from phototag.types import RGB


@dataclass(frozen=True, slots=True)
class Level:
    """A scaled copy of the image: its place in the atlas, at even numbers of pixels, and its size.

    `scale`: pixels of the image that one of its pixels stands for, across and down.
    """

    x: int
    y: int
    width: int
    height: int
    scale: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """All levels in one picture, with even sides."""

    rgb: RGB
    levels: tuple[Level, ...]


def build_atlas(image: RGB, scale: float, smallest: int, width: int = 0) -> Atlas | None:
    """Levels from `scale` times the image downwards by halves, while both sides are at least `smallest`.

    The picture is at least `width` wide, if the levels fill that. None where not even one level fits.
    """
    size = (_even(image.shape[1] * scale), _even(image.shape[0] * scale))
    if min(size) < smallest:
        return None
    fine = image
    while fine.shape[1] >= 2 * size[0] and fine.shape[0] >= 2 * size[1]:
        fine = _halved(fine)
    picture: RGB = cv2.resize(fine, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
    scales = (image.shape[1] / size[0], image.shape[0] / size[1])
    pictures = []
    while min(picture.shape[:2]) >= smallest:
        pictures.append((picture, scales))
        picture, scales = _halved(picture), (2 * scales[0], 2 * scales[1])
    sizes = [(_even(one.shape[1] + 1), _even(one.shape[0] + 1)) for one, _ in pictures]
    places, size = pack_rectangles(sizes, max(width, sizes[0][0]))
    canvas = np.zeros((*size, 3), np.uint8)
    levels = []
    for (picture, scales), (x, y) in zip(pictures, places, strict=True):
        h, w = picture.shape[:2]
        canvas[y : y + h, x : x + w] = picture
        levels.append(Level(x, y, w, h, scales))
    return Atlas(canvas, tuple(levels))


def reduced(image: RGB, factor: int) -> RGB:
    """Averaged by a whole factor, as Pillow does it; by two OpenCV yields the same pixels in a quarter of the time."""
    if factor == 1:
        return image
    return _halved(image) if factor == 2 else np.asarray(PIL.Image.fromarray(image).reduce(factor))


def _halved(image: RGB) -> RGB:
    """Four pixels as one; an odd row or column at the end is taken twice."""
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE).astype(
            np.uint8, copy=False
        )
    size = (image.shape[1] // 2, image.shape[0] // 2)
    halved: RGB = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return halved


def pack_rectangles(sizes: list[tuple[int, int]], width: int) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Places for rectangles given from the largest down in a strip, and the height and width that they take.

    Each goes into the first free space that holds it, and what is left of that space is cut in two.
    """
    free = [(0, 0, width, sum(side for _, side in sizes))]
    places = []
    for w, h in sizes:
        place = next(place for place in free if place[2] >= w and place[3] >= h)
        free.remove(place)
        x, y, room_w, room_h = place
        places.append((x, y))
        free += [(x + w, y, room_w - w, h), (x, y + h, room_w, room_h - h)]
        free.sort(key=lambda place: place[1])
    ends = [(y + h, x + w) for (x, y), (w, h) in zip(places, sizes, strict=True)]
    return places, (max(down for down, _ in ends), max(across for _, across in ends))


def _even(side: float) -> int:
    return int(side) // 2 * 2
