"""Whole libraries through the real commands: every orientation, every odd file."""

from __future__ import annotations

import json
import sqlite3
from itertools import combinations
from pathlib import Path

import PIL.Image
import pytest

from phototag.types import Box
from tests.cli.conftest import Demo, Run

#: How the upright picture must be stored so that a viewer that obeys the tag shows it upright.
STORED = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_90,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_270,
}


def test_all_eight_orientations_give_one_box(demo: Demo, phototag: Run, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    upright = PIL.Image.open(demo.folder / "photos" / "people" / "Grace Hopper" / "1.jpg")
    for orientation in range(1, 9):
        stored = upright.transpose(STORED[orientation]) if orientation > 1 else upright
        exif = PIL.Image.Exif()
        exif[0x0112] = orientation
        stored.save(photos / f"{orientation}.jpg", quality=95, exif=exif)
    db = tmp_path / "x.db"
    assert phototag("index", photos, "--db", db).returncode == 0
    faces = json.loads(phototag("faces", "list", "--json", "--db", db).stdout)
    assert len(faces) == 8
    for one, other in combinations([Box(*face["box"]) for face in faces], 2):
        assert one.iou(other) >= 0.9


def test_what_was_sought_once_is_sought_again(demo: Demo, phototag: Run, tmp_path: Path) -> None:
    db = tmp_path / "x.db"

    def index(*flags: str) -> tuple[int, int, int]:
        done = phototag("index", demo.folder / "photos" / "people", "--json", "--db", db, *flags)
        result = json.loads(done.stdout)
        return result["photos"], result["faces"], result["unchanged"]

    assert index("--detail", "640", "--min-face", "50") == (6, 6, 0)
    assert index() == (0, 0, 6)
    assert index("--min-face", "600") == (6, 0, 0)
    [told] = sqlite3.connect(db).execute("SELECT params FROM engine WHERE kind = 'detector' AND current")
    assert {("image_side", "640"), ("min_face", "600")} <= set(map(tuple, json.loads(told[0])))


@pytest.mark.data
def test_every_odd_file_is_a_photo_or_a_problem(data: Path, phototag: Run, tmp_path: Path) -> None:
    db = tmp_path / "x.db"
    done = phototag("index", data / "odd-images", "--json", "--db", db)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    result = json.loads(done.stdout)
    files = [path for path in (data / "odd-images").iterdir() if path.suffix != ".tsv"]
    assert result["photos"] + result["problems"] == len(files)
    codes = dict(sqlite3.connect(db).execute("SELECT code, count(*) FROM problem GROUP BY code"))
    assert "crashed" not in codes
    assert set(codes) <= {"truncated", "corrupt", "too-large", "unsupported", "empty", "unknown"}
    again = phototag("index", data / "odd-images", "--json", "--db", db)
    assert again.returncode == 3
    assert json.loads(again.stdout)["photos"] == 0
