"""Every kind of pixel that Pillow loads, made into 8-bit sRGB on white."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

_DIRECT = frozenset({"L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB"})
_ROWS = 256  #: rows scaled at a time, so that a huge 16-bit picture needs no second copy in floats
_BITS_PER_SAMPLE = 258  #: a TIFF tag


def eight_bit(image: Image.Image) -> Image.Image:
    """The loaded `image` in an 8-bit mode that can be scaled down: L, LA, RGB, RGBA, CMYK, YCbCr or LAB.

    16-bit greys: 65535 (or what a TIFF's BitsPerSample allows) becomes 255. 32-bit integers and floats
    have no fixed white: values within 0–1 (floats), 0–255 or 0–65535 (integers) are taken so, anything
    else is stretched from its least to its greatest; NaN is black.
    """
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return Image.fromarray(_scaled(np.asarray(image), *_range(image)))
    if image.has_transparency_data and mode not in {"LA", "RGBA"}:
        return image.convert("RGBA")
    if mode in _DIRECT:
        return image
    return image.convert("L" if mode == "1" else "RGB")


def srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, tuple[str, ...]]:
    """An `eight_bit` image in sRGB by its ICC `profile`, on white where transparent, and notes.

    A profile that is damaged or made for another kind of pixels is passed over, with a note. CMYK without
    a profile is Pillow's plain conversion.
    """
    notes: tuple[str, ...] = ()
    image = _on_white(image)
    if profile:
        try:
            transform = _transform(profile, image.mode)
            if transform is not None:
                return ImageCms.applyTransform(image, transform) or image, notes
        # LittleCMS's wrapper raises OSError, ValueError or TypeError as well as its own PyCMSError.
        except Exception:
            notes = ("unusable colour profile ignored",)
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(image, lab, _SRGB, outputMode="RGB") or image, notes
    return image if image.mode == "RGB" else image.convert("RGB"), notes


def is_srgb(profile: bytes | None) -> bool:
    """Whether RGB pixels with this ICC profile, or without one, are in sRGB already."""
    try:
        return not profile or _transform(profile, "RGB") is None
    except Exception:  # as above
        return False


_SRGB = ImageCms.createProfile("sRGB")


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from `profile` to sRGB; None if it is sRGB already."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if mode == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
        return None
    return ImageCms.buildTransform(source, _SRGB, mode, "RGB")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode not in {"LA", "RGBA"}:
        return image
    below = Image.new(image.mode[:-1], image.size, "white")
    below.paste(image.convert(below.mode), mask=image.getchannel("A"))
    return below


def _range(image: Image.Image) -> tuple[float, float]:
    """The values that become 0 and 255."""
    if image.mode.startswith("I;16"):
        bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (16,))[0]
        return 0.0, float(2**bits - 1 if 8 < bits < 16 else 65535)
    values = np.asarray(image)
    if image.mode == "I":
        low, high, whites = float(values.min()), float(values.max()), (255.0, 65535.0)
    else:
        finite = np.isfinite(values)
        low = float(values.min(where=finite, initial=np.inf))
        high = float(values.max(where=finite, initial=-np.inf))
        whites = (1.0, 255.0)
    for white in whites:
        if low >= 0 and high <= white:
            return 0.0, white
    return low, high


def _scaled(values: npt.NDArray[np.generic], low: float, high: float) -> npt.NDArray[np.uint8]:
    scaled = np.empty(values.shape, np.uint8)
    factor = 255.0 / (high - low) if high > low else 0.0
    for start in range(0, len(values), _ROWS):
        rows = np.nan_to_num(values[start : start + _ROWS].astype(np.float64), nan=low, posinf=high, neginf=low)
        scaled[start : start + _ROWS] = np.rint(np.clip((rows - low) * factor, 0, 255))
    return scaled
