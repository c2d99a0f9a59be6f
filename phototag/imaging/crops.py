"""The small pictures that the database keeps, so that nothing after indexing needs the photos.

All are made from pixels alone: no EXIF, no profile, no place where a photo was taken.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import PIL.Image
import simplejpeg

from phototag.errors import PhotoError
from phototag.types import RGB, Box, Image

_BILINEAR = PIL.Image.Resampling.BILINEAR
_SHEET_GAP = 4
_SHEET_COLOUR = (32, 32, 32)


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """A face and its surroundings as JPEG, and the square of the photo it shows.

    `region`: in upright full-size pixels; parts of it may lie outside the photo.
    """

    jpeg: bytes
    region: Box


def face_crop(detail: Image, box: Box, *, side: int = 224, margin: float = 0.5) -> FaceCrop:
    """The square around a face with `margin` times its size on each side, at most `side` pixels.

    `box`: upright full-size pixels. Where the square leaves the photo, the photo's edge is repeated.
    Never enlarged. The margin leaves room to align the face again for another embedder.
    """
    wanted = box.scaled(detail.scale)
    size = max(1, round(max(wanted.w, wanted.h) * (1 + 2 * margin)))
    left, top = round(wanted.x + (wanted.w - size) / 2), round(wanted.y + (wanted.h - size) / 2)
    height, width = detail.rgb.shape[:2]
    # At least one pixel of the photo, also for a box beyond its edge.
    first, last = (min(max(top, 0), height - 1), min(max(left, 0), width - 1)), (top + size, left + size)
    around = detail.rgb[first[0] : max(last[0], first[0] + 1), first[1] : max(last[1], first[1] + 1)]
    before = (max(first[0] - top, 0), max(first[1] - left, 0))
    after = (max(size - before[0] - around.shape[0], 0), max(size - before[1] - around.shape[1], 0))
    if any(before + after):
        around = np.pad(around, (*zip(before, after, strict=True), (0, 0)), "edge")[:size, :size]
    pixels = min(side, size)
    region = Box(left, top, size, size).scaled(1 / detail.scale)
    return FaceCrop(_jpeg(_shrunk(around, pixels, pixels), quality=85), region)


def preview(image: Image, side: int = 448) -> bytes:
    """The whole photo as a small JPEG, its long side at most `side` pixels."""
    height, width = image.rgb.shape[:2]
    factor = min(1.0, side / max(height, width))
    return _jpeg(_shrunk(image.rgb, max(1, round(width * factor)), max(1, round(height * factor))), quality=75)


def load_picture(data: bytes) -> RGB:
    """The pixels of a `face_crop` or `preview`. Raises PhotoError (`corrupt`) for anything else."""
    try:
        with PIL.Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
            return np.asarray(picture.convert("RGB"))
    # Pillow's plugins leak many kinds of exceptions for damaged bytes.
    except Exception as error:
        raise PhotoError("corrupt", "a stored picture is damaged") from error


def contact_sheet(pictures: Sequence[bytes], *, columns: int = 8, cell: int = 160) -> bytes:
    """Many faces on one JPEG, row by row, each fitted into a square of `cell` pixels.

    A damaged picture leaves its square empty.
    """
    across = max(1, min(columns, len(pictures)))
    down = max(1, math.ceil(len(pictures) / across))
    step = cell + _SHEET_GAP
    sheet = PIL.Image.new("RGB", (across * step + _SHEET_GAP, down * step + _SHEET_GAP), _SHEET_COLOUR)
    for number, jpeg in enumerate(pictures):
        try:
            picture = PIL.Image.fromarray(load_picture(jpeg))
        except PhotoError:
            continue
        factor = cell / max(picture.size)
        picture = picture.resize(
            (max(1, round(picture.width * factor)), max(1, round(picture.height * factor))), _BILINEAR
        )
        row, column = divmod(number, across)
        left = _SHEET_GAP + column * step + (cell - picture.width) // 2
        top = _SHEET_GAP + row * step + (cell - picture.height) // 2
        sheet.paste(picture, (left, top))
    output = io.BytesIO()
    sheet.save(output, "JPEG", quality=88)
    return output.getvalue()


def _shrunk(rgb: RGB, width: int, height: int) -> RGB:
    """Halved as often as it can be, so that nothing flickers, then resampled to the size asked for."""
    while rgb.shape[1] >= 2 * width and rgb.shape[0] >= 2 * height:
        half = (rgb.shape[1] // 2, rgb.shape[0] // 2)
        rgb = cv2.resize(rgb[: half[1] * 2, : half[0] * 2], half, interpolation=cv2.INTER_AREA).astype(
            np.uint8, copy=False
        )
    shrunk: RGB = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
    return shrunk


def _jpeg(picture: RGB, quality: int) -> bytes:
    # WebP would take a fifth fewer bytes and fifteen times the time; Pillow's JPEG the same bytes and twice the time.
    encoded: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality, colorsubsampling="420")
    return encoded
