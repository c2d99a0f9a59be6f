"""What a photo's EXIF says that we use: which way is up, and when it was taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from PIL import Image

# Tag numbers of EXIF 2.32.
_ORIENTATION = 0x0112
_DATE_TIME = 0x0132
_EXIF_IFD = 0x8769
_DATE_TIME_ORIGINAL = 0x9003
_DATE_TIME_DIGITIZED = 0x9004

_STAMP = re.compile(r"\s*(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?(?!\d)")
_FIRST_YEAR, _LAST_YEAR = 1826, 2199  #: the oldest surviving photo; beyond any clock's honest error


CORRUPT = "corrupt EXIF ignored"  #: the note


@dataclass(frozen=True, slots=True)
class Exif:
    """`orientation`: 1 to 8. `taken_at`: ISO 8601 local time without a zone, or None."""

    orientation: int = 1
    taken_at: str | None = None
    notes: tuple[str, ...] = ()


def read_exif(image: Image.Image) -> Exif:
    """Orientation and date of an image that Pillow opened; call it after `load()`.

    Never raises, though Pillow may warn: whatever is wrong with the EXIF is a note, and what could be
    read is used. (Pillow turns TIFF and HEIF images itself while loading and then says orientation 1;
    AVIF's own turn is told as an EXIF orientation; XMP's `tiff:Orientation` counts where EXIF has none.)
    """
    orientation: object = 1
    taken_at: str | None = None
    notes: list[str] = []
    try:
        tags = image.getexif()
        orientation = tags.get(_ORIENTATION, 1)
        taken_at = iso_date(tags.get(_DATE_TIME))
        details = tags.get_ifd(_EXIF_IFD)
        exposed = iso_date(details.get(_DATE_TIME_ORIGINAL))
        taken_at = exposed or iso_date(details.get(_DATE_TIME_DIGITIZED)) or taken_at
    # Pillow leaks struct.error, TypeError, KeyError and others for damaged EXIF, none of them documented.
    except Exception:
        notes.append(CORRUPT)
    if not (isinstance(orientation, int) and 1 <= orientation <= 8):
        notes.append("invalid EXIF orientation ignored")
        orientation = 1
    return Exif(orientation, taken_at, tuple(notes))


def tells_of_damage(warning: str) -> bool:
    """Whether a warning of Pillow's, given while opening, loading or reading, is about damaged EXIF."""
    return warning.startswith(("Corrupt EXIF", "Truncated File Read", "Tag data larger"))


def iso_date(stamp: object) -> str | None:
    """An EXIF date (`2019:07:14 18:03:22`) as ISO 8601, None for what is no date of a photo."""
    if isinstance(stamp, bytes):
        stamp = stamp.decode("ascii", "replace")
    match = _STAMP.match(stamp) if isinstance(stamp, str) else None
    if match is None:
        return None
    try:
        moment = datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
    return moment.isoformat() if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None
