"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import os
import re
from typing import Literal

#: How many bytes of a file's beginning the functions here want to see.
HEAD = 1024

#: Suffixes by which a file claims to be a photo.
PHOTO_SUFFIXES = frozenset(
    b".apng .avif .avifs .bmp .dib .gif .heic .heics .heif .heifs .hif .j2c .j2k .jfif .jp2 .jpe .jpeg .jpf "
    b".jpg .jpx .mpo .png .tif .tiff .webp "
    b".arw .cr2 .cr3 .dng .jxl .nef .orf .pef .psd .raf .rw2 .srw .xcf".split()
)

_FORMATS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
)
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})

_REFUSED = (
    (b"%PDF-", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"8BPS", "Photoshop"),
    (b"gimp xcf", "GIMP"),
    (b"icns", "icon"),
    (b"\x00\x00\x01\x00", "icon"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"FUJIFILMCCD-RAW", "camera raw"),
    (b"IIRO", "camera raw"),
    (b"IIRS", "camera raw"),
    (b"IIU\x00", "camera raw"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance"),
    (b"SIMPLE  =", "FITS"),
    (b"DDS ", "DirectDraw"),
)
_NETPBM = re.compile(rb"P[1-7]\s+[\d#]")
_SVG = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE svg[^>]*>|\s)*<svg[\s>]", re.DOTALL)


def photo_format(head: bytes) -> str | None:
    """Pillow's name of the format that `head` begins, if it is one that we read."""
    for magic, name in _FORMATS:
        if head.startswith(magic):
            return name
    if head.startswith(_TIFF):
        return None if head[8:10] == b"CR" else "TIFF"  # Canon's CR2 is a TIFF of previews
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    # "BM" also begins words; the header's size, a byte's worth in every version, tells them apart.
    if head.startswith(b"BM") and 0 < int.from_bytes(head[14:18], "little") <= 255:
        return "BMP"
    brands = _brands(head)
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def refused_kind(head: bytes) -> str | None:
    """What kind of picture `head` begins, in words, if it is one that we know but don't read."""
    for magic, name in _REFUSED:
        if head.startswith(magic):
            return name
    if (head.startswith(_TIFF) and head[8:10] == b"CR") or b"crx " in _brands(head):
        return "camera raw"
    if _NETPBM.match(head):
        return "Netpbm"
    return "SVG" if _SVG.match(head) else None


def claims_to_be_photo(path: bytes) -> bool:
    """Whether the file's suffix is a photo's."""
    return os.path.splitext(path)[1].lower() in PHOTO_SUFFIXES


def ends_early(kind: str, data: bytes) -> bool:
    """Whether a file that failed to decode lacks its end; `kind` as from `photo_format`.

    Asked where Pillow itself doesn't tell a short file from a damaged one.
    """
    if kind == "WEBP":
        return 8 + int.from_bytes(data[4:8], "little") > len(data)
    if kind == "TIFF":
        order: Literal["little", "big"] = "little" if data.startswith(b"I") else "big"
        return data[2:4].strip(b"\0") == b"*" and int.from_bytes(data[4:8], order) >= len(data)
    if data[4:8] in {b"ftyp", b"jP  "}:
        return _boxes_end(data) > len(data)
    return False


def _boxes_end(data: bytes) -> int:
    """Where the last of an ISO base media file's boxes says that it ends (ISO/IEC 14496-12, 4.2)."""
    at = 0
    while at <= len(data) - 8:
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < 8 or not all(0x20 <= char < 0x7F for char in data[at + 4 : at + 8]):
            return len(data)  # 0: up to the end of the file; the rest is damage
        at += size
    return at


def _brands(head: bytes) -> set[bytes]:
    """The brands of an ISO base media file (ISO/IEC 14496-12, `ftyp`); none for other files."""
    if head[4:8] != b"ftyp":
        return set()
    box = head[8 : min(int.from_bytes(head[:4], "big"), len(head))]
    return {box[:4]} | {box[at : at + 4] for at in range(8, len(box) - 3, 4)}
