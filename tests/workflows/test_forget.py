"""Photos that were forgotten, and return; people who were, and don't."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.errors import UsageError
from phototag.interop.read_names import parse
from phototag.interop.write_names import render
from phototag.progress import Silent
from phototag.store import files, forget_people, history, libraries, models, people
from phototag.store.connect import Store, open_store
from phototag.store.models import Model
from phototag.types import RGB, Box, Detection, Guess
from phototag.workflows.library.forget import forget_folder, forget_missing
from phototag.workflows.library.index import Indexed
from phototag.workflows.library.status import status
from phototag.workflows.naming.export_names import export_names
from phototag.workflows.naming.forget_person import forget_person
from phototag.workflows.naming.history import describe, describe_in_full, undo
from phototag.workflows.naming.import_names import import_names
from phototag.workflows.naming.interview import InterviewSession
from phototag.workflows.naming.label import label_from_folders
from phototag.workflows.naming.name import compare, dismiss, name_faces
from phototag.workflows.naming.people import hide, merge, reject_faces
from phototag.workflows.recognition.audit import audit
from phototag.workflows.recognition.cluster import cluster_faces
from phototag.workflows.recognition.tag import train_and_tag
from phototag.workflows.report import LibraryAlbum
from tests.support import fakes
from tests.support.databases import add_photo, clean, unit
from tests.support.fakes import BLUE, GREEN, RED, FakeEngines, Squares, draw

Run = Callable[..., Indexed]
LEFT, MIDDLE, RIGHT = Box(10, 10, 50, 50), Box(120, 10, 50, 50), Box(200, 10, 50, 50)


@pytest.fixture
def run(store: Store, photos: Path, fake_engines: FakeEngines) -> Run:
    def run(*roots: Path, **changed: Any) -> Indexed:
        how = {"accept_missing": True}
        return fake_engines.index(store, roots or [photos], fakes.settings(**changed), Silent(), **how)

    return run


def said(store: Store) -> set[tuple[Any, ...]]:
    """What is shown of whom: content, place, name, by whom; and what stands of each face."""
    shown = store.rows(
        "SELECT p.sha256, round(f.x), round(f.y), w.name, i.source, i.verb FROM identity i JOIN face f ON f.id = i.face"
        " JOIN photo p ON p.id = f.photo LEFT JOIN person w ON w.id = i.person"
    )
    standing = store.rows(
        "SELECT p.sha256, round(f.x), round(f.y), s.verb, w.name, s.id FROM standing s JOIN face f ON f.id = s.face"
        " JOIN photo p ON p.id = f.photo LEFT JOIN person w ON w.id = s.person"
    )
    return {*shown, *standing}


# --- photos ---


def test_forgotten_photos_return_with_all_that_was_said(
    store: Store, photos: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_engines: FakeEngines
) -> None:
    real = Squares.detect

    def detect(self: Squares, images: Sequence[RGB]) -> list[list[Detection]]:
        return [[one for one in found if one.box.x < 250] for found in real(self, images)]

    monkeypatch.setattr(Squares, "detect", detect)
    party = draw(photos / "party.png", (20, 20, RED), (120, 20, GREEN), (300, 20, BLUE))
    draw(photos / "other.png", (20, 100, RED), (120, 100, GREEN))
    run()
    cluster_faces(store, Silent())
    fake_engines.add_face(store, party, Box(300, 20, 60, 60), "Cy")
    name_faces(store, [store.value("SELECT face FROM identity JOIN face ON id = face WHERE x < 50 AND y < 50")], "Ada")
    before, exported = said(store), export_names(store).names
    party.rename(tmp_path / "away.png")
    run()
    assert status(store).away == 1
    told = forget_missing(store, dry_run=True)
    assert (told.photos, told.faces, told.named, told.left) == (1, 3, 2, None)
    assert status(store).away == 1
    done = forget_missing(store)
    assert done.left is not None and done.left.wiped
    assert (status(store).away, status(store).photos, len(said(store) - before)) == (0, 1, 0)
    assert {photo.sha256 for photo in export_names(store).names.photos} == {photo.sha256 for photo in exported.photos}
    (tmp_path / "away.png").rename(photos / "back.png")
    run()
    assert said(store) == before
    assert store.value("SELECT count(*) FROM crop") == store.value("SELECT count(*) FROM embedding") == 5
    undo(store, 1)  # the face that was shown is there only because somebody said so, as before
    assert status(store).faces == 4
    assert clean(store)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_names_of_a_forgotten_and_returned_library_equal_those_before(data: st.DataObject) -> None:
    three = [(LEFT, unit(1)), (MIDDLE, unit(0, 1)), (RIGHT, unit(0, 0, 1))]
    paths = [b"in/a", b"in/b", b"out/c", b"d"]
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder, "p.db"), create=True) as store:
        for path in paths:
            add_photo(store, path, three, content=path)
        cluster_faces(store, Silent())
        for _ in range(data.draw(st.integers(1, 8))):
            face, other = data.draw(st.lists(st.integers(1, 12), min_size=2, max_size=2, unique=True))
            what = data.draw(st.sampled_from(["is", "is", "is", "not", "no-face", "ignore", "same", "merge", "undo"]))
            name = data.draw(st.sampled_from(["Ada", "Ben", "Cy"]))
            known = set(people.names(store))
            if what == "is":
                name_faces(store, [face], name)
            elif what == "not" and name in known:
                reject_faces(store, name, [face]) if store.value(
                    "SELECT 1 FROM identity WHERE face = ?", (face,)
                ) else None
            elif what in ("no-face", "ignore"):
                dismiss(store, [face], "not-a-face" if what == "no-face" else "dont-care")
            elif what == "same":
                both = store.value("SELECT count(*) FROM identity WHERE face IN (?, ?)", (face, other))
                compare(store, "same", face, other) if both == 2 else None
            elif what == "merge" and {"Ada", "Ben"} <= known:
                merge(store, "Ben", "Ada")
            elif what == "undo":
                undo(store)
        before, exported = said(store), export_names(store).names
        for _ in range(data.draw(st.integers(1, 2))):
            lost = data.draw(st.sets(st.sampled_from(paths)))
            files.mark_missing(store, [row[0] for row in store.rows("SELECT id, path FROM file") if row[1] in lost])
            forget_missing(store)
            if data.draw(st.booleans()) and store.value("SELECT 1 FROM file WHERE path LIKE 'in/%'"):
                forget_folder(store, Path("/photos/in"))
            if data.draw(st.booleans()) and libraries.every(store):
                forget_folder(store, Path("/"))
            assert clean(store)
            for path in data.draw(st.permutations(paths)):
                add_photo(store, b"back/" + path, three, content=path)
        assert said(store) == before
        now = export_names(store).names
        assert (now.people, now.different, len(now.pairs)) == (exported.people, exported.different, len(exported.pairs))


def test_what_is_missing_is_asked_shown_and_counted_nowhere(
    store: Store, photos: Path, run: Run, tmp_path: Path
) -> None:
    for number in range(4):
        draw(photos / f"{number}.png", (20, 20, RED), (120, 20, GREEN), shade=number)
    run()
    cluster_faces(store, Silent())
    reds = [row[0] for row in store.rows("SELECT id FROM face WHERE x < 50")]
    name_faces(store, reds, "Ada")
    session = InterviewSession.open(store)
    assert session.next() is not None
    before = said(store)
    draw(photos / "empty.png")  # lest the whole folder looks unmounted
    (tmp_path / "bin").mkdir()
    for number in range(4):
        (photos / f"{number}.png").rename(tmp_path / "bin" / f"{number}.png")
    run()
    assert session.catch_up()  # though nothing was said
    assert session.next() is None
    found = status(store)
    assert (found.photos, found.away, found.faces, found.confirmed, found.groups) == (1, 4, 0, 0, 0)
    [ada] = people.summaries(store)
    assert (ada.person.name, ada.faces) == ("Ada", 0)
    album = LibraryAlbum(store)
    assert (album.people(), list(album.groups()), list(album.photos())) == ([], [], [])
    assert (album.summary().away, album.summary().faces) == (4, 0)
    for number in range(4):
        (tmp_path / "bin" / f"{number}.png").rename(photos / f"{number}.png")
    run()
    assert said(store) == before
    assert (status(store).away, status(store).confirmed) == (0, 4)


def test_an_audit_leaves_out_names_on_photos_that_are_missing(store: Store) -> None:
    for number in range(8):
        who = unit(1, 0.01 * number) if number < 4 else unit(0, 1, 0.01 * number)
        add_photo(store, b"%d.jpg" % number, [(LEFT, who)])
    name_faces(store, [1, 2, 3], "Ada")
    name_faces(store, [4, 5, 6, 7, 8], "Ben")  # the fourth is Ada
    train_and_tag(store, Silent())
    assert [doubt.place.face for doubt in audit(store, Silent()).doubts] == [4]
    files.mark_missing(store, [4])
    found = audit(store, Silent())
    assert (found.doubts, found.faces) == ((), 7)


def test_a_folder_that_is_not_indexed_is_refused(store: Store) -> None:
    add_photo(store, b"a.jpg", [(LEFT, unit(1))])
    with pytest.raises(UsageError, match="nothing in /elsewhere is indexed"):
        forget_folder(store, Path("/elsewhere"))
    with pytest.raises(UsageError, match="nothing in /photos/a is indexed"):
        forget_folder(store, Path("/photos/a"))
    assert forget_folder(store, Path("/photos"), dry_run=True).inside is None


def test_a_forgotten_folder_is_indexed_anew_unless_it_says_otherwise(store: Store, photos: Path, run: Run) -> None:
    draw(photos / "in" / "a.png", (20, 20, RED))
    draw(photos / "b.png", (20, 20, GREEN))
    run()
    name_faces(store, [1], "Ada")
    name_faces(store, [2], "Ben")
    before = said(store)
    assert forget_folder(store, photos / "in").inside == bytes(photos)
    assert len(said(store)) < len(before)
    run()
    assert said(store) == before
    forget_folder(store, photos / "in")
    (photos / "in" / ".nomedia").touch()
    run()
    assert (status(store).photos, status(store).away) == (1, 0)


# --- people ---


@pytest.fixture
def two(store: Store, photos: Path, run: Run) -> Path:
    """Four photos of Ada (left, red) and Ben (right, green), of each of whom one face is named."""
    for number in range(4):
        draw(photos / f"{number}.png", (20, 20, RED), (120, 20, GREEN), shade=number)
    run()
    cluster_faces(store, Silent())
    name_faces(store, [row[0] for row in store.rows("SELECT id FROM face WHERE x < 50 LIMIT 2")], "Ada")
    name_faces(store, [row[0] for row in store.rows("SELECT id FROM face WHERE x > 50 LIMIT 2")], "Ben")
    train_and_tag(store, Silent())
    return photos


def test_a_forgotten_person_is_found_nowhere_again(store: Store, two: Path, run: Run) -> None:
    exported = export_names(store).names
    told = forget_person(store, "ada", dry_run=True)
    assert (told.name, told.faces, told.photos, told.left) == ("Ada", 2, 2, None)
    tagged = told.tagged
    done = forget_person(store, "Ada")
    assert (done.number, done.faces, done.tagged) == (1, 2, tagged)
    train_and_tag(store, Silent())
    found = status(store)
    assert (found.photos, found.faces, found.people, found.confirmed) == (4, 6, 1, 2)
    names = export_names(store).names
    assert [person.name for person in names.people] == ["Ben"]
    assert not [face for photo in names.photos for face in photo.faces if face.box.x < 50]
    assert describe(next(history.answers(store))) == "person 1 was forgotten for good"
    for changed in ({"detector": "others"}, {"embedder": "shades"}):
        run(**changed)
        assert status(store).faces == 6
    cluster_faces(store, Silent(), from_scratch=True)
    assert not list(store.rows("SELECT 1 FROM cluster_member JOIN face ON id = face WHERE forgotten"))
    assert status(store).faces == 6
    done_again = import_names(store, parse(render(exported)), fakes.settings(), Silent())
    assert (done_again.forgotten, done_again.names) == (2, 0)
    assert status(store).faces == 6
    with pytest.raises(UsageError, match="nobody is called Ada"):
        forget_person(store, "Ada")


def test_a_forgotten_persons_face_cannot_be_shown_again(
    store: Store, two: Path, monkeypatch: pytest.MonkeyPatch, fake_engines: FakeEngines
) -> None:
    forget_person(store, "Ada")
    with pytest.raises(UsageError, match="forgotten for good"):
        fake_engines.add_face(store, two / "0.png", Box(20, 20, 60, 60), "Ada")
    assert people.names(store) == ["Ben"]
    assert status(store).faces == 6


def test_faces_that_were_tagged_are_forgotten_if_wanted(store: Store, two: Path, run: Run) -> None:
    tagged = forget_person(store, "Ada", dry_run=True).tagged
    assert tagged == 2
    forget_person(store, "Ada", tagged=True)
    run(detector="others")
    assert status(store).faces == 4
    assert clean(store)


def test_paths_that_bear_the_name_are_told(store: Store) -> None:
    add_photo(store, b"Ada Lovelace/1.jpg", [(LEFT, unit(1))])
    add_photo(store, b"others/1.jpg", [(LEFT, unit(1))])
    name_faces(store, [1], "ADA Lovelace")
    assert forget_person(store, "Ada Lovelace").paths == 1


def test_a_folder_gives_its_name_to_nobody_beside_a_forgotten_person(store: Store) -> None:
    add_photo(store, b"Ada/1.jpg", [(LEFT, unit(1)), (RIGHT, unit(0, 1))])
    name_faces(store, [1], "Ada")
    forget_person(store, "Ada")
    done = label_from_folders(store, Path("/photos"))
    assert (done.faces, done.faceless) == (0, 1)
    assert people.names(store) == []


def test_an_old_file_of_names_brings_no_forgotten_person_in(store: Store, two: Path) -> None:
    merge(store, "Ben", "Ada")
    hide(store, "Ada")
    old = parse(render(export_names(store).names))
    forget_person(store, "Ada")
    done = import_names(store, old, fakes.settings(), Silent())
    assert (done.answer, done.people, done.forgotten) == (None, 0, 4)
    assert people.names(store) == []


def test_a_model_or_tags_of_before_come_to_nothing(store: Store, two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program forgets somebody while this one learns and tags."""
    real = models.swap_guesses

    def late(store: Store, model: int, guesses: Sequence[Guess]) -> bool:
        if "Ada" in people.names(store):
            forget_people.drop_person(store, 1)
            models.swap(store, Model(2, (1,), 1, np.ones((1, 8), np.float32), np.zeros(1), (), {}))
        return real(store, model, guesses)

    monkeypatch.setattr(models, "swap_guesses", late)
    train_and_tag(store, Silent())  # which begins anew, since something was said meanwhile
    learnt = models.latest(store)
    assert learnt is not None and learnt.people == (2,)
    assert not list(store.rows("SELECT 1 FROM guess WHERE person = 1"))
    assert clean(store)


def test_the_last_thing_that_can_be_undone(store: Store, two: Path) -> None:
    said_before = list(history.answers(store))
    forget_person(store, "Ada")
    spoke = next(answer.number for answer in said_before if any(part.person == "Ada" for part in answer.parts))
    assert "forgotten: nothing brings that back" in str(undo(store, spoke))
    [first, *_] = history.answers(store)
    assert describe_in_full(store, first) == "person 1 was forgotten for good"
    assert "Ben" in people.names(store)
    assert undo(store).number  # what was said of Ben
    assert undo(store).redone
    assert "Ben" in people.names(store)
