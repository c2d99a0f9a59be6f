"""Names through anything that happens to files: each is on its own face or nowhere, and an export carries it.

Every square of a drawn library is somebody of their own, and its place on every edited picture is known. After each
event the library is indexed; the names that are shown must be on their squares, those that must have stayed must be
there, and at the end the names must move to a new database. `PHOTOTAG_EDITS=1000` tries so many events.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageEnhance
import pytest

from phototag.interop.read_names import parse
from phototag.interop.write_names import render
from phototag.progress import Silent
from phototag.store import faces
from phototag.store.connect import Store, open_store
from phototag.types import Box
from phototag.workflows.naming.export_names import export_names
from phototag.workflows.naming.name import name_faces
from tests.support import fakes
from tests.support.databases import clean
from tests.support.fakes import FakeEngines

#: Events of each library, and libraries.
_EVENTS = 12
_LIBRARIES = max(1, int(os.environ.get("PHOTOTAG_EDITS", "60")) // _EVENTS)
_BRIGHT = ((230, 20, 20), (20, 230, 20), (20, 20, 230), (230, 230, 20), (20, 230, 230))
#: Squares of these colours are overlooked by the detector.
_DIM = ((115, 30, 30), (30, 115, 30))
#: Sides from which on the detector finds a square.
_LEAST = 24
#: Orientation tag that shows an upright picture turned to the left by so many quarters.
_TAG = {1: 8, 2: 3, 3: 6}


@dataclass(frozen=True)
class Picture:
    """What a file shows: each square (by its name), where it lies, and whether a detector finds it."""

    pixels: PIL.Image.Image
    squares: dict[str, Box]
    dim: frozenset[str]

    def moved(self, pixels: PIL.Image.Image, move: Callable[[Box], Box]) -> Picture:
        return Picture(pixels, {name: move(box) for name, box in self.squares.items()}, self.dim)

    def whole(self, name: str) -> bool:
        """Whether a square is wholly in the picture, and large enough to be found."""
        box = self.squares[name]
        return box.within(*self.pixels.size) == box and min(box.w, box.h) >= _LEAST


def drawn(rng: np.random.Generator, number: int) -> Picture:
    """Three squares with eyes, one of them dim, on a ground like no other."""
    ground = np.kron(rng.integers(0, 80, (30, 40, 1)), np.ones((10, 10, 1))).repeat(3, 2).astype(np.uint8)
    pixels = PIL.Image.fromarray(ground)
    pen = PIL.ImageDraw.Draw(pixels)
    colours = [_BRIGHT[place] for place in rng.permutation(len(_BRIGHT))[:2]] + [_DIM[number % 2]]
    squares = {}
    for column, (colour, place) in enumerate(zip(colours, rng.permutation(3).tolist(), strict=True)):
        left, top = 20 + 130 * place + int(rng.integers(30)), 20 + int(rng.integers(160))
        pen.rectangle((left, top, left + 59, top + 59), fill=colour)
        for eye in (14, 40):
            pen.rectangle((left + eye, top + 12, left + eye + 7, top + 19), fill=(5, 5, 5))
        squares[f"{number}-{column}"] = Box(left, top, 60, 60)
    return Picture(pixels, squares, frozenset({f"{number}-2"}))


def cropped(picture: Picture, rng: np.random.Generator) -> Picture:
    width, height = picture.pixels.size
    w, h = round(width * rng.uniform(0.65, 0.95)), round(height * rng.uniform(0.65, 0.95))
    x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    return picture.moved(picture.pixels.crop((x, y, x + w, y + h)), lambda box: box.moved(-x, -y))


def scaled(picture: Picture, rng: np.random.Generator) -> Picture:
    smallest = min(min(box.w, box.h) for box in picture.squares.values())
    factor = 1.5 if smallest < 45 else float(rng.choice([0.7, 1.3]))
    size = round(picture.pixels.width * factor), round(picture.pixels.height * factor)
    return picture.moved(picture.pixels.resize(size, PIL.Image.Resampling.LANCZOS), lambda box: box.scaled(factor))


def turned(picture: Picture, quarters: int) -> Picture:
    pixels = PIL.Image.fromarray(np.rot90(np.asarray(picture.pixels), quarters))
    return picture.moved(pixels, lambda box: box.turned(quarters, *picture.pixels.size))


def mirrored(picture: Picture, _: np.random.Generator) -> Picture:
    pixels = picture.pixels.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    return picture.moved(pixels, lambda box: Box(picture.pixels.width - box.x - box.w, box.y, box.w, box.h))


def duller(picture: Picture, _: np.random.Generator) -> Picture:
    return Picture(PIL.ImageEnhance.Brightness(picture.pixels).enhance(0.97), picture.squares, picture.dim)


@dataclass
class World:
    """A folder, what each of its files shows, the database and its engines. `named`: content → names that must be shown
    on it."""

    folder: Path
    store: Store
    rng: np.random.Generator
    files: dict[Path, Picture] = field(default_factory=dict)
    named: dict[str, set[str]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    made: int = 0
    engines: FakeEngines = field(default_factory=FakeEngines)

    def any(self) -> Path:
        return sorted(self.files)[int(self.rng.integers(len(self.files)))]

    def new(self) -> Path:
        self.made += 1
        return self.folder / f"{self.made:03}.jpg"

    def content(self, path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def save(self, path: Path, picture: Picture, *, tag: int = 0) -> None:
        """Save a picture over a file; `tag`: its pixels as they were, shown turned by so many quarters."""
        before = self.named.get(self.content(path), set()) if path in self.files else set()
        exif = PIL.Image.Exif()
        if tag:
            exif[0x0112] = _TAG[tag]
        pixels = turned(picture, -tag % 4).pixels if tag else picture.pixels
        pixels.save(path, quality=97, subsampling=0, exif=exif)
        self.files[path] = picture
        content = self.content(path)
        if content not in self.named:
            self.named[content] = {name for name in before if picture.whole(name)}

    # --- events ---

    def edit(self) -> None:
        path = self.any()
        picture, how = self.files[path], int(self.rng.integers(6))
        if how < 4:
            self.save(path, (cropped, scaled, mirrored, duller)[how](picture, self.rng))
        else:
            quarters = int(self.rng.integers(1, 4))
            self.save(path, turned(picture, quarters), tag=quarters if how == 5 else 0)
        self.log.append(f"edit {path.name} {how}")

    def rename(self) -> None:
        path, target = self.any(), self.new()
        path.rename(target)
        self.files[target] = self.files.pop(path)
        self.log.append(f"rename {path.name} {target.name}")

    def swap(self) -> None:
        one, other = self.any(), self.any()
        if one != other:
            one.rename(self.folder / "aside")
            other.rename(one)
            (self.folder / "aside").rename(other)
            self.files[one], self.files[other] = self.files[other], self.files[one]
        self.log.append(f"swap {one.name} {other.name}")

    def copy(self) -> None:
        path, target = self.any(), self.new()
        shutil.copyfile(path, target)
        self.files[target] = self.files[path]
        self.log.append(f"copy {path.name} {target.name}")

    def delete(self) -> None:
        path = self.any()
        if len(self.files) > 2:
            path.unlink()
            del self.files[path]
            self.log.append(f"delete {path.name}")

    def overwrite(self) -> None:
        """Replace a photo by another one of the library."""
        path, target = self.any(), self.any()
        if path != target:
            shutil.copyfile(path, target)
            self.files[target] = self.files[path]
        self.log.append(f"overwrite {target.name} by {path.name}")

    def name(self) -> None:
        """Say who a face is: a found one, or one that is shown by hand."""
        path = self.any()
        picture = self.files[path]
        left = [name for name in sorted(picture.squares) if picture.whole(name)]
        if not left:
            return
        name = left[int(self.rng.integers(len(left)))]
        box = picture.squares[name]
        if name in picture.dim:
            self.engines.add_face(self.store, path, box, name)
        else:
            known = [face for face in faces.identified(self.store, every_place=True) if face.path == bytes(path)]
            [face] = [face.id for face in known if face.box.iou(box) > 0.5]
            name_faces(self.store, [face], name)
        self.named[self.content(path)].add(name)
        self.log.append(f"name {path.name} {name}")

    def index(self) -> None:
        self.engines.index(self.store, [self.folder], fakes.settings(), Silent(), accept_missing=True)

    # --- what must hold ---

    def check(self, *, kept: bool = True) -> None:
        """Names are on their squares; `kept`: all that must have stayed are there."""
        for path, picture in self.files.items():
            shown = names(self.store).get(path, {})
            for name, box in shown.items():
                assert name in picture.squares, (path.name, name, box, self.log)
                there = picture.squares[name].within(*picture.pixels.size)
                assert there is not None and box.iou(there) >= 0.3, (path.name, name, box, self.log)
            missing = self.named[self.content(path)] - shown.keys()
            assert not missing or not kept, (path.name, missing, self.log)

    def check_export(self, other: Path) -> None:
        exported = parse(render(export_names(self.store).names))
        assert exported.left_out == ()
        here = self.engines.import_names(self.store, exported)
        assert (here.answer, here.differences, here.left_out) == (None, (), ()), self.log
        with open_store(other, create=True) as store:
            self.engines.index(store, [self.folder], fakes.settings(), Silent())
            done = self.engines.import_names(store, exported)
            assert (done.differences, done.left_out, done.problems) == ((), (), ()), self.log
            before, after = names(self.store), names(store)
            assert {path: set(shown) for path, shown in before.items()} == {
                path: set(shown) for path, shown in after.items()
            }, self.log
            for path, shown in before.items():
                for name, box in shown.items():
                    assert box.iou(after[path][name]) > 0.5, (path.name, name, self.log)
            assert clean(store)


def names(store: Store) -> dict[Path, dict[str, Box]]:
    """Path → the names that humans gave, as they are shown."""
    shown: dict[Path, dict[str, Box]] = {}
    for face in faces.identified(store, every_place=True):
        if face.source == "human" and face.person:
            shown.setdefault(Path(os.fsdecode(face.path)), {})[face.person] = face.box
    return shown


@pytest.fixture
def world(tmp_path: Path, seed: int) -> Iterator[World]:
    """Three photos of which four faces are named, or fewer if one was named twice."""
    folder = tmp_path / "photos"
    folder.mkdir()
    with open_store(tmp_path / "phototag.db", create=True) as store:
        made = World(folder, store, np.random.default_rng(seed))
        for number in range(3):
            made.save(made.new(), drawn(made.rng, number))
        made.index()
        for _ in range(4):
            made.name()
        yield made
        assert clean(store)


@pytest.mark.parametrize("seed", range(_LIBRARIES))
def test_names_stay_on_their_faces_whatever_happens_to_files(tmp_path: Path, world: World) -> None:
    events = [world.edit, world.rename, world.swap, world.copy, world.delete, world.overwrite, world.name]
    for turn in world.rng.choice(len(events), _EVENTS, p=[0.34, 0.08, 0.1, 0.12, 0.08, 0.12, 0.16]).tolist():
        events[turn]()
        world.index()
        world.check()
    world.check_export(tmp_path / "other.db")


@pytest.mark.parametrize("seed", range(1000, 1000 + _LIBRARIES))
def test_no_name_comes_to_another_face_though_much_happens_between_two_runs(tmp_path: Path, world: World) -> None:
    """A photo that was renamed and edited at once, for one, is a new one."""
    events = [world.edit, world.rename, world.swap, world.copy, world.delete, world.overwrite]
    for _ in range(_EVENTS // 3):
        for turn in world.rng.choice(len(events), 3, p=[0.45, 0.1, 0.15, 0.1, 0.05, 0.15]).tolist():
            events[turn]()
        world.index()
        world.check(kept=False)
        world.name()
    world.check_export(tmp_path / "other.db")
