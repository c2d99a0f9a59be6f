"""Zero names lost, whatever happens to the photos, the engines and the database."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from phototag.errors import UsageError
from phototag.interop.read_names import parse
from phototag.interop.write_names import render
from phototag.progress import Silent
from phototag.store import embeddings, faces
from phototag.store.connect import Store, open_store
from phototag.types import RGB, Box, Detection
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.library.index import Indexed
from phototag.workflows.library.relocate import relocate
from phototag.workflows.naming.export_names import export_names
from phototag.workflows.naming.name import name_face
from tests.cli.conftest import Demo, Run
from tests.support import fakes
from tests.support.databases import clean
from tests.support.fakes import BLUE, GREEN, RED, YELLOW, FakeEngines, Squares, draw

MISSED = Box(320, 200, 60, 60)
Index = Callable[..., Indexed]
Place = tuple[str, int, int]


@pytest.fixture(autouse=True)
def far_right_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Squares.detect

    def detect(self: Squares, images: Sequence[RGB]) -> list[list[Detection]]:
        """`circles` draws boxes a fifth larger and elsewhere by a few pixels."""
        found = [[one for one in of_one if one.box.x < 300] for of_one in real(self, images)]
        if self.info.name != "circles":
            return found
        return [[Detection(Box(one.box.x - 9, one.box.y - 3, 72, 66), one.score) for one in of_one] for of_one in found]

    monkeypatch.setattr(Squares, "detect", detect)


@pytest.fixture
def index(fake_engines: FakeEngines, photos: Path) -> Index:
    def run(store: Store, **changed: Any) -> Indexed:
        return fake_engines.index(store, [photos], fakes.settings(**changed), Silent())

    return run


@pytest.fixture
def named(store: Store, photos: Path, index: Index, fake_engines: FakeEngines) -> Iterator[dict[Place, str]]:
    """Ten faces, each with a name of its own, one of them shown by hand; whatever a test does, names must be these."""
    colours = (RED, GREEN, BLUE, YELLOW)
    for number in range(4):
        row = [(40 + 110 * place, 40, colours[(number + place) % 4]) for place in range(number % 3 + 1)]
        draw(photos / f"{number}" / "photo.png", *row, *([(320, 200, RED)] if number == 3 else []), shade=number)
    assert index(store).faces == 7
    fake_engines.add_face(store, photos / "3" / "photo.png", MISSED, None)
    for number, face in enumerate(list(faces.identified(store))):
        name_face(store, face.id, f"Number {number}")
    before = names(store)
    assert len(before) == 8
    yield before
    assert clean(store)


def names(store: Store) -> dict[Place, str]:
    """(Photo's folder, about where in it) → who."""
    return {
        (
            Path(os.fsdecode(face.path)).parent.name,
            round((face.box.x + face.box.w / 2) / 55),
            round((face.box.y + face.box.h / 2) / 55),
        ): face.person
        for face in faces.identified(store)
        if face.person
    }


def learnable(store: Store) -> int:
    """How many named faces the current embedder has seen."""
    return len(embeddings.labelled(store, current_embedder(store))[0])


def test_photos_that_changed(store: Store, photos: Path, named: dict[Place, str], index: Index) -> None:
    for path in photos.rglob("*.png"):
        path.write_bytes(path.read_bytes() + b"one more remark")
    assert index(store).photos == 4
    assert names(store) == named


def test_another_detector(store: Store, named: dict[Place, str], index: Index) -> None:
    assert index(store, detector="circles").photos == 4
    assert names(store) == named
    assert len(list(faces.identified(store))) == 8  # no face is there twice
    index(store, detector="squares")
    assert names(store) == named


def test_another_embedder(store: Store, named: dict[Place, str], index: Index) -> None:
    assert index(store, embedder="tastes").reembedded == 8
    assert names(store) == named
    assert learnable(store) == 8


def test_photos_that_moved(store: Store, photos: Path, named: dict[Place, str], index: Index) -> None:
    for path in sorted(photos.rglob("*.png")):
        os.renames(path, photos / "elsewhere" / path.parent.name / "renamed.png")
    assert index(store).photos == 4
    assert names(store) == named


def test_a_library_that_was_renamed(
    store: Store, photos: Path, named: dict[Place, str], index: Index, fake_engines: FakeEngines
) -> None:
    new = photos.rename(photos.with_name("pictures"))
    for old, other, what in (
        (photos, photos.parent / "empty", "of 4 looked for 0 are there; nothing was changed"),
        (photos.parent / "never", new, "is no indexed folder"),
        (photos, photos, "indexed as a folder of its own"),
    ):
        with pytest.raises(UsageError, match=what):
            relocate(store, old, other)
    (new / "0" / "photo.png").write_bytes(b"edited meanwhile")
    assert relocate(store, photos, new) == 4
    done = fake_engines.index(store, [new], fakes.settings(), Silent())
    assert (done.photos, done.unchanged, done.missing) == (0, 3, 0)
    assert names(store) == {place: who for place, who in named.items() if place[0] != "0"}


def test_a_drive_that_was_away(store: Store, photos: Path, named: dict[Place, str], index: Index) -> None:
    photos.rename(photos.with_name("away"))
    assert len(index(store).offline) == 1
    photos.mkdir()
    assert len(index(store).offline) == 1
    photos.rmdir()
    photos.with_name("away").rename(photos)
    index(store)
    assert names(store) == named


@pytest.mark.parametrize("detector", ["squares", "circles"])
def test_a_database_that_was_lost(
    store: Store,
    photos: Path,
    named: dict[Place, str],
    index: Index,
    tmp_path: Path,
    detector: str,
    fake_engines: FakeEngines,
) -> None:
    saved = render(export_names(store).names)
    for path in sorted(photos.rglob("*.png")):
        os.renames(path, photos / "rescued" / path.parent.name / path.name)
    with open_store(tmp_path / "new.db", create=True) as new:
        assert index(new, detector=detector, embedder="tastes").faces == 7
        done = fake_engines.import_names(new, parse(saved))
        assert (done.names, done.added, done.not_indexed, done.differences) == (8, 1, (), ())
        assert names(new) == named
        assert learnable(new) == 8  # the one that was shown has been embedded, too
        assert clean(new)


def test_all_of_it_in_a_row(
    store: Store, photos: Path, named: dict[Place, str], index: Index, tmp_path: Path, fake_engines: FakeEngines
) -> None:
    index(store, detector="circles", embedder="tastes")
    test_photos_that_changed(store, photos, named, index)
    test_photos_that_moved(store, photos, named, index)
    test_a_database_that_was_lost(store, photos, named, index, tmp_path, "circles", fake_engines)


# --- real faces, real engines ---


def test_real_faces_keep_their_names(demo: Demo, phototag: Run, tmp_path: Path) -> None:
    """Portraits, changed on disk and seen by another detector and embedder, then moved, and the database lost.

    One name is of a place where no detector finds a face.
    """
    photos, moved, db, new = (tmp_path / name for name in ("photos", "moved", "x.db", "new.db"))
    for folder in ("2015", "2017"):
        shutil.copytree(demo.folder / "photos" / folder, photos / folder)
    assert phototag("index", photos, "--db", db).returncode == 0
    place = photos / "2015" / "IMG_0012.jpg"
    done = phototag("faces", "add", place, "Somebody Else", "--no-tag", "--box", "20,30,90,90", "--db", db)
    assert done.stdout.endswith("was added; it is Somebody Else.\n"), done.stderr
    with open_store(db) as store:
        for face in list(faces.identified(store)):
            if face.person is None:
                name_face(store, face.id, f"Number {face.id}")
    before = who(db, photos)
    assert len(before) > 7

    saved = tmp_path / "names.json"
    assert phototag("people", "export", saved, "--db", db).stdout.startswith(f"Wrote {len(before)} people")
    content = {path: path.read_bytes() for path in photos.rglob("*.jpg")}
    for path in content:
        path.write_bytes(content[path] + b"\0")
    assert phototag("index", photos, "--db", db, "--detector", "dlib-hog", "--embedder", "dlib-resnet").returncode == 0
    assert who(db, photos) == before

    photos.rename(moved)
    done = phototag("index", "--relocate", photos, moved, "--json", "--db", db)
    assert json.loads(done.stdout)["unchanged"] == len(list(moved.rglob("*.*"))), done.stderr
    assert who(db, moved) == before

    for path in content:
        (moved / path.relative_to(photos)).write_bytes(content[path])
    assert phototag("index", moved, "--db", new, "--detector", "dlib-hog").returncode == 0
    done = phototag("people", "import", saved, "--no-tag", "--json", "--db", new)
    assert done.returncode == 0, done.stderr
    assert (told := json.loads(done.stdout))["names"] == told["people"] == len(before)
    assert told["added"] >= 1
    assert who(new, moved) == before


def who(db: Path, root: Path) -> dict[str, tuple[str, int]]:
    """Name → its photo, and about where in it."""
    with open_store(db) as store:
        return {
            face.person: (os.path.relpath(os.fsdecode(face.path), root), int(face.box.x + face.box.w / 2) // 200)
            for face in faces.identified(store)
            if face.person
        }
