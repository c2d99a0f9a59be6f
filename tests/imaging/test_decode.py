from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, ImageCms

from phototag.errors import PhotoError
from phototag.imaging import photo_file
from phototag.imaging.decode import decode
from phototag.imaging.photo_file import NotAPhoto
from phototag.types import RGB

#: How many damaged files the property test tries.
FUZZ = int(os.environ.get("PHOTOTAG_FUZZ", "300"))

# What is wrong with the files of `odd-images` that are no photos; the others are.
ODD_PROBLEMS = {
    # Blocks of zeros inside; cut short; no bytes.
    "pillow-heif__corrupted.heic": "corrupt",
    "pillow-heif__corrupted.hif": "truncated",
    "pillow-heif__empty.heic": "empty",
    # JPEG 2000 with damaged boxes or code streams.
    "pillow__00r0_gray_l.jp2": "corrupt",
    "pillow__00r1_graya_la.jp2": "corrupt",
    "pillow__balloon_eciRGBv2_aware.jp2": "corrupt",
    "pillow__expected_to_read.jp2": "corrupt",
    "pillow__invalid_header_length.jp2": "corrupt",
    "pillow__unbound_variable.jp2": "corrupt",
    # BMP varieties that Pillow refuses by name, and nonsense in the same fields.
    "pillow__badbitcount.bmp": "unsupported",
    "pillow__badheadersize.bmp": "unsupported",
    "pillow__badpalettesize.bmp": "unsupported",
    "pillow__pal2.bmp": "unsupported",
    "pillow__pal8os2v2-16.bmp": "unsupported",
    "pillow__rgb16-231.bmp": "unsupported",
    "pillow__rgb24jpeg.bmp": "unsupported",
    "pillow__rgb24png.bmp": "unsupported",
    "pillow__rgb32-111110.bmp": "unsupported",
    "pillow__rgb32bf.bmp": "unsupported",
    "pillow__rgba16-4444.bmp": "unsupported",
    "pillow__rgba32abf.bmp": "unsupported",
    "pillow__pal8oversizepal.bmp": "corrupt",
    "pillow__shortfile.bmp": "truncated",
    # Bombs: 4294967169x64, 6·10^12 pixels, 3158064x48, 65535x66601, a text chunk, 20x1536.
    "pillow__badwidth.bmp": "too-large",
    "pillow__reallybig.bmp": "too-large",
    "pillow__l2rgb_read.bmp": "too-large",
    "pillow__decompression_bomb.gif": "too-large",
    "pillow__png_decompression_dos.png": "too-large",
    "pillow__crash-2020-10-test.tif": "too-large",
    # PNG: nonsense after the signature; garbage after the data; frames out of order; no data at all.
    "pillow__broken.png": "corrupt",
    "pillow__broken_data_stream.png": "corrupt",
    "pillow__chunk_no_fctl.png": "corrupt",
    "pillow__syntax_num_frames_zero.png": "corrupt",
    "pillow__unknown_compression_method.png": "corrupt",
    "pillow__truncated_end_chunk.png": "truncated",
    "pillow__truncated_image.png": "truncated",
    # TIFF: found by fuzzing libtiff; WebP inside, which this libtiff lacks; nonsense in the header.
    "pillow__crash-0c7e0e8e11ce787078f00b5b0ca409a167f070e0.tif": "corrupt",
    "pillow__crash-0e16d3bfb83be87356d026d66919deaefca44dac.tif": "corrupt",
    "pillow__crash-1152ec2d1a1a71395b6f2ce6721c38924d025bf3.tif": "corrupt",
    "pillow__crash-1185209cf7655b5aed8ae5e77784dfdd18ab59e9.tif": "corrupt",
    "pillow__crash-338516dbd2f0e83caddb8ce256c22db3bd6dc40f.tif": "corrupt",
    "pillow__crash-4f085cc12ece8cde18758d42608bed6a2a2cfb1c.tif": "corrupt",
    "pillow__crash-86214e58da443d2b80820cff9677a38a33dcbbca.tif": "corrupt",
    "pillow__crash-f46f5b2f43c370fe65706c11449f567ecc345e74.tif": "corrupt",
    "pillow__hopper_unknown_pixel_mode.tif": "corrupt",
    "pillow__hopper_webp.tif": "corrupt",
    "pillow__libtiff_segfault.tif": "corrupt",
    "pillow__oom-225817ca0f8c663be7ab4b9e717b02c661e66834.tif": "corrupt",
    "pillow__seek_too_large.tif": "corrupt",
    "pillow__tiff_overflow_rows_per_strip.tif": "corrupt",
    # JPEG cut short (the second lacks its end marker); GIF without width.
    "pillow__truncated_jpeg.jpg": "truncated",
    "pillow__ultrahdr.jpg": "truncated",
    "pillow__zero_width.gif": "corrupt",
    "INDEX.tsv": "not-a-photo",
}

Maker = Callable[..., bytes]


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str, bytes], bytes]:
    """Writes a file and gives its path as bytes."""

    def write(name: str, data: bytes) -> bytes:
        path = tmp_path / name
        path.write_bytes(data)
        return bytes(path)

    return write


def encoded(image: PIL.Image.Image, kind: str, **options: Any) -> bytes:
    output = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(output, **options)
    else:
        image.save(output, kind, **options)
    return output.getvalue()


def quarters(width: int = 64, height: int = 48) -> PIL.Image.Image:
    """Red, green / blue, white: tells every turn and mirror apart."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (255, 0, 0)
    pixels[: height // 2, width // 2 :] = (0, 255, 0)
    pixels[height // 2 :, : width // 2] = (0, 0, 255)
    pixels[height // 2 :, width // 2 :] = (255, 255, 255)
    return PIL.Image.fromarray(pixels)


def corners(rgb: RGB) -> list[str]:
    """The colours of the four quarters' middles, row by row."""
    height, width = rgb.shape[:2]
    names: dict[tuple[int, ...], str] = {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 1, 1): "white"}
    places = [(height // 4 * y, width // 4 * x) for y in (1, 3) for x in (1, 3)]
    return [names.get(tuple(int(value > 127) for value in rgb[place]), "?") for place in places]


UPRIGHT = ["red", "green", "blue", "white"]


def code_of(path: bytes) -> str:
    with pytest.raises(PhotoError) as caught:
        decode(path)
    assert caught.value.message
    assert "\n" not in caught.value.message
    assert "0x" not in caught.value.message
    return caught.value.code


# Real odd files


@pytest.fixture(scope="module")
def odd(data: Path) -> dict[str, dict[str, Any]]:
    """What became of every odd file, in a process of its own: a crash or a hang there fails here."""
    script = """if True:
        import json, os, resource, sys
        from phototag.errors import PhotoError
        from phototag.imaging.decode import decode
        found = {}
        for name in sorted(os.listdir(sys.argv[1])):
            try:
                photo = decode(os.fsencode(os.path.join(sys.argv[1], name)))
                means = photo.image.rgb.mean(axis=(0, 1)).tolist()
                found[name] = {"size": [photo.width, photo.height], "means": means, "code": "",
                               "taken_at": photo.taken_at}
            except PhotoError as problem:
                found[name] = {"code": problem.code, "message": problem.message}
        if sys.platform == "linux":  # where getrusage counts what the parent held before exec
            status = dict(line.split(":", 1) for line in open("/proc/self/status"))
            peak = int(status["VmHWM"].split()[0]) // 1024
        else:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024**2
        print(json.dumps([found, peak]))
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(data / "odd-images")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found, megabytes = json.loads(done.stdout)
    assert megabytes < 1500
    return dict(found)


@pytest.mark.data
def test_every_odd_file_is_a_photo_or_a_problem(odd: dict[str, dict[str, Any]]) -> None:
    assert {name: found["code"] for name, found in odd.items() if found["code"]} == ODD_PROBLEMS
    assert len(odd) - len(ODD_PROBLEMS) == 81


@pytest.mark.data
def test_odd_photos_have_the_size_of_their_index(odd: dict[str, dict[str, Any]], data: Path) -> None:
    checked = 0
    for line in (data / "odd-images/INDEX.tsv").read_text().splitlines()[1:]:
        name, _, _, size = line.split("\t")[:4]
        if size and not odd[name]["code"]:
            assert odd[name]["size"] == [int(side) for side in size.split("x")], name
            checked += 1
        elif (told := re.search(r"__(\d+)x(\d+)\.", name)) and not odd[name]["code"]:
            assert odd[name]["size"] == [int(side) for side in told.groups()], name
            checked += 1
    assert checked > 65


@pytest.mark.data
def test_odd_photos_show_what_they_should(odd: dict[str, dict[str, Any]]) -> None:
    """The same picture in different dress has the same mean colours."""

    def means(name: str) -> list[float]:
        return [float(value) for value in odd[name]["means"]]

    hopper = pytest.approx([90, 80, 95], abs=2)
    for name in ("hopper.png", "hopper.webp", "hopper.heif", "hopper_webp.png"):
        assert means(f"pillow__{name}") == hopper, name
    cmyk = pytest.approx([30, 5, 7], abs=2)
    for name in ("pil_sample_cmyk.jpg", "tiff_strip_cmyk_jpeg.tif", "tiff_tiled_cmyk_jpeg.tif"):
        assert means(f"pillow__{name}") == cmyk, name
    grey = pytest.approx([127.5] * 3, abs=1)
    for name in ("L_8__128x128.heif", "L_10__128x128.heif", "L_12__128x128.heif", "L_16__29x100.png"):
        assert means(f"pillow-heif__{name}") == grey, name
    assert means("pillow__16_bit_binary_pgm.tiff") == grey
    assert means("pillow__uint16_1_4660.tif") == pytest.approx([4660 / 257] * 3, abs=0.6)
    assert odd["pillow__sugarshack.mpo"]["taken_at"] == "2014-03-02T14:17:39"


@pytest.mark.data
@pytest.mark.parametrize("picture", ["Landscape", "Portrait"])
def test_eight_orientations_are_one_photo(data: Path, picture: str) -> None:
    folder = data / "exif-orientation"
    upright = decode(bytes(folder / f"{picture}_1.jpg"), side=1280)
    assert (upright.width > upright.height) == (picture == "Landscape")
    for orientation in range(9):
        photo = decode(bytes(folder / f"{picture}_{orientation}.jpg"), side=1280)
        assert (photo.width, photo.height) == (upright.width, upright.height)
        assert photo.image.rgb.shape == upright.image.rgb.shape
        difference = np.abs(photo.image.rgb.astype(int) - upright.image.rgb)
        assert difference.mean() < 3, orientation
        assert ("invalid EXIF orientation ignored" in photo.notes) == (orientation == 0)


# What comes out


def test_what_one_read_yields(make: Maker) -> None:
    exif = PIL.Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2019:07:14 18:03:22"
    data = encoded(quarters(), "JPEG", quality=95, exif=exif)
    photo = decode(make("a.jpg", data))
    assert photo.sha256 == hashlib.sha256(data).hexdigest()
    assert (photo.width, photo.height) == (64, 48)
    assert photo.taken_at == "2019-07-14T18:03:22"
    assert photo.notes == ()
    assert photo.image.scale == 1
    assert photo.image.rgb.dtype == np.uint8
    assert photo.image.rgb.flags.c_contiguous
    assert corners(photo.image.rgb) == UPRIGHT


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(make: Maker, kind: str, orientation: int) -> None:
    undo = {
        2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
        3: PIL.Image.Transpose.ROTATE_180,
        4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
        5: PIL.Image.Transpose.TRANSPOSE,
        6: PIL.Image.Transpose.ROTATE_90,
        7: PIL.Image.Transpose.TRANSVERSE,
        8: PIL.Image.Transpose.ROTATE_270,
    }
    stored = quarters().transpose(undo[orientation]) if orientation > 1 else quarters()
    exif = PIL.Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.DateTime] = "2019:07:14 18:03:22"
    photo = decode(make("a.jpg", encoded(stored, kind, exif=exif)))
    assert (photo.width, photo.height) == (64, 48)
    assert photo.image.rgb.shape == (48, 64, 3)
    assert corners(photo.image.rgb) == UPRIGHT
    assert photo.taken_at == "2019-07-14T18:03:22"


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_formats_that_turn_themselves_are_not_turned_twice(make: Maker, kind: str) -> None:
    exif = PIL.Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    stored = quarters(128, 96).transpose(PIL.Image.Transpose.ROTATE_90)
    data = encoded(stored, kind, exif=exif.tobytes(), quality=90)
    photo = decode(make("a.heic", data))
    assert (photo.width, photo.height) == (128, 96)
    assert corners(photo.image.rgb) == UPRIGHT


def test_a_large_jpeg_is_decoded_small(make: Maker) -> None:
    photo = decode(make("a.jpg", encoded(quarters(4000, 3000), "JPEG")))
    assert (photo.width, photo.height) == (4000, 3000)
    assert photo.image.rgb.shape == (1500, 2000, 3)
    assert photo.image.scale == 0.5
    assert corners(photo.image.rgb) == UPRIGHT


@pytest.mark.parametrize("size", [(3001, 2000), (5000, 701), (2600, 2600), (1281, 33), (700, 3333)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_sizes_and_scales(make: Maker, kind: str, size: tuple[int, int]) -> None:
    data = make("a", encoded(quarters(*size), kind))
    for side in (1280, 2560):
        photo = decode(data, side=side)
        assert (photo.width, photo.height) == size
        image = photo.image
        height, width = image.rgb.shape[:2]
        assert max(height, width) <= side
        assert max(height, width) >= min(max(size), side) * 0.75
        assert image.scale == max(height, width) / max(size)
        # A corner of the full-size photo is a corner here, to a pixel (half a pixel a step).
        assert size[0] * image.scale == pytest.approx(width, abs=1)
        assert size[1] * image.scale == pytest.approx(height, abs=1)
        assert corners(image.rgb) == UPRIGHT


def test_first_of_many_frames(make: Maker) -> None:
    frames = [PIL.Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "green")]
    for kind in ("GIF", "PNG", "WEBP", "TIFF", "MPO"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        photo = decode(make("a", data))
        assert photo.image.rgb.mean(axis=(0, 1)) == pytest.approx([254, 0, 0], abs=3), kind


# Colours


def mean(path: bytes) -> list[float]:
    photo = decode(path)
    assert photo.notes == ()
    return [float(value) for value in photo.image.rgb.mean(axis=(0, 1))]


def flat(mode: str, value: Any, size: tuple[int, int] = (32, 24)) -> PIL.Image.Image:
    return PIL.Image.new(mode, size, value)


def flat16(value: int) -> PIL.Image.Image:
    return PIL.Image.fromarray(np.full((24, 32), value, np.uint16))


@pytest.mark.parametrize(
    ("kind", "image", "expected"),
    [
        ("PNG", flat("L", 77), (77, 77, 77)),
        ("PNG", flat("1", 1), (255, 255, 255)),
        ("PNG", flat("LA", (100, 255)), (100, 100, 100)),
        ("PNG", flat("LA", (100, 0)), (255, 255, 255)),
        ("PNG", flat("LA", (100, 128)), (177, 177, 177)),
        ("PNG", flat("RGBA", (200, 0, 50, 128)), (227, 127, 152)),
        ("WEBP", flat("RGBA", (0, 0, 0, 0)), (255, 255, 255)),
        ("TIFF", flat("RGBA", (200, 0, 50, 128)), (227, 127, 152)),
        ("TIFF", flat("LAB", (255, 128, 128)), (255, 255, 255)),
        ("TIFF", flat("YCbCr", (128, 128, 128)), (128, 128, 128)),
        ("JPEG", flat("CMYK", (255, 0, 0, 0)), (0, 255, 255)),
        ("JPEG", flat("CMYK", (0, 0, 255, 0)), (255, 255, 0)),
        ("TIFF", flat("CMYK", (0, 255, 0, 0)), (255, 0, 255)),
        ("PNG", flat16(65535), (255, 255, 255)),
        ("PNG", flat16(77 * 257), (77, 77, 77)),
        ("TIFF", flat16(128 * 257), (128, 128, 128)),
        ("TIFF", flat("I", 200), (200, 200, 200)),
        ("TIFF", flat("I", 128 * 257), (128, 128, 128)),
        ("TIFF", flat("F", 0.5), (128, 128, 128)),
        ("TIFF", flat("F", 200.0), (200, 200, 200)),
    ],
)
def test_golden_colours(make: Maker, kind: str, image: PIL.Image.Image, expected: tuple[int, int, int]) -> None:
    assert mean(make("a", encoded(image, kind))) == pytest.approx(expected, abs=2)


def test_values_without_a_white_are_stretched(make: Maker) -> None:
    values = np.array([[-1000.0, 0.0], [np.nan, 1000.0]], np.float32).repeat(8, 0).repeat(8, 1)
    rgb = decode(make("a", encoded(PIL.Image.fromarray(values), "TIFF"))).image.rgb
    assert [int(rgb[y, x, 0]) for y, x in ((0, 0), (0, 8), (8, 0), (8, 8))] == [0, 128, 0, 255]


def test_big_endian_16_bit(make: Maker) -> None:
    pixels = np.full((24, 32), 77 * 257, ">u2")
    tags = [(256, 32), (257, 24), (258, 16), (259, 1), (262, 1), (273, 122), (277, 1), (278, 24), (279, 1536)]
    directory = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags)
    data = b"MM\0*" + struct.pack(">IH", 8, len(tags)) + directory + bytes(4)
    assert mean(make("a.tif", data + bytes(122 - len(data)) + pixels.tobytes())) == [77, 77, 77]


def test_transparent_palette_is_on_white(make: Maker) -> None:
    image = flat("P", 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    for kind in ("PNG", "GIF"):
        assert mean(make("a", encoded(image, kind))) == [255, 0, 0]
        assert mean(make("b", encoded(image, kind, transparency=1))) == [255, 255, 255]


def test_transparent_photo_keeps_its_colours_when_made_smaller(make: Maker) -> None:
    image = flat("RGBA", (255, 0, 0, 255), (3000, 600))
    image.paste((0, 0, 0, 0), (0, 0, 1500, 600))
    rgb = decode(make("a.png", encoded(image, "PNG", compress_level=1))).image.rgb
    assert rgb[:, 0].mean(axis=0) == pytest.approx([255, 255, 255])
    assert rgb[:, -1].mean(axis=0) == pytest.approx([255, 0, 0])
    assert (rgb[..., 0] == 255).all()  # no dark fringe between the two


def swapped_profile() -> bytes:
    """sRGB with its red and green primaries exchanged, under another name."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")
    return profile.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
def test_embedded_profile_is_applied(make: Maker, kind: str) -> None:
    data = encoded(flat("RGB", (255, 0, 0), (64, 64)), kind, icc_profile=swapped_profile(), quality=95)
    assert mean(make("a", data)) == pytest.approx([0, 255, 0], abs=4)


def test_srgb_profile_changes_nothing(make: Maker) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert mean(make("a", encoded(flat("RGB", (200, 30, 70)), "PNG", icc_profile=profile))) == [200, 30, 70]


@pytest.mark.parametrize("profile", [b"nonsense", swapped_profile()[:300]])
def test_unusable_profile_is_a_note(make: Maker, profile: bytes) -> None:
    photo = decode(make("a", encoded(flat("RGB", (200, 30, 70)), "TIFF", icc_profile=profile)))
    assert photo.notes == ("unusable colour profile ignored",)
    assert photo.image.rgb[0, 0].tolist() == [200, 30, 70]


def test_profile_for_other_pixels_is_a_note(make: Maker) -> None:
    photo = decode(make("a.jpg", encoded(flat("CMYK", (255, 0, 0, 0)), "JPEG", icc_profile=swapped_profile())))
    assert photo.notes == ("unusable colour profile ignored",)
    assert photo.image.rgb.mean(axis=(0, 1)) == pytest.approx([0, 255, 255], abs=2)


def test_corrupt_exif_is_a_note(make: Maker) -> None:
    photo = decode(make("a.jpg", encoded(quarters(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\x00junk")))
    assert photo.notes == ("corrupt EXIF ignored",)
    assert corners(photo.image.rgb) == UPRIGHT


# Files that are no photos


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.jpg", b"", "empty"),
        ("a.jpg", b"dear diary", "unknown"),
        ("a.HEIC", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "unknown"),
        ("a.png", b"BMW is a car maker of some renown", "unknown"),
        ("a.jpg", b"%PDF-1.7\n", "unsupported"),
        ("a.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "unsupported"),
        ("a.jpg", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported"),
        ("a.png", b"<svg width='1'></svg>", "unsupported"),
        ("a", b"8BPS\0\x01", "unsupported"),
        ("a", b"icns\0\0\0\x08", "unsupported"),
        ("a.ppm", b"P6\n1 1\n255\n\0\0\0", "unsupported"),
        ("a.cr2", b"II*\0\x10\0\0\0CR\x02\0", "unsupported"),
        ("a.cr3", b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "unsupported"),
        ("a.jxl", b"\xff\x0a\xfa\x1f", "unsupported"),
        ("notes", b"", "not-a-photo"),
        ("notes", b"dear diary", "not-a-photo"),
        ("a.dat", b"BM is no bitmap here", "not-a-photo"),
        ("film", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "not-a-photo"),
    ],
)
def test_no_photos(make: Maker, name: str, content: bytes, code: str) -> None:
    assert code_of(make(name, content)) == code


def test_raw_photos_are_refused_not_shown_as_their_thumbnail(make: Maker) -> None:
    thumbnail = flat("RGB", (9, 9, 9))
    dng = encoded(thumbnail, "TIFF", tiffinfo={50706: b"\1\4\0\0"})
    assert code_of(make("a.dng", dng)) == "unsupported"
    nef = encoded(thumbnail, "TIFF", tiffinfo={254: 1, 330: 8})
    assert code_of(make("a.nef", nef)) == "unsupported"
    assert decode(make("a.tif", encoded(thumbnail, "TIFF"))).width == 32


def test_content_decides_not_the_name(make: Maker) -> None:
    for kind, name in (("PNG", "a.jpg"), ("JPEG", "b.png"), ("HEIF", "c.jpg"), ("GIF", "d"), ("WEBP", "e.txt")):
        assert decode(make(name, encoded(quarters(), kind))).width == 64


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "HEIF", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("part", [0.6, 0.9])
def test_cut_short(make: Maker, kind: str, part: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    data = encoded(PIL.Image.fromarray(noise), kind)
    assert code_of(make("a", data[: int(len(data) * part)])) == "truncated"


def png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(100))
    chunks = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    "size", [(60_000, 60_000), (20_000, 15_000), (10_001, 10_000), (1, 100_000), (3000, 8), (41, 1)]
)
def test_bombs_are_refused_by_their_header(make: Maker, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    assert code_of(make("a.png", png_header(*size))) == "too-large"


def test_limits_are_inclusive(make: Maker) -> None:
    assert code_of(make("a.png", png_header(10_000, 10_000))) == "truncated"
    assert decode(make("b.png", encoded(flat("L", 9, (40, 1)), "PNG"))).width == 40


def test_a_200_megapixel_jpeg_is_a_photo(make: Maker) -> None:
    photo = decode(make("a.jpg", encoded(flat("L", 99, (16_320, 12_240)), "JPEG")))
    assert (photo.width, photo.height) == (16_320, 12_240)
    assert photo.image.rgb.shape == (1530, 2040, 3)
    assert photo.image.scale == 1 / 8


def test_a_progressive_jpeg_needs_memory_at_full_size(make: Maker) -> None:
    data = bytearray(encoded(quarters(), "JPEG", progressive=True))
    at = data.index(b"\xff\xc2")  # start of frame: length, depth, height, width
    data[at + 5 : at + 9] = struct.pack(">HH", 12_240, 16_320)
    assert code_of(make("a.jpg", bytes(data))) == "too-large"


def test_a_file_of_half_a_gigabyte_is_not_read(make: Maker) -> None:
    path = make("a.jpg", encoded(quarters(), "JPEG"))
    os.truncate(path, 500_000_000)
    assert code_of(path) == "too-large"


@pytest.mark.timeout(20)
def test_pipes_and_folders_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert code_of(bytes(tmp_path / "pipe.jpg")) == "special"
    assert code_of(bytes(tmp_path)) == "special"
    assert code_of(b"/dev/null") == "special"


def test_trouble_with_the_file(make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make("a.jpg", encoded(quarters(), "JPEG"))
    assert code_of(bytes(tmp_path / "nowhere.jpg")) == "vanished"
    assert code_of(path + b"/b.jpg") == "vanished"
    for number, code in ((13, "denied"), (1, "denied"), (5, "unreadable"), (116, "unreadable"), (6, "special")):
        with monkeypatch.context() as patch:

            def refuse(*_: object, number: int = number) -> int:
                raise OSError(number, os.strerror(number))

            patch.setattr(os, "open", refuse)
            assert code_of(path) == code


def test_a_file_being_written_is_read_again_once(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(quarters(), "JPEG")
    path, looks = make("a.jpg", data), 0
    look = photo_file._kind

    def grow(at: bytes, head: bytes) -> str:
        nonlocal looks
        looks += 1
        if looks in grow_at:
            with open(path, "ab") as file:
                file.write(b"more")
        return look(at, head)

    monkeypatch.setattr(photo_file, "_kind", grow)
    grow_at = {1}
    assert decode(path).sha256 == hashlib.sha256(data + b"more").hexdigest()
    assert looks == 2
    grow_at = {3, 4}
    assert code_of(path) == "changed"
    assert looks == 4


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("deep"), ZeroDivisionError(), KeyError("x")])
def test_no_other_exception_leaves(make: Maker, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    path = make("a.jpg", encoded(quarters(), "JPEG"))
    monkeypatch.setattr(PIL.Image, "open", fail)
    assert code_of(path) == ("too-large" if isinstance(error, MemoryError) else "corrupt")


def test_problems_cross_processes() -> None:
    again = pickle.loads(pickle.dumps(NotAPhoto()))
    assert isinstance(again, NotAPhoto)
    assert (again.code, again.message) == ("not-a-photo", "not a photo")


KINDS = ("JPEG", "JPEG progressive", "PNG", "WEBP", "TIFF", "TIFF lzw", "BMP", "GIF", "HEIF", "AVIF", "JPEG2000")


@cache
def healthy(kind: str) -> bytes:
    exif = PIL.Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2019:07:14 18:03:22"
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"exif": exif, "icc_profile": swapped_profile()},
        "JPEG progressive": {"progressive": True},
        "TIFF lzw": {"compression": "tiff_lzw"},
    }
    return encoded(quarters(), kind.partition(" ")[0], **options.get(kind, {}))


@settings(max_examples=FUZZ, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(("JPEG", *KINDS)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=20),
    length=st.one_of(st.none(), st.floats(0, 1)),
)
def test_damaged_bytes_raise_nothing_else(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    changes: list[tuple[float, int]],
    length: float | None,
) -> None:
    data = bytearray(healthy(kind))
    for place, value in changes:
        data[int(place * len(data))] = value
    if length is not None:
        del data[int(length * len(data)) :]
    path = tmp_path_factory.getbasetemp() / "damaged.jpg"
    path.write_bytes(data)
    try:
        photo = decode(bytes(path))
    except PhotoError as problem:
        assert problem.code in {"truncated", "corrupt", "unsupported", "unknown", "too-large", "empty"}
    else:
        assert max(photo.image.rgb.shape) <= 1280
        assert photo.image.rgb.shape[2] == 3
        assert photo.width > 0
