from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from phototag.imaging.exif import CORRUPT, Exif, iso_date, read_exif, tells_of_damage

GOOD = "2019:07:14 18:03:22"


def with_exif(exif: Image.Exif | bytes) -> Image.Image:
    output = io.BytesIO()
    Image.new("RGB", (8, 8)).save(output, "JPEG", exif=exif)
    image = Image.open(output)
    image.load()
    return image


def dated(original: str | None = None, digitized: str | None = None, changed: str | None = None) -> Image.Exif:
    exif = Image.Exif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    if original:
        details[ExifTags.Base.DateTimeOriginal] = original
    if digitized:
        details[ExifTags.Base.DateTimeDigitized] = digitized
    if changed:
        exif[ExifTags.Base.DateTime] = changed
    return exif


def test_no_exif() -> None:
    assert read_exif(Image.new("RGB", (8, 8))) == Exif(1, None, ())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    assert read_exif(with_exif(exif)) == Exif(orientation, None, ())


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_invalid_orientation(orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    assert read_exif(with_exif(exif)) == Exif(1, None, ("invalid EXIF orientation ignored",))


def test_the_date_of_the_exposure_comes_first() -> None:
    exif = dated(GOOD, "2020:01:01 00:00:00", "2021:01:01 00:00:00")
    assert read_exif(with_exif(exif)).taken_at == "2019-07-14T18:03:22"


def test_digitized_comes_second() -> None:
    exif = dated("0000:00:00 00:00:00", GOOD, "2021:01:01 00:00:00")
    assert read_exif(with_exif(exif)).taken_at == "2019-07-14T18:03:22"


def test_the_date_of_change_comes_last() -> None:
    exif = dated("    :  :     :  :  ", None, GOOD)
    assert read_exif(with_exif(exif)).taken_at == "2019-07-14T18:03:22"


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        (GOOD, "2019-07-14T18:03:22"),
        (b"2019:07:14 18:03:22\0", "2019-07-14T18:03:22"),
        ("2019-07-14T18:03:22+02:00", "2019-07-14T18:03:22"),
        ("2019/07/14 18:03", "2019-07-14T18:03:00"),
        ("1888:10:14 12:00:00", "1888-10-14T12:00:00"),
        ("0000:00:00 00:00:00", None),
        ("2019:02:30 10:00:00", None),
        ("2019:07:14 25:00:00", None),
        ("0001:01:01 00:00:00", None),
        ("9999:12:31 23:59:59", None),
        ("yesterday", None),
        ("", None),
        (b"\xff\xfe\x00", None),
        (20190714, None),
        (None, None),
    ],
)
def test_iso_date(stamp: object, expected: str | None) -> None:
    assert iso_date(stamp) == expected


def test_damage_is_a_note_where_pillow_raises() -> None:
    class Broken(Image.Image):
        def getexif(self) -> Image.Exif:
            raise struct.error("unpack requires a buffer of 4 bytes")

    assert read_exif(Broken()) == Exif(1, None, (CORRUPT,))


def test_damage_is_told_where_pillow_warns() -> None:
    with pytest.warns(UserWarning) as warned:
        assert read_exif(with_exif(b"Exif\0\0II*\0\x08\0\0\0\x05")).orientation == 1
    assert any(tells_of_damage(str(warning.message)) for warning in warned)
    assert not tells_of_damage("Metadata Warning, tag 296 had too many entries: 2, expected 1")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_can_be_read_of_corrupt_exif_is_used() -> None:
    exif = dated(GOOD)
    exif[ExifTags.Base.Orientation] = 6
    whole = exif.tobytes()
    at = whole.index(b"\x69\x87") if b"\x69\x87" in whole else whole.index(b"\x87\x69")
    broken = whole[: at + 8] + b"\xff\xff\xff\x7f" + whole[at + 12 :]  # the sub-directory's place
    found = read_exif(with_exif(broken))
    assert found.orientation == 6
    assert found.taken_at is None


WHOLE = bytes(dated(GOOD, GOOD, GOOD).tobytes())


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(st.lists(st.tuples(st.integers(6, len(WHOLE) - 1), st.integers(0, 255)), max_size=12))
def test_nothing_escapes_from_damaged_exif(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(WHOLE)
    for place, value in changes:
        damaged[place] = value
    found = read_exif(with_exif(bytes(damaged)))
    assert 1 <= found.orientation <= 8
    assert found.taken_at is None or iso_date(found.taken_at) == found.taken_at
