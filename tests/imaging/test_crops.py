from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from phototag.errors import PhotoError
from phototag.imaging.crops import contact_sheet, face_crop, load_picture, preview
from phototag.types import RGB, Box, Image


def ramp(width: int = 200, height: int = 100, scale: float = 1.0) -> Image:
    """Red tells the column and green the row, in full-size pixels."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., 0] = (np.arange(width) / scale)[None, :]
    rgb[..., 1] = (np.arange(height) / scale)[:, None]
    return Image(rgb, scale)


def noise(side: int) -> RGB:
    return np.random.default_rng(1).integers(0, 255, (side, side, 3), np.uint8)


def markers(jpeg: bytes) -> set[int]:
    """The kinds of segments before the pixels begin."""
    assert jpeg[:2] == b"\xff\xd8"
    found, at = set(), 2
    while jpeg[at + 1] != 0xDA:
        found.add(jpeg[at + 1])
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return found


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_square_around_a_face(scale: float) -> None:
    detail = ramp(int(200 * scale), int(100 * scale), scale)
    crop = face_crop(detail, Box(80, 40, 20, 30), margin=0.5)
    region = crop.region
    assert (region.x, region.y) == pytest.approx((60, 25), abs=0.5 / scale)
    assert (region.w, region.h) == (60, 60)
    pixels = load_picture(crop.jpeg).astype(int)
    assert pixels.shape == (60 * scale, 60 * scale, 3)
    side = len(pixels)
    for at in (2, side // 2, side - 3):
        along = (at + 0.5) / scale  # full-size pixels from the square's corner
        assert pixels[at, at, :2] == pytest.approx([region.x + along, region.y + along], abs=6)


def test_at_most_side_and_never_enlarged() -> None:
    large = Image(noise(800), 1.0)
    assert load_picture(face_crop(large, Box(200, 200, 300, 300)).jpeg).shape == (224, 224, 3)
    assert load_picture(face_crop(large, Box(200, 200, 300, 300), side=100).jpeg).shape == (100, 100, 3)
    assert load_picture(face_crop(large, Box(200, 200, 30, 30)).jpeg).shape == (60, 60, 3)
    assert load_picture(face_crop(large, Box(200, 200, 0.1, 0.1)).jpeg).shape == (1, 1, 3)


def test_the_edge_is_repeated_outside_the_photo() -> None:
    rgb = np.full((100, 100, 3), 40, np.uint8)
    rgb[:, :3] = 200
    crop = face_crop(Image(rgb, 1.0), Box(0, 30, 40, 40))
    assert crop.region == Box(-20, 10, 80, 80)
    pixels = load_picture(crop.jpeg)
    assert pixels.shape == (80, 80, 3)
    assert pixels[:, :18].mean() == pytest.approx(200, abs=4)
    assert pixels[:, 30:].mean() == pytest.approx(40, abs=4)


def test_a_face_larger_than_the_photo() -> None:
    crop = face_crop(Image(noise(50), 1.0), Box(-20, -20, 90, 90))
    assert crop.region == Box(-65, -65, 180, 180)
    assert load_picture(crop.jpeg).shape == (180, 180, 3)


@pytest.mark.parametrize(
    ("size", "expected"), [((900, 300), (448, 149)), ((300, 900), (149, 448)), ((90, 40), (90, 40))]
)
def test_preview(size: tuple[int, int], expected: tuple[int, int]) -> None:
    picture = load_picture(preview(Image(np.full((size[1], size[0], 3), 99, np.uint8), 1.0)))
    assert (picture.shape[1], picture.shape[0]) == expected
    assert picture.mean() == pytest.approx(99, abs=2)


def test_nothing_but_pixels_is_kept() -> None:
    image = ramp()
    for jpeg in (face_crop(image, Box(80, 40, 20, 30)).jpeg, preview(image)):
        assert markers(jpeg) <= {0xE0, 0xDB, 0xC0, 0xC4}  # JFIF, tables, frame: no EXIF, XMP, ICC profile, comment
    sheet = contact_sheet([preview(image)])
    for marker in (b"Exif", b"http://ns.adobe.com", b"ICC_PROFILE", b"\xff\xe1", b"\xff\xe2"):
        assert marker not in sheet[:600]
    with PIL.Image.open(io.BytesIO(sheet)) as opened:
        assert not opened.getexif()


@pytest.mark.parametrize("data", [b"", b"RIFF", b"not a picture", b"\xff\xd8\xff\xe0"])
def test_a_damaged_picture(data: bytes) -> None:
    with pytest.raises(PhotoError) as caught:
        load_picture(data)
    assert caught.value.code == "corrupt"


def test_contact_sheet() -> None:
    def face(level: int, shape: tuple[int, int] = (60, 60)) -> bytes:
        return preview(Image(np.full((*shape, 3), level, np.uint8), 1.0))

    sheet = contact_sheet([face(100), b"damaged", face(200), face(250, (30, 60))], columns=3, cell=50)
    with PIL.Image.open(io.BytesIO(sheet)) as opened:
        pixels = np.asarray(opened.convert("L"))
    assert pixels.shape == (2 * 54 + 4, 3 * 54 + 4)
    assert pixels[10:45, 10:45].mean() == pytest.approx(100, abs=4)
    assert pixels[10:45, 64:99].mean() == pytest.approx(32, abs=4)
    assert pixels[10:45, 118:153].mean() == pytest.approx(200, abs=4)
    assert pixels[80, 29] == pytest.approx(250, abs=6)
    assert pixels[62, 29] == pytest.approx(32, abs=6)  # above the wide one


def test_contact_sheet_is_as_wide_as_needed() -> None:
    face = preview(Image(noise(20), 1.0))
    for count, size in ((0, (168, 168)), (2, (332, 168)), (8, (1316, 168)), (9, (1316, 332))):
        with PIL.Image.open(io.BytesIO(contact_sheet([face] * count))) as opened:
            assert opened.size == size
