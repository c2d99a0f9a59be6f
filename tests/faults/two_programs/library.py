"""A library of drawn photos, indexed and grouped once; every round gets a copy of its database."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from PIL import Image, ImageDraw

from tests.faults.two_programs.plug_in.drawn_engines import BRIGHT, LEVELS

PLUG_IN = Path(__file__).parent / "plug_in"
#: People in the library, how many photos of each, and how many are named; people in the folder that comes later, half
#: of them new.
PEOPLE, PHOTOS, NAMED, LATER = 24, 3, 2, 6
_COLOURS = [colour for colour in product(LEVELS, repeat=3) if max(colour) > BRIGHT]


@dataclass(frozen=True)
class Library:
    """Where it lies, and what is true of it.

    `groups`: the faces of each group that nobody named; `photos`: the photo of each of them.
    """

    folder: Path
    environment: Mapping[str, str]
    groups: Mapping[int, frozenset[int]]
    photos: Mapping[int, int]

    @property
    def later(self) -> Path:
        """A folder with photos that aren't indexed yet."""
        return self.folder / "later"

    def copy(self, target: Path) -> Path:
        """A database of the library as it was made."""
        return Path(shutil.copyfile(self.folder / "phototag.db", target / "phototag.db"))


def make(folder: Path) -> Library:
    """Draw the photos; index and group them, name a few people and train by the commands."""
    for person, number in product(range(PEOPLE), range(PHOTOS)):
        _draw(folder / "photos", person, number)
    for person in range(PEOPLE - LATER // 2, PEOPLE + LATER // 2):
        _draw(folder / "later", person, PHOTOS)
    environment, database = _environment(folder), folder / "phototag.db"
    engines = ["--detector", "drawn-faces", "--embedder", "drawn-colours"]
    for command in (
        ["index", str(folder / "photos"), *engines],
        ["cluster"],
        *(["name", str(group), f"Person {group}"] for group in range(1, NAMED + 1)),
        ["train"],
    ):
        subprocess.run(
            [sys.executable, "-m", "phototag", *command, "--db", database],
            env=environment, check=True, timeout=300, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    groups: dict[int, set[int]] = {}
    with closing(sqlite3.connect(database)) as connection:
        for group, face in connection.execute("SELECT cluster, face FROM cluster_member WHERE cluster > ?", (NAMED,)):
            groups.setdefault(group, set()).add(face)
        photos = dict(connection.execute("SELECT id, photo FROM face WHERE id NOT IN (SELECT face FROM label)"))
    assert [len(faces) for faces in groups.values()] == [PHOTOS] * (PEOPLE - NAMED), groups
    assert set(photos) == set().union(*groups.values())
    return Library(folder, environment, {group: frozenset(faces) for group, faces in groups.items()}, photos)


def people(connection: sqlite3.Connection) -> dict[int, int]:
    """The number of the person on each face, as its photo is called."""
    return {
        face: int(path.split(b"-")[0])
        for face, path in connection.execute("SELECT f.id, p.path FROM face f JOIN file p ON p.photo = f.photo")
    }


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PHOTOTAG_", "XDG_"))}
    own = {"HOME": str(folder), "PYTHONUTF8": "1", "TERM": "xterm", "PYTHONPATH": str(PLUG_IN), "PHOTOTAG_JOBS": "1"}
    return {**kept, **own}


def _draw(folder: Path, person: int, number: int) -> None:
    """A photo of one person, at a place and in a shade of its own."""
    red, green, blue = (level + 4 * number - 6 for level in _COLOURS[person])
    image = Image.new("RGB", (320, 240), (10, 10, 10 + number))
    draw = ImageDraw.Draw(image)
    left, top = 20 + (person * 37 + number * 61) % 150, 10 + (person * 23 + number * 41) % 70
    draw.ellipse((left, top, left + 119, top + 139), fill=(max(red, 0), max(green, 0), max(blue, 0)))
    for eye in (left + 35, left + 75):
        draw.ellipse((eye, top + 50, eye + 10, top + 58), fill=(0, 0, 0))
    draw.line((left + 40, top + 100, left + 80, top + 100), fill=(0, 0, 0), width=4)
    folder.mkdir(parents=True, exist_ok=True)
    image.save(folder / f"{person:02}-{number}.jpg", quality=95)
