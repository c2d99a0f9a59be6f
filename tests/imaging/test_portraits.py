from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from phototag.errors import PhotoError
from phototag.imaging.decode import decode
from phototag.types import DecodedPhoto
from phototag.workflows.demo.photos import write_demo_library


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo_library(folder)
    return folder


@pytest.fixture(scope="module")
def photos(library: Path) -> dict[str, DecodedPhoto | PhotoError]:
    found: dict[str, DecodedPhoto | PhotoError] = {}
    for path in sorted(library.rglob("*.*")):
        try:
            found[str(path.relative_to(library))] = decode(bytes(path))
        except PhotoError as problem:
            found[str(path.relative_to(library))] = problem
    return found


def test_thirty_photos_of_which_one_is_broken(photos: dict[str, DecodedPhoto | PhotoError]) -> None:
    assert len(photos) == 30
    problems = {path: found.code for path, found in photos.items() if isinstance(found, PhotoError)}
    assert problems == {"2021 holiday/P7160020.jpg": "truncated"}
    assert {Path(path).suffix for path in photos} == {".jpg", ".png", ".webp", ".heic"}


def test_photos_are_small_and_dated(photos: dict[str, DecodedPhoto | PhotoError], library: Path) -> None:
    years = set()
    for path, photo in photos.items():
        assert (library / path).stat().st_size < 150_000
        if isinstance(photo, DecodedPhoto):
            assert photo.notes == ()
            assert 300 < photo.width < 1000
            years.add(photo.taken_at and photo.taken_at[:4])
    assert {"1984", "2015", "2019", "2021", "2023", None} <= years


def test_each_person_has_a_folder(photos: dict[str, DecodedPhoto | PhotoError]) -> None:
    for name in ("Grace Hopper", "Eileen Collins"):
        assert sum(path.startswith(f"people/{name}/") for path in photos) == 3


def test_the_odd_ones(photos: dict[str, DecodedPhoto | PhotoError], library: Path) -> None:
    with PIL.Image.open(library / "2019/IMG_1002.jpg") as stored:
        assert stored.getexif()[0x0112] == 6
        lying = photos["2019/IMG_1002.jpg"]
        assert isinstance(lying, DecodedPhoto)
        assert (lying.width, lying.height) == stored.size[::-1]
    with PIL.Image.open(library / "scans/print.jpg") as stored:
        assert stored.mode == "CMYK"
    heic = photos["2019/IMG_1003.heic"]
    assert isinstance(heic, DecodedPhoto)
    assert heic.taken_at == "2019-03-09T09:20:33"


def test_every_picture_differs(photos: dict[str, DecodedPhoto | PhotoError]) -> None:
    seen = {
        np.asarray(PIL.Image.fromarray(photo.image.rgb).resize((32, 32))).tobytes()
        for photo in photos.values()
        if isinstance(photo, DecodedPhoto)
    }
    assert len(seen) == 29


def test_the_library_is_the_same_every_time(library: Path, tmp_path: Path) -> None:
    def hashes(folder: Path) -> dict[str, str]:
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*.*"))
        }

    write_demo_library(tmp_path)
    assert hashes(tmp_path) == hashes(library)
