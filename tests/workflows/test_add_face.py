"""A face that no detector found, added by hand: it is there like any other, and stays."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag.errors import TooLittleDataError, UsageError
from phototag.progress import Silent
from phototag.remedies import IndexAgain
from phototag.store import embeddings, faces
from phototag.store import photos as photo_rows
from phototag.store.connect import Store, open_store
from phototag.types import RGB, Box, Detection
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.library.index import Indexed
from phototag.workflows.naming.add_face import Added, describe_drawn_faces
from phototag.workflows.naming.export_names import export_names
from phototag.workflows.naming.history import undo
from phototag.workflows.naming.name import dismiss, name_faces
from phototag.workflows.recognition.cluster import cluster_faces
from tests.support import fakes
from tests.support.databases import clean
from tests.support.fakes import BLUE, RED, FakeEngines, Squares, draw, everything

Run = Callable[..., Indexed]
Add = Callable[..., Added]
MISSED, FOUND = Box(200, 100, 60, 60), Box(40, 40, 60, 60)


@pytest.fixture
def run(store: Store, photos: Path, fake_engines: FakeEngines) -> Run:
    def run(**changed: Any) -> Indexed:
        return fake_engines.index(store, [photos], fakes.settings(**changed), Silent())

    return run


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[Box], bool]]:
    """What detectors overlook; what is appended to it is overlooked, too."""
    overlooked: list[Callable[[Box], bool]] = [lambda box: box.x > 150]
    real = Squares.detect

    def detect(self: Squares, images: Sequence[RGB]) -> list[list[Detection]]:
        return [[one for one in found if not any(test(one.box) for test in overlooked)] for found in real(self, images)]

    monkeypatch.setattr(Squares, "detect", detect)
    return overlooked


@pytest.fixture
def party(photos: Path, run: Run, blind: list[Callable[[Box], bool]]) -> Path:
    """A photo of two faces, of which the right one was missed."""
    path = draw(photos / "party.png", (40, 40, RED), (200, 100, BLUE))
    assert run().faces == 1
    return path


@pytest.fixture
def add(store: Store, fake_engines: FakeEngines) -> Add:
    """Add a face to a photo."""

    def add(path: Path, box: Box = MISSED, name: str | None = "Ada") -> Added:
        return fake_engines.add_face(store, path, box, name)

    return add


def seen(store: Store) -> list[tuple[int, float, str | None]]:
    return [(face.id, round(face.box.x), face.person) for face in faces.identified(store)]


def test_it_is_there_like_any_other(store: Store, party: Path, add: Add) -> None:
    done = add(party)
    assert (done.known, done.person and done.person.name) == (False, "Ada")
    assert seen(store) == [(1, 40, None), (done.face, 200, "Ada")]
    assert list(store.rows("SELECT engine, present, score FROM face WHERE id = ?", (done.face,))) == [(None, 1, 1.0)]
    assert list(store.rows("SELECT answer, verb, face FROM decision")) == [
        (1, "a-face", done.face), (1, "is", done.face)
    ]  # fmt: skip
    ids, people, vectors = embeddings.labelled(store, current_embedder(store))
    assert (ids, people) == ([done.face], [1])
    assert np.argmax(vectors[0]) == 2  # blue
    assert faces.crop(store, done.face)
    assert clean(store)


def test_without_a_name_it_takes_part_in_groups(store: Store, party: Path, photos: Path, run: Run, add: Add) -> None:
    assert add(party, name=None).person is None
    draw(photos / "other.png", (40, 40, BLUE))
    run()
    assert cluster_faces(store, Silent()).groups == 1


def test_a_photo_without_any_face_gets_one(store: Store, photos: Path, run: Run, blind: list[Any], add: Add) -> None:
    path = draw(photos / "one.png", (200, 100, BLUE))
    assert run().faces == 0
    add(path)
    [photo] = photo_rows.with_faces(store)
    assert photo_rows.preview(store, photo.id)
    run(detector="circles")  # which finds none, either
    assert photo_rows.preview(store, photo.id)
    assert [name for *_, name in seen(store)] == ["Ada"]


def test_it_stays_whatever_looks_at_the_photo_later(
    store: Store, party: Path, run: Run, fake_engines: FakeEngines, add: Add
) -> None:
    face = add(party, name=None).face
    run(detector="circles")
    assert [id_ for id_, *_ in seen(store)] == [1, face]
    assert run(embedder="tastes").reembedded == 2
    assert len(embeddings.vectors(store, current_embedder(store))[0]) == 2
    draw(party, (40, 40, RED), (200, 100, BLUE), shade=3)
    assert run().photos == 1
    assert len(seen(store)) == 2
    assert store.value("SELECT count(*) FROM face WHERE subject = ? AND id <> subject AND present", (face,)) == 1
    assert run().unchanged == 1


def test_a_detector_that_finds_it_later_finds_that_very_face(
    store: Store, party: Path, run: Run, blind: list[Any], add: Add
) -> None:
    face = add(party, Box(206, 95, 62, 60)).face
    blind.clear()
    run(detector="circles")
    assert seen(store) == [(1, 40, None), (face, 200, "Ada")]
    assert store.value("SELECT engine FROM face WHERE id = ?", (face,)) is not None


def test_undo_takes_it_away_again(store: Store, party: Path, add: Add) -> None:
    face = add(party).face
    undo(store)
    assert seen(store) == [(1, 40, None)]
    assert add(party, name="Ben").face == face  # the same place is the same face
    assert seen(store) == [(1, 40, None), (face, 200, "Ben")]
    name_faces(store, [face], "Cy")
    undo(store)
    assert seen(store) == [(1, 40, None), (face, 200, "Ben")]


def test_a_known_face_is_the_one_that_is_meant(store: Store, party: Path, add: Add, fake_engines: FakeEngines) -> None:
    fake_engines.decode = fakes.no_decoder
    done = add(party, Box(45, 40, 60, 60))
    assert (done.face, done.known) == (1, True)
    assert seen(store) == [(1, 40, "Ada")]
    dismiss(store, [1], "not-a-face")
    with pytest.raises(UsageError, match="face 1 there is no face"):
        add(party, FOUND, None)
    assert add(party, FOUND, "Ben").face == 1
    assert seen(store) == [(1, 40, "Ben")]


def test_a_face_that_was_called_none_and_is_again_one(store: Store, party: Path, run: Run, blind: list[Any]) -> None:
    """Another detector came meanwhile, and no longer finds it: undo brings back the name, and the face with it."""
    name_faces(store, [1], "Ada")
    dismiss(store, [1], "not-a-face")
    blind.append(lambda box: True)
    run(detector="circles")
    assert seen(store) == []
    undo(store)
    assert seen(store) == [(1, 40, "Ada")]


@pytest.mark.parametrize(
    ("box", "what"),
    [
        (Box(-1, 10, 50, 50), "400 pixels wide and 300 high"),
        (Box(360, 10, 50, 50), "reaches beyond the photo"),
        (Box(10, 280, 50, 50), "reaches beyond the photo"),
        (Box(10, 10, 11, 50), "too small"),
    ],
)
def test_boxes_that_cannot_be(store: Store, party: Path, box: Box, what: str, add: Add) -> None:
    before = everything(store)
    with pytest.raises(UsageError, match=what):
        add(party, box)
    assert everything(store) == before


def test_photos_and_names_that_cannot_be(store: Store, party: Path, tmp_path: Path, add: Add) -> None:
    with pytest.raises(UsageError, match="can't be a name"):
        add(party, name=" ")
    with pytest.raises(UsageError, match="is no indexed photo"):
        add(tmp_path / "x.png")
    with pytest.raises(UsageError, match="is no indexed photo"):
        add(party.parent / "x.png")
    before = everything(store)
    draw(party, (40, 40, RED), shade=9)
    with pytest.raises(UsageError, match="has changed since it was indexed"):
        add(party)
    os.unlink(party)
    with pytest.raises(UsageError, match="the file is gone"):
        add(party)
    assert everything(store) == before


def test_an_embedder_that_is_no_longer_the_same(party: Path, add: Add, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setattr(fakes, "EMBEDDER", replace(fakes.EMBEDDER, weights_sha256="f" * 64))
    with pytest.raises(UsageError, match="than is installed now") as caught:
        add(party)
    assert caught.value.remedy == IndexAgain()


def test_before_the_first_index(store: Store) -> None:
    with pytest.raises(TooLittleDataError, match="no photo is indexed yet"):
        describe_drawn_faces(store, {}, fakes.settings(), Silent())


# --- imported ---


def test_a_face_that_only_another_detector_finds_goes_with_the_import(
    store: Store, party: Path, run: Run, blind: list[Any], tmp_path: Path, fake_engines: FakeEngines
) -> None:
    blind.clear()
    run(detector="circles")
    name_faces(store, [2], "Ada")
    names = export_names(store).names
    blind.append(lambda box: box.x > 150)
    with open_store(tmp_path / "new.db", create=True) as new:
        fake_engines.index(new, [party.parent], fakes.settings(), Silent())
        done = fake_engines.import_names(new, names)
        assert (done.names, done.added, done.faces) == (1, 1, 1)
        assert [name for *_, name in seen(new)] == [None, "Ada"]
        assert fake_engines.import_names(new, names).answer is None
        undo(new)
        assert [name for *_, name in seen(new)] == [None]


def test_a_named_face_that_no_detector_finds_here_is_cut_out_of_its_photo(
    store: Store, party: Path, add: Add, fake_engines: FakeEngines
) -> None:
    add(party)
    names = export_names(store).names
    undo(store)
    party_bytes = party.read_bytes()

    told = fake_engines.import_names(store, names, dry_run=True)
    assert (told.added, told.names) == (1, 1)
    party.unlink()
    done = fake_engines.import_names(store, names)
    assert (done.answer, done.names, done.added, [one.code for one in done.problems]) == (None, 0, 0, ["vanished"])
    party.write_bytes(party_bytes)
    done = fake_engines.import_names(store, names)
    assert (done.names, done.added, done.problems) == (1, 1, ())
    assert seen(store) == [(1, 40, None), (2, 200, "Ada")]
    assert embeddings.labelled(store, current_embedder(store))[0] == [2]
    assert fake_engines.import_names(store, names).answer is None
    undo(store)
    assert seen(store) == [(1, 40, None)]
    assert clean(store)
