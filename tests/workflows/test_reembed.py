"""Another embedder: it takes over once it saw every known face, from stored pictures, and no name is lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phototag.cli.index import sentence
from phototag.progress import Silent
from phototag.store import engines, faces, groups
from phototag.store.connect import Store, open_store
from phototag.types import RGB, Detection
from phototag.workflows.library.index import Indexed
from phototag.workflows.naming.name import name_faces
from phototag.workflows.recognition.cluster import cluster_faces
from phototag.workflows.recognition.tag import tag_faces
from phototag.workflows.recognition.train import train_people
from tests.support import fakes
from tests.support.databases import clean
from tests.support.fakes import BLUE, GREEN, RED, Clock, FakeEngines, Squares, Told, draw

Run = Callable[..., Indexed]


@pytest.fixture
def run(store: Store, photos: Path, fake_engines: FakeEngines, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Index `photos`; batches of re-embedding are of two faces."""
    monkeypatch.setattr("phototag.workflows.library.reembed._BATCH", 2)

    def run(budget: float | None = None, **changed: Any) -> Indexed:
        return fake_engines.index(store, [photos], fakes.settings(**changed), Told(), budget=budget)

    return run


@pytest.fixture
def seven(store: Store, photos: Path, run: Run) -> list[int]:
    """Seven indexed faces of three people, each photo's name beginning with its person's; one of each is named."""
    for colour, person, count in ((RED, "Ada", 3), (GREEN, "Ben", 2), (BLUE, "Cy", 2)):
        for number in range(count):
            draw(photos / f"{person}{number}.png", (40, 40, colour), shade=number)
    assert run().faces == 7
    ids = [face.id for face in faces.identified(store)]
    for face, name in ((ids[0], "Ada"), (ids[3], "Ben"), (ids[5], "Cy")):
        name_faces(store, [face], name)
    cluster_faces(store, Silent())
    return ids


def embedder(store: Store) -> str:
    found = engines.current(store, "embedder")
    assert found
    return found[1]


def names(store: Store) -> dict[int, str | None]:
    return {face.id: face.person for face in faces.identified(store)}


def unnamed_groups(store: Store) -> dict[int, set[int]]:
    return {group.number: set(group.face_ids) for group in groups.unnamed(store)}


def seen(store: Store, name: str) -> set[int]:
    """The faces of which an embedder's vectors are stored."""
    sql = "SELECT e.face FROM embedding e JOIN engine n ON n.id = e.engine WHERE n.name = ?"
    return {row[0] for row in store.rows(sql, (name,))}


def spoil(store: Store, face: int) -> None:
    with store.write():
        store.run("UPDATE crop SET jpeg = X'00' WHERE face = ?", (face,))


def test_no_photo_is_opened_and_names_stay(store: Store, run: Run, seven: list[int], fake_engines: FakeEngines) -> None:
    before = names(store)
    done = run(embedder="tastes")
    assert (done.reembedded, done.faces_left, done.photos, done.unchanged) == (7, 0, 0, 7)
    assert fake_engines.detector.calls == 0
    assert names(store) == before
    assert embedder(store) == "tastes"
    assert seen(store, "tastes") == set(seven)
    done = run()  # which keeps it
    assert (done.reembedded, done.unchanged, embedder(store)) == (0, 7, "tastes")


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_until_it_saw_every_face_the_former_embedder_stays(
    store: Store, run: Run, seven: list[int], fake_engines: FakeEngines, batch: int
) -> None:
    before, grouped = names(store), unnamed_groups(store)

    def stop(call: int) -> None:
        if call == batch:
            raise KeyboardInterrupt

    fake_engines.during = stop
    with pytest.raises(KeyboardInterrupt):
        run(embedder="tastes")
    fake_engines.during = lambda call: None
    assert embedder(store) == "colours"
    assert len(seen(store, "tastes")) == 2 * (batch - 1)
    done = cluster_faces(store, Silent())
    assert (done.faces, done.moved) == (4, 0)
    assert unnamed_groups(store) == grouped
    assert train_people(store, Silent()).people == 3
    assert tag_faces(store, Silent()).named == 4
    assert list(names(store).values()) == ["Ada"] * 3 + ["Ben"] * 2 + ["Cy"] * 2

    continued = run()  # though nobody names the embedder again
    assert continued.reembedded == 7 - 2 * (batch - 1)
    assert embedder(store) == "tastes"
    assert seen(store, "tastes") == set(seven)
    assert before.items() - {(face, None) for face in before} <= names(store).items()
    assert cluster_faces(store, Silent()).faces == 4
    assert clean(store)


def test_a_change_that_was_begun_is_taken_back_by_naming_the_former(
    store: Store, run: Run, seven: list[int], fake_engines: FakeEngines, clock: Clock
) -> None:
    fake_engines.during = clock.tick
    assert run(embedder="tastes", budget=1.5).faces_left == 3
    done = run(embedder="colours")
    assert (done.reembedded, embedder(store), engines.upcoming(store, "embedder")) == (0, "colours", None)
    assert run().reembedded == 0
    assert embedder(store) == "colours"


def test_a_coming_embedder_that_was_removed_hinders_nothing(
    store: Store, run: Run, seven: list[int], fake_engines: FakeEngines, clock: Clock
) -> None:
    fake_engines.during = clock.tick
    run(embedder="tastes", budget=1.5)
    fake_engines.gone.add("tastes")
    done = run()
    assert (done.reembedded, done.faces_left, done.unchanged, embedder(store)) == (0, 0, 7, "colours")


def test_a_time_budget_ends_it_between_batches(
    store: Store, photos: Path, run: Run, seven: list[int], fake_engines: FakeEngines, clock: Clock
) -> None:
    draw(photos / "new.png", (40, 40, RED), (200, 40, BLUE))
    fake_engines.during = clock.tick
    done = run(embedder="tastes", budget=1.5)
    assert (done.reembedded, done.faces_left) == (4, 3)
    assert (done.photos, done.left, done.unchanged) == (0, 1, 7)  # the new photo waits; known ones need not be opened
    assert fake_engines.detector.calls == 0
    assert embedder(store) == "colours"
    assert "4 known faces seen by another embedder" in sentence(done)
    assert "3 known faces left for another embedder" in sentence(done)
    done = run(budget=10)
    assert (done.reembedded, done.faces_left, done.photos, done.faces) == (3, 0, 1, 2)
    assert embedder(store) == "tastes"
    assert len(seen(store, "tastes")) == 9


def test_faces_of_photos_that_are_away_are_seen_too(
    store: Store, photos: Path, run: Run, seven: list[int], tmp_path: Path
) -> None:
    before = names(store)
    photos.rename(tmp_path / "away")
    done = run(embedder="tastes")
    assert (len(done.offline), done.reembedded) == (1, 7)
    assert embedder(store) == "tastes"
    assert seen(store, "tastes") == set(seven)
    (tmp_path / "away").rename(photos)
    assert run().unchanged == 7
    assert names(store) == before


@pytest.mark.parametrize("harm", [spoil, lambda store, face: store.run("DELETE FROM crop WHERE face = ?", (face,))])
def test_a_face_without_a_usable_picture_is_seen_in_its_photo(
    store: Store, run: Run, seven: list[int], fake_engines: FakeEngines, harm: Callable[[Store, int], None]
) -> None:
    before = names(store)
    harm(store, seven[0])
    harm(store, seven[4])
    done = run(embedder="tastes")
    assert (done.reembedded, done.photos, done.unchanged) == (5, 2, 5)
    assert fake_engines.detector.calls == 2
    assert seen(store, "tastes") == set(seven)
    assert embedder(store) == "tastes"
    assert names(store) == before
    assert run().unchanged == 7


def test_a_damaged_picture_of_a_photo_that_is_away_waits(
    store: Store, photos: Path, run: Run, seven: list[int], tmp_path: Path
) -> None:
    before = names(store)
    spoil(store, seven[0])
    photos.rename(tmp_path / "away")
    done = run(embedder="tastes")
    assert (done.reembedded, done.faces_left) == (6, 0)
    assert embedder(store) == "tastes"  # one damaged picture doesn't hold up all others
    (tmp_path / "away").rename(photos)
    assert run().photos == 1
    assert seen(store, "tastes") == set(seven)
    assert names(store) == before


def test_faces_that_another_run_adds_meanwhile_are_seen_before_the_change(
    store: Store, run: Run, seven: list[int], fake_engines: FakeEngines
) -> None:
    def meanwhile(call: int) -> None:
        if call == 4:  # the last batch
            with open_store(store.path) as other, other.write():
                other.run(
                    "INSERT INTO face (photo, engine, x, y, w, h, landmarks, score, quality, subject)"
                    " SELECT photo, engine, x, y + 1, w, h, landmarks, score, quality, 999 FROM face LIMIT 1"
                )
                other.run("INSERT INTO crop SELECT last_insert_rowid(), jpeg, x, y, side, turn FROM crop LIMIT 1")

    fake_engines.during = meanwhile
    assert run(embedder="tastes").reembedded == 8
    assert len(seen(store, "tastes")) == 8


def test_another_detector_and_embedder_at_once_keep_every_name(
    store: Store, photos: Path, run: Run, seven: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(photos / "pair.png", (40, 40, RED), (200, 100, GREEN))
    run()
    for face in list(faces.identified(store)):
        name_faces(store, [face.id], f"{os.path.basename(os.fsdecode(face.path))} {face.box.x:.0f}")
    before = names(store)
    real = Squares.detect

    def detect(self: Squares, images: list[RGB]) -> list[list[Detection]]:
        """Boxes elsewhere by a few pixels, and none of the right half."""
        return [
            [Detection(found.box.moved(5, -4), found.score) for found in of_one if found.box.x < 150]
            for of_one in real(self, images)
        ]

    monkeypatch.setattr(Squares, "detect", detect)
    done = run(detector="circles", embedder="tastes")
    assert (done.reembedded, done.photos, done.faces) == (9, 8, 8)
    assert names(store) == before
    assert len(before) == 9
    assert seen(store, "tastes") == set(before)  # also of the one that wasn't found again
    done = run()
    assert (done.photos, done.unchanged) == (0, 8)
    assert names(store) == before
    assert clean(store)
