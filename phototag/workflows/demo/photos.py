"""A small photo library of two people, made on the spot from two portraits, for `phototag demo`.

Two faces turned, scaled and re-lit show every step of the job, offline; they prove nothing about
accuracy, since every picture of a person comes from one photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Literal, TypeAlias

from PIL import ExifTags, Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

_PORTRAITS = Path(__file__).with_name("portraits")
_GRACE, _EILEEN = "Grace Hopper", "Eileen Collins"
_FILES = {_GRACE: "grace_hopper.jpg", _EILEEN: "eileen_collins.jpg"}
_SEED = 1906  #: Grace Hopper's year of birth; any number would do, but always the same

_Oddity: TypeAlias = Literal["", "lying", "cmyk", "cut short"]


@dataclass(frozen=True, slots=True)
class _Shot:
    """One photo to make; `who` from left to right. `lying`: stored on its side, with EXIF orientation 6."""

    path: str
    taken: str | None
    who: tuple[str, ...]
    oddity: _Oddity = ""


_BOTH = (_GRACE, _EILEEN)
_SHOTS = (
    _Shot("2015/IMG_0012.jpg", "2015:05:02 10:12:40", (_GRACE,)),
    _Shot("2015/IMG_0013.jpg", "2015:05:02 10:13:05", (_GRACE,)),
    _Shot("2015/IMG_0047.jpg", "2015:08:19 16:44:10", (_EILEEN,)),
    _Shot("2017/IMG_0203.jpg", "2017:02:11 13:05:59", (_EILEEN,)),
    _Shot("2017/IMG_0204.jpg", "2017:02:11 13:07:21", (_EILEEN,)),
    _Shot("2017/IMG_0250.jpg", "2017:07:04 19:30:00", _BOTH),
    _Shot("2017/drawing.png", None, (_GRACE,)),
    _Shot("2019/IMG_1001.jpg", "2019:03:09 09:15:12", (_GRACE,)),
    _Shot("2019/IMG_1002.jpg", "2019:03:09 09:15:14", (_GRACE,), "lying"),
    _Shot("2019/IMG_1003.heic", "2019:03:09 09:20:33", (_EILEEN,)),
    _Shot("2019/IMG_1044.jpg", "2019:12:24 18:02:47", (_EILEEN, _GRACE)),
    _Shot("2019/chat/received_1.webp", None, (_EILEEN,)),
    _Shot("2019/chat/received_2.webp", None, (_GRACE,)),
    _Shot("2021 holiday/P7140001.jpg", "2021:07:14 08:00:10", ()),
    _Shot("2021 holiday/P7140002.jpg", "2021:07:14 11:21:30", (_EILEEN,)),
    _Shot("2021 holiday/P7140003.jpg", "2021:07:14 11:22:02", (_EILEEN,)),
    _Shot("2021 holiday/P7150010.jpg", "2021:07:15 12:40:00", _BOTH),
    _Shot("2021 holiday/P7150011.jpg", "2021:07:15 12:41:18", (_GRACE,)),
    _Shot("2021 holiday/P7160020.jpg", "2021:07:16 20:05:44", (_GRACE,), "cut short"),
    _Shot("2023/screenshot.png", None, (_EILEEN,)),
    _Shot("2023/IMG_2210.jpg", "2023:01:30 15:15:15", (_GRACE,)),
    _Shot("2023/IMG_2211.jpg", "2023:01:30 15:16:40", (_EILEEN,)),
    _Shot("2023/IMG_2290.jpg", "2023:10:03 17:52:06", (_EILEEN, _GRACE)),
    _Shot("scans/print.jpg", "1984:01:20 12:00:00", (_GRACE,), "cmyk"),
    _Shot("people/Grace Hopper/1.jpg", "2014:04:01 10:00:00", (_GRACE,)),
    _Shot("people/Grace Hopper/2.jpg", "2016:04:01 10:00:00", (_GRACE,)),
    _Shot("people/Grace Hopper/3.jpg", "2018:04:01 10:00:00", (_GRACE,)),
    _Shot("people/Eileen Collins/1.jpg", "2014:06:01 10:00:00", (_EILEEN,)),
    _Shot("people/Eileen Collins/2.jpg", "2016:06:01 10:00:00", (_EILEEN,)),
    _Shot("people/Eileen Collins/3.jpg", "2018:06:01 10:00:00", (_EILEEN,)),
)


def write_demo_library(folder: Path) -> None:
    """Thirty photos of two people below `folder`, the same ones every time.

    Among them are a landscape without faces, a HEIC, a CMYK print, a photo stored on its side, and one
    file that is cut short; `people/` holds a folder for each person. Raises OSError.
    """
    for number, shot in enumerate(_SHOTS):
        path = folder / shot.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_developed(shot, Random(_SEED + number)))


def _developed(shot: _Shot, random: Random) -> bytes:
    picture = _scene(shot.who, random) if shot.who else _landscape()
    exif = Image.Exif()
    if shot.taken:
        exif[ExifTags.Base.DateTime] = shot.taken
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = shot.taken
    if shot.oddity == "lying":
        picture = picture.transpose(Image.Transpose.ROTATE_90)
        exif[ExifTags.Base.Orientation] = 6
    if shot.oddity == "cmyk":
        picture = picture.convert("CMYK")
    output = BytesIO()
    match Path(shot.path).suffix:
        case ".heic":
            import pillow_heif

            pillow_heif.from_pillow(picture).save(output, quality=70, exif=exif.tobytes())
        case ".png":
            # A palette keeps flat pictures small, and meets the reader with one more mode.
            picture.quantize(128, Image.Quantize.FASTOCTREE).save(output, "PNG")
        case ".webp":
            picture.save(output, "WEBP", quality=random.randint(60, 80))
        case _:
            picture.save(output, "JPEG", quality=random.randint(68, 92), exif=exif)
    data = output.getvalue()
    return data[: len(data) * 2 // 5] if shot.oddity == "cut short" else data


def _scene(who: tuple[str, ...], random: Random) -> Image.Image:
    """The people side by side before a coloured background, in this photo's light."""
    size = (880, 600) if len(who) > 1 else random.choice(((640, 480), (480, 640), (600, 600)))
    scene = _background(size, random)
    for place, name in enumerate(who):
        portrait = _portrait(name, size, random)
        centre = size[0] * (2 * place + 1) // (2 * len(who)) + random.randint(-15, 15)
        scene.paste(portrait, (centre - portrait.width // 2, size[1] - portrait.height), portrait)
    for adjust, low, high in (
        (ImageEnhance.Brightness, 0.75, 1.2),
        (ImageEnhance.Contrast, 0.8, 1.2),
        (ImageEnhance.Color, 0.3, 1.3),
    ):
        scene = adjust(scene).enhance(random.uniform(low, high))
    gamma = random.uniform(0.8, 1.25)
    scene = scene.point([round(255 * (value / 255) ** gamma) for value in range(256)] * 3)
    return scene.filter(ImageFilter.GaussianBlur(0.8)) if random.random() < 0.4 else scene


def _portrait(name: str, size: tuple[int, int], random: Random) -> Image.Image:
    """A person cut out with soft borders (RGBA), perhaps mirrored, a little turned, as high as fits `size`."""
    with Image.open(_PORTRAITS / _FILES[name]) as opened:
        portrait = opened.convert("RGB")
    if random.random() < 0.5:
        portrait = ImageOps.mirror(portrait)
    height = size[1] * random.uniform(0.68, 0.95)
    portrait = portrait.resize(
        (round(portrait.width * height / portrait.height), round(height)), Image.Resampling.LANCZOS
    )
    soft = Image.new("L", portrait.size, 0)
    edge = portrait.width // 20
    ImageDraw.Draw(soft).rounded_rectangle(
        (edge, edge, portrait.width - edge, portrait.height + 9 * edge), radius=6 * edge, fill=255
    )
    portrait.putalpha(soft.filter(ImageFilter.GaussianBlur(edge / 3)))
    turned = portrait.rotate(random.uniform(-12, 12), Image.Resampling.BILINEAR, expand=True)
    below = (turned.height - portrait.height) // 2  # what the turn added hangs below the photo's edge
    return turned.crop((0, 0, turned.width, turned.height - below))


def _background(size: tuple[int, int], random: Random) -> Image.Image:
    """A wall out of focus: one colour fading into another, with a few plain shapes."""
    light, dark = (tuple(random.randint(low, low + 110) for _ in range(3)) for low in (130, 30))
    width, height = size[0] // 8, size[1] // 8
    wall = ImageOps.colorize(Image.linear_gradient("L").resize((width, height)), light, dark)
    draw = ImageDraw.Draw(wall)
    for _ in range(3):
        left, top = random.randint(-6, width), random.randint(-6, height // 2)
        side = random.randint(8, 22)
        colour = tuple(random.randint(60, 220) for _ in range(3))
        draw.rectangle((left, top, left + side, top + side * 2), fill=colour)
    return wall.resize(size, Image.Resampling.BICUBIC)


def _landscape() -> Image.Image:
    """Hills under an evening sky, and nobody there."""
    width, height = 800, 533
    sky = ImageOps.colorize(Image.linear_gradient("L").resize((width, height)), "#31579b", "#f6c987")
    draw = ImageDraw.Draw(sky)
    draw.ellipse((560, 250, 640, 330), fill="#fff0c0")
    for colour, points in (
        ("#54607a", ((0, 380), (180, 260), (330, 360), (520, 240), (800, 390))),
        ("#3f6147", ((0, 430), (250, 350), (480, 430), (700, 370), (800, 410))),
        ("#2c4a2d", ((0, 470), (300, 440), (560, 480), (800, 450))),
    ):
        draw.polygon([*points, (width, height), (0, height)], fill=colour)
    return sky.filter(ImageFilter.GaussianBlur(1))
