"""Decodes one photo file: its hash, its date and its upright pixels, or the reason why not.

Formats: JPEG (with MPO), PNG, WebP, TIFF, BMP, GIF, HEIC/HEIF, AVIF and JPEG 2000, recognised by content; of
animations, bursts and pages the first. Hostile files should be decoded in a worker process: `decode` turns every
exception into a `PhotoError`, but a C library may crash the process (and libtiff writes to file descriptor 2).
"""

from __future__ import annotations

import hashlib
import io
import logging
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import PIL
import PIL.Image

from phototag.display import printable
from phototag.errors import PhotoError
from phototag.imaging.colour import eight_bit, is_srgb, srgb
from phototag.imaging.exif import CORRUPT, Exif, read_exif, tells_of_damage
from phototag.imaging.jpeg import decode_rgb
from phototag.imaging.photo_file import read_photo, too_large
from phototag.imaging.sniff import ends_early
from phototag.types import RGB, DecodedPhoto, Image

MAX_HEADER_PIXELS = 256_000_000  #: as the header says; phones make 200-megapixel JPEGs
MAX_DECODED_PIXELS = 100_000_000  #: really put into memory: less than the header's for a JPEG
#: Decoders that hold 16 and 19 bytes a pixel (measured), lest one photo takes more than 1.4 GB.
MAX_PIXELS_OF = {"WEBP": 80_000_000, "JPEG2000": 70_000_000}
MAX_ASPECT = 40

# The long side may come out this much smaller than asked for where that saves a resampling: 58 instead
# of 206 ms for a JPEG of 12 megapixels (4000×3000 decoded straight to 2000×1500).
_SLACK = 0.75

_DNG_VERSION, _NEW_SUBFILE_TYPE, _SUB_IFDS = 50706, 254, 330  # TIFF tags

# Pillow warns above this and refuses above twice this; between the two our own limit speaks.
PIL.Image.MAX_IMAGE_PIXELS = MAX_HEADER_PIXELS
# Pillow reports oddities of files through logging, which prints them if nobody listens.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def decode(path: bytes, *, side: int = 2560) -> DecodedPhoto:
    """The photo at `path`, upright, in sRGB, at most `side` pixels long and at least three quarters of that.

    Nothing is enlarged. The array is read-only.
    Raises `NotAPhoto`, or `PhotoError` with one of the codes

    - `denied`, `vanished`, `unreadable`, `special` (no regular file), `changed` (twice, while it was read),
    - `empty`, `unknown` (named as a photo, but of no known format), `unsupported` (an image of a format or variety that
      is not read), `too-large` (bytes, pixels, length to width, or memory),
    - `truncated`, `corrupt`,

    and nothing else, whatever the bytes.
    """
    kind, data = "", b""
    try:
        kind, data = read_photo(path)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            photo = _decoded(kind, data, side)
        if CORRUPT not in photo.notes and any(tells_of_damage(str(warning.message)) for warning in warned):
            return replace(photo, notes=(CORRUPT, *photo.notes))
        return photo
    except PhotoError:
        raise
    # Pillow and its plugins leak SyntaxError, struct.error, TypeError, ValueError, ZeroDivisionError,
    # RuntimeError and others for damaged files; and memory may run out.
    except Exception as error:
        raise _explained(kind, data, error) from error


def _decoded(kind: str, data: bytes, side: int) -> DecodedPhoto:
    rgb, (width, height), exif, notes = _load(kind, data, side)
    if exif.orientation >= 5:
        width, height = height, width
    upright = _upright(rgb, exif.orientation)
    upright.flags.writeable = False
    return DecodedPhoto(
        sha256=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        taken_at=exif.taken_at,
        image=Image(upright, max(upright.shape) / max(width, height)),
        notes=exif.notes + notes,
    )


def _load(kind: str, data: bytes, side: int) -> tuple[RGB, tuple[int, int], Exif, tuple[str, ...]]:
    """The first picture in `data` in sRGB, not yet upright, at most `side` long; its full size; its EXIF; notes."""
    if kind == "HEIF":
        _teach_heif()
    with PIL.Image.open(io.BytesIO(data), formats=[kind]) as image:
        full = image.size
        _check_header(full)
        if kind == "TIFF":
            _refuse_raw(image)
        if kind == "JPEG":
            _draft(image, side)
        # A progressive JPEG's coefficients lie in memory at full size, whatever the draft.
        pixels = full if image.info.get("progressive") else image.size
        if pixels[0] * pixels[1] > MAX_PIXELS_OF.get(kind, MAX_DECODED_PIXELS):
            raise too_large(f"{pixels[0]}×{pixels[1]} pixels to decode")
        profile = image.info.get("icc_profile")
        if kind == "JPEG" and image.mode == "RGB" and max(image.size) <= side and is_srgb(profile):
            rgb = decode_rgb(data, image.size)
            if rgb is not None:
                return rgb, full, read_exif(image), ()
        image.load()
        if kind != "JPEG":
            full = image.size  # TIFF and HEIF may have turned themselves
        exif = read_exif(image)
        fitting = _at_most(eight_bit(image), side)
    plain, notes = srgb(fitting, profile)
    return np.asarray(plain), full, exif, notes


def _upright(rgb: RGB, orientation: int) -> RGB:
    """Pixels as EXIF's orientation (1 to 8) wants them seen."""
    if orientation >= 5:
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    return np.ascontiguousarray(rgb)


def _check_header(size: tuple[int, int]) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise PhotoError("corrupt", f"the picture has no pixels ({width}×{height})")
    if width * height > MAX_HEADER_PIXELS:
        raise too_large(f"{width}×{height} pixels")
    if max(size) > MAX_ASPECT * min(size):
        raise too_large(f"{width}×{height}, more than {MAX_ASPECT} times as long as wide")


def _refuse_raw(image: PIL.Image.Image) -> None:
    """DNG, NEF, ARW and their kin are TIFFs whose first page is a thumbnail of the raw picture."""
    tags = getattr(image, "tag_v2", {})
    if _DNG_VERSION in tags or (_SUB_IFDS in tags and int(tags.get(_NEW_SUBFILE_TYPE, 0)) & 1):
        raise PhotoError("unsupported", "camera raw files are not read")


def _draft(image: PIL.Image.Image, side: int) -> None:
    """Lets libjpeg decode to a half, quarter or eighth, the smallest that is still long enough."""
    width, height = image.size
    for part in (8, 4, 2):
        if max(image.size) / part >= _SLACK * side:
            image.draft(None, (width // part, height // part))
            return


def _at_most(image: PIL.Image.Image, side: int) -> PIL.Image.Image:
    """The image itself, or made smaller: at most `side` long, at least `_SLACK` of that if it was longer.

    Whole factors are averaged (a fifth of the time); others resampled bilinearly with antialiasing.
    """
    long = max(image.size)
    if long <= side:
        return image
    factor = -(-long // side)
    if long / factor >= _SLACK * side:
        return image.reduce(factor)
    width, height = (max(1, round(length * side / long)) for length in image.size)
    return image.resize((width, height), PIL.Image.Resampling.BILINEAR, reducing_gap=1.0)


@cache
def _teach_heif() -> None:
    """Makes Pillow read HEIC and HEIF; only where one is met, for the library takes its time to load."""
    import pillow_heif

    pillow_heif.register_heif_opener()


def _explained(kind: str, data: bytes, error: Exception) -> PhotoError:
    """The problem behind a decoder's exception."""
    if isinstance(error, MemoryError):
        return PhotoError("too-large", "too large: there is not enough memory to decode it")
    if isinstance(error, PIL.Image.DecompressionBombError):
        return too_large(f"more than {MAX_HEADER_PIXELS / 1e6:.0f} megapixels")
    said = "" if isinstance(error, PIL.UnidentifiedImageError) else printable(str(error).strip())[:120]
    reason = f" ({said})" if said else ""
    saying = said.lower()
    if "too large" in saying:
        return too_large(said)
    if "truncat" in saying or "end of file" in saying or ends_early(kind, data):
        return PhotoError("truncated", f"the {kind} file ends too early{reason}")
    if "unsupported" in saying or "not supported" in saying:
        return PhotoError("unsupported", f"a variety of {kind} that is not read{reason}")
    return PhotoError("corrupt", f"the {kind} file is damaged, or of a variety that can't be read{reason}")
