"""Naming, grouping, learning and tagging, on vectors put into the database directly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from phototag.analysis.main_face import main_face
from phototag.errors import TooLittleDataError, UsageError
from phototag.imaging.quality import WORTH_GROUPING, WORTH_LEARNING
from phototag.progress import Silent
from phototag.remedies import IndexFolder, NameGroups, Train
from phototag.store import decisions, faces, groups, models, people
from phototag.store.connect import Store, open_store
from phototag.store.groups import Unnamed
from phototag.types import Box, Face, Vectors
from phototag.workflows.naming import name as naming
from phototag.workflows.naming.history import undo
from phototag.workflows.naming.label import label_from_folders
from phototag.workflows.naming.name import (
    compare,
    dismiss,
    group_faces,
    name_face,
    name_faces,
    name_group,
)
from phototag.workflows.naming.people import reject_faces
from phototag.workflows.recognition.cluster import cluster_faces
from phototag.workflows.recognition.tag import tag_faces
from phototag.workflows.recognition.train import train_people
from phototag.workflows.report import LibraryAlbum
from tests.support.databases import add_face, add_photo, clean, say, step_back, unit, who

WATCHED = Silent()


def unnamed(store: Store) -> list[Unnamed]:
    """The groups that wait for a name, in the order of the album."""
    return list(groups.unnamed(store, clear=WORTH_GROUPING))


def near(axis: int, number: int = 0) -> Vectors:
    """One of a person's faces: close to an axis, no two alike."""
    vector = np.zeros(8, np.float32)
    vector[axis] = 1
    vector[4 + number % 4] += 0.02 * (1 + number)
    return vector / np.linalg.norm(vector)


def add_faces(store: Store, who: str, axis: int, count: int) -> list[int]:
    return [add_face(store, f"{who}/{number}.jpg".encode(), near(axis, number)) for number in range(count)]


# --- cluster ---


def test_faces_are_grouped_by_person(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 4), add_faces(store, "ben", 1, 6)
    stranger = add_face(store, b"x.jpg", near(2))
    done = cluster_faces(store, WATCHED)
    assert (done.faces, done.groups, done.alone) == (11, 2, 1)
    first, second = groups.unnamed(store)
    assert (first.number, set(first.face_ids)) == (1, set(ben))
    assert (second.number, set(second.face_ids)) == (2, set(ada))
    assert stranger not in first.face_ids + second.face_ids
    assert [face.cluster for face in faces.identified(store)] == [2] * 4 + [1] * 6 + [None]


def test_what_was_said_is_left_out_of_groups(store: Store) -> None:
    ids = add_faces(store, "ada", 0, 6)
    say(store, "is", ids[0], "Ada")
    say(store, "dont-care", ids[1])
    say(store, "not-a-face", ids[2])
    assert cluster_faces(store, WATCHED).faces == 3
    [group] = groups.unnamed(store)
    assert set(group.face_ids) == set(ids[3:])


def test_grouping_before_anything_is_indexed(store: Store) -> None:
    for job in (cluster_faces, train_people):
        with pytest.raises(TooLittleDataError, match="no photo is indexed yet") as caught:
            job(store, WATCHED)
        assert caught.value.remedy == IndexFolder()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_faces(store: Store, count: int) -> None:
    add_photo(store, b"landscape.jpg")
    add_faces(store, "ada", 0, count)
    done = cluster_faces(store, WATCHED)
    assert (done.faces, done.groups) == (count, count // 2)


# --- name ---


def test_the_interview_asks_first_for_whom_was_met_most_often(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 3), add_faces(store, "ben", 1, 5)
    cluster_faces(store, WATCHED)
    first, second = unnamed(store)
    assert (set(first.face_ids), set(second.face_ids)) == (set(ben), set(ada))
    person = name_faces(store, first.face_ids, "  ben ")
    assert person.name == "ben"
    assert unnamed(store) == [second]
    assert people.names(store) == ["ben"]
    dismiss(store, second.face_ids, "dont-care")
    assert unnamed(store) == []
    assert who(store) == {**dict.fromkeys(ada, (None, None)), **dict.fromkeys(ben, ("ben", "human"))}
    assert step_back(store) == 3
    assert step_back(store) == 5
    assert step_back(store) == 0
    assert unnamed(store) == [first, second]


def test_a_group_by_its_number(store: Store) -> None:
    ids = add_faces(store, "ada", 0, 3)
    cluster_faces(store, WATCHED)
    assert set(group_faces(store, 1)) == set(ids)
    name_faces(store, ids[:1], "Ada")
    assert set(group_faces(store, 1)) == set(ids[1:])
    name_faces(store, ids, "Ada")
    for number in (1, 2, -1):
        with pytest.raises(UsageError, match="no unnamed group"):
            group_faces(store, number)


def test_a_group_that_others_named_meanwhile_keeps_their_name(store: Store) -> None:
    """Read by one program, named by another, then named by the first, who perhaps was asked whom they mean."""
    ids = add_faces(store, "ada", 0, 4)
    cluster_faces(store, WATCHED)
    read = group_faces(store, 1)
    with open_store(store.path) as other:
        name_face(other, read[0], "Ben")
        dismiss(other, [read[1]], "dont-care")
    assert name_group(store, read, "Ada").faces == 2
    assert who(store)[read[0]] == ("Ben", "human")
    with pytest.raises(UsageError, match="named in the meantime"):
        name_group(store, ids, "Eve")
    assert {name for name, _ in who(store).values()} == {"Ada", "Ben", None}


def test_faint_faces_in_the_background_bring_nobody_to_the_front(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 3), add_faces(store, "ben", 1, 6)
    with store.write():
        store.run("UPDATE photo SET taken_at = date('2019-07-14', id || ' days') || 'T18:03:22'")
        for face in ben[2:]:
            store.run("UPDATE face SET quality = ? WHERE id = ?", (WORTH_GROUPING / 2, face))
    cluster_faces(store, WATCHED)
    assert [(set(group.face_ids), group.appearances) for group in unnamed(store)][:1] == [(set(ada), 3)]
    assert [len(group.faces) for group in LibraryAlbum(store).groups()] == [3, 6]  # the album has the same order
    name_faces(store, ada, "Ada")
    assert [(set(group.face_ids), group.appearances) for group in unnamed(store)][:1] == [(set(ben), 2)]


def test_a_group_is_not_named_after_whom_a_human_said_it_is_not(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 5)
    name_faces(store, ada[:1], "Ada")
    cluster_faces(store, WATCHED)
    reject_faces(store, "ada", [ada[4]])
    for from_scratch in (False, False, True):
        cluster_faces(store, WATCHED, from_scratch=from_scratch)
        [group] = groups.unnamed(store)
        assert set(group.face_ids) == set(ada[1:])
        named = name_group(store, group.face_ids, "Ada")
        assert (named.person.name, named.faces, named.left_out) == ("Ada", 3, 1)
        assert who(store)[ada[4]] == (None, None)
        assert undo(store).decisions == 3
    named = name_group(store, ada[1:], "Eve")  # nobody said that it is not her
    assert (named.faces, named.left_out) == (4, 0)
    assert who(store)[ada[4]] == ("Eve", "human")


def test_a_group_of_which_nothing_is_left_to_name(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 3)
    name_faces(store, ada[:1], "Ada")
    for face in ada[1:]:
        reject_faces(store, "Ada", [face])
    before = store.value("SELECT count(*) FROM decision")
    with pytest.raises(UsageError, match="not Ada: nothing saved"):
        name_group(store, ada[1:], "Ada")
    assert store.value("SELECT count(*) FROM decision") == before
    name_face(store, ada[1], "Ada")  # said of this very face, it holds
    assert who(store) == {ada[0]: ("Ada", "human"), ada[1]: ("Ada", "human"), ada[2]: (None, None)}


def test_answers_about_single_faces(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 4)
    cluster_faces(store, WATCHED)
    compare(store, "different", ada[0], ada[1])
    cluster_faces(store, WATCHED)
    assert {ada[0], ada[1]} - set(next(iter(groups.unnamed(store))).face_ids)
    assert undo(store).decisions == 1
    compare(store, "same", ada[0], ada[1])
    cluster_faces(store, WATCHED)
    assert set(next(iter(groups.unnamed(store))).face_ids) == set(ada)
    name_face(store, ada[0], "Ada")
    assert reject_faces(store, "ADA", [ada[0]]).name == "Ada"
    assert who(store)[ada[0]] == (None, None)
    assert {row[0] for row in store.rows("SELECT origin FROM decision")} == {"typed"}


def test_answers_about_faces_and_people_that_there_are_not(store: Store) -> None:
    face, hidden = add_faces(store, "ada", 0, 2)
    dismiss(store, [hidden], "not-a-face")
    for missing in (hidden, 999):
        for job in (
            lambda: compare(store, "same", face, missing),  # noqa: B023
            lambda: compare(store, "different", missing, face),  # noqa: B023
            lambda: name_face(store, missing, "Ada"),  # noqa: B023
            lambda: reject_faces(store, "Ada", [missing]),  # noqa: B023
        ):
            with pytest.raises(UsageError, match=f"no face {missing}"):
                job()
    with pytest.raises(UsageError, match="the same as itself"):
        compare(store, "same", face, face)
    with pytest.raises(UsageError, match="nobody is called Ada"):
        reject_faces(store, "Ada", [face])
    for name in ("", "\u202e"):
        with pytest.raises(UsageError, match="can't be a name"):
            reject_faces(store, name, [face])
        with pytest.raises(UsageError, match="can't be a name"):
            name_group(store, [face], name)
    assert store.value("SELECT count(*) FROM decision") == 1


@pytest.mark.parametrize("name", ["", "  \n", "\x1b\x00", "\u202e\u200b", "x" * 201])
def test_what_can_be_no_name(store: Store, name: str) -> None:
    face = add_face(store, b"a.jpg", unit(1))
    with pytest.raises(UsageError, match="can't be a name"):
        name_faces(store, [face], name)
    assert people.names(store) == []
    assert store.value("SELECT count(*) FROM decision") == 0


def test_a_name_for_faces_that_are_not_there_saves_nothing(store: Store) -> None:
    face = add_face(store, b"a.jpg", unit(1))
    with pytest.raises(Exception, match="refused"):
        name_faces(store, [face, 999], "Ada")
    assert people.names(store) == []
    assert who(store) == {face: (None, None)}


def test_pictures_of_faces(store: Store) -> None:
    face = add_face(store, b"a.jpg", unit(1))
    assert naming.crops(store, [face, 999, face]) == [faces.crop(store, face)] * 2


# --- label ---


def test_names_from_folders(store: Store) -> None:
    small, large = Box(150, 100, 20, 20), Box(100, 80, 120, 120)
    add_photo(store, b"train/Ada/1.jpg", [(small, unit(1)), (large, unit(0, 1))])
    add_photo(store, b"train/Ada/2.jpg", [(large, unit(1))])
    add_photo(store, b"train/Ben/3.jpg", [(large, unit(1))])
    add_photo(store, b"train/Ben/landscape.jpg")
    add_photo(store, b"train/none.jpg", [(large, unit(1))])
    add_photo(store, b"trainer/Cy/4.jpg", [(large, unit(1))])
    add_photo(store, b"train/Cleo/2019/may/5.jpg", [(large, unit(1))])
    done = label_from_folders(store, Path("/photos/train"))
    assert (done.faces, done.people, done.faceless) == (4, 3, 1)
    found = {(face.path, face.box.w): (face.person, face.source) for face in faces.identified(store)}
    assert found == {
        (b"/photos/train/Ada/1.jpg", 20): (None, None),
        (b"/photos/train/Ada/1.jpg", 120): ("Ada", "human"),
        (b"/photos/train/Ada/2.jpg", 120): ("Ada", "human"),
        (b"/photos/train/Ben/3.jpg", 120): ("Ben", "human"),
        (b"/photos/train/none.jpg", 120): (None, None),
        (b"/photos/trainer/Cy/4.jpg", 120): (None, None),
        (b"/photos/train/Cleo/2019/may/5.jpg", 120): ("Cleo", "human"),
    }
    assert {row[0] for row in store.rows("SELECT origin FROM decision")} == {"folder"}
    assert store.value("SELECT count(DISTINCT answer) FROM decision") == 3
    again = label_from_folders(store, Path("/photos/train"))
    assert (again.faces, again.people) == (0, 0)


def test_folders_do_not_overrule_a_human(store: Store) -> None:
    ids = [add_face(store, f"Ada/{number}.jpg".encode(), unit(1)) for number in range(5)]
    say(store, "is", ids[0], "Ben")
    say(store, "not-a-face", ids[1])
    say(store, "dont-care", ids[2])
    say(store, "is-not", ids[4], "Ada")
    assert label_from_folders(store, Path("/photos")).faces == 1
    assert {face: verb for face, (verb, _) in decisions.labels(store).items()} == dict(
        zip(ids[:4], ("is", "not-a-face", "dont-care", "is"), strict=True)
    )
    assert who(store)[ids[0]] == ("Ben", "human")


def test_folders_that_were_not_indexed(store: Store) -> None:
    add_face(store, b"a.jpg", unit(1))
    for folder in ("/elsewhere", "/photos", "/photos/a.jpg"):
        with pytest.raises(UsageError, match="no indexed photo"):
            label_from_folders(store, Path(folder))


def test_a_photo_in_two_peoples_folders_names_nobody(store: Store) -> None:
    paths = (b"Ada/1.jpg", b"Ben/1.jpg", b"ada/again/1.jpg", b"Cy/2019/1.jpg", b"Cy/2020/1.jpg")
    ids = [
        add_photo(store, path, [(Box(9, 9, 90, 90), unit(1))], content=b"cy" if b"Cy" in path else b"ada or ben")
        for path in paths
    ]
    assert len(set(ids)) >= 2
    done = label_from_folders(store, Path("/photos"))
    [conflict] = done.conflicts
    assert {path.rpartition(b"/photos/")[2] for path in conflict.paths} == set(paths[:3])
    assert sorted(map(str.lower, conflict.names)) == ["ada", "ben"]
    assert people.names(store) == ["Cy"]


def test_a_photo_of_several_faces_alike_names_nobody(store: Store) -> None:
    middle, rival, small = Box(150, 100, 100, 100), Box(30, 100, 110, 110), Box(300, 200, 40, 40)
    clear = add_photo(store, b"Ada/clear.jpg", [(middle, unit(1)), (small, unit(0, 1))])
    add_photo(store, b"Ada/unclear.jpg", [(middle, unit(1)), (rival, unit(0, 1)), (small, unit(0, 0, 1))])
    done = label_from_folders(store, Path("/photos"))
    assert [(conflict.paths, conflict.names) for conflict in done.conflicts] == [
        ((b"/photos/Ada/unclear.jpg",), ("Ada",))
    ]
    assert {face.photo_id for face in faces.identified(store) if face.person} == {clear}
    other = next(face.id for face in faces.identified(store) if face.box.w == 110)
    say(store, "is", other, "Ben")  # so the other one is meant
    done = label_from_folders(store, Path("/photos"))
    assert (done.faces, done.conflicts) == (1, ())


@pytest.mark.parametrize("folder", [b"y" * 201, b"Ren\xe9"])
def test_a_folder_whose_name_nobody_can_have(store: Store, folder: bytes) -> None:
    add_face(store, b"Ada/a.jpg", unit(1))
    add_face(store, folder + b"/a.jpg", unit(1))
    with pytest.raises(UsageError, match="rename it; no face was named"):
        label_from_folders(store, Path("/photos"))
    assert decisions.labels(store) == {}
    assert people.names(store) == []


def test_the_main_face_is_large_and_in_the_middle() -> None:
    def face(number: int, x: float, y: float, side: float) -> Face:
        return Face(number, 1, Box(x, y, side, side), 0.9, 0.5)

    middle, corner, huge = face(1, 150, 100, 100), face(2, 0, 0, 110), face(3, 0, 0, 250)
    assert main_face([corner, middle], 400, 300) == middle
    assert main_face([corner, middle, huge], 400, 300) == huge
    assert main_face([face(4, 0, 0, 20)], 400, 300).id == 4


# --- train and tag ---


@pytest.fixture
def two(store: Store) -> tuple[list[int], list[int], int]:
    """Two people, two faces of each named, and a stranger."""
    ada, ben = add_faces(store, "ada", 0, 6), add_faces(store, "ben", 1, 5)
    stranger = add_face(store, b"x.jpg", near(2))
    for face in ada[:2]:
        say(store, "is", face, "Ada")
    for face in ben[:2]:
        say(store, "is", face, "Ben")
    return ada, ben, stranger


def test_named_people_are_recognised(store: Store, two: tuple[list[int], list[int], int]) -> None:
    ada, ben, stranger = two
    trained = train_people(store, WATCHED)
    assert (trained.people, trained.faces) == (2, 4)
    assert set(who(store).values()) == {("Ada", "human"), ("Ben", "human"), (None, None)}  # not before they are tagged
    done = tag_faces(store, WATCHED)
    assert (done.faces, done.named) == (8, 7)
    assert store.value("SELECT count(*) FROM guess") == 7  # of who is unknown nothing is kept
    assert who(store) == {
        **{face: ("Ada", "human" if face in ada[:2] else "machine") for face in ada},
        **{face: ("Ben", "human" if face in ben[:2] else "machine") for face in ben},
        stranger: (None, None),
    }
    assert all(0.9 < (face.probability or 1) <= 1 for face in faces.identified(store))
    evidence = store.value("SELECT neighbours FROM guess WHERE face = ?", (ada[3],))
    assert all(f"[{face}, " in evidence for face in ada[:2])


def test_people_are_learnt_from_faces_that_are_worth_it(store: Store, two: tuple[list[int], list[int], int]) -> None:
    ada, ben, _ = two
    with store.write():
        for face in (ada[0], *ben):
            store.run("UPDATE face SET quality = ? WHERE id = ?", (WORTH_LEARNING / 2, face))
    say(store, "is", ada[2], "Ada")
    trained = train_people(store, WATCHED)
    # Of Ada's three the poor one is left out; Ben has no other than poor ones.
    assert (trained.people, trained.faces, trained.left_out) == (2, 4, 1)
    tag_faces(store, WATCHED)
    assert {name for name, _ in who(store).values()} == {"Ada", "Ben", None}  # poor ones are tagged and shown
    assert next(face for face in faces.identified(store) if face.id == ada[0]).source == "human"


def test_tagging_again_forgets_what_was_tagged(store: Store, two: tuple[list[int], list[int], int]) -> None:
    ada, ben, _ = two
    train_people(store, WATCHED)
    tag_faces(store, WATCHED)
    say(store, "is", ada[3], "Cy")  # a human knows better
    say(store, "is-not", ben[3], "Ben")
    train_people(store, WATCHED)
    assert who(store)[ada[4]] == ("Ada", "machine")  # as tagged before, until the new model speaks
    tag_faces(store, WATCHED)
    found = who(store)
    assert found[ada[3]] == ("Cy", "human")
    assert found[ben[3]] == (None, None)
    assert found[ben[4]] == ("Ben", "machine")
    assert store.value("SELECT count(*) FROM model") == 1
    assert store.value("SELECT count(*) FROM guess g JOIN label l ON l.face = g.face") == 0
    assert clean(store)


def test_nobody_is_named(store: Store) -> None:
    add_faces(store, "ada", 0, 3)
    with pytest.raises(TooLittleDataError, match="nobody is named yet") as caught:
        train_people(store, WATCHED)
    assert caught.value.remedy == NameGroups()
    with pytest.raises(TooLittleDataError, match="no trained model") as caught:
        tag_faces(store, WATCHED)
    assert caught.value.remedy == Train()
    assert models.latest(store) is None


def test_of_one_person_the_gate_alone_decides(store: Store) -> None:
    ada, stranger = add_faces(store, "ada", 0, 4), add_face(store, b"x.jpg", near(2))
    say(store, "is", ada[0], "Ada")
    assert train_people(store, WATCHED).people == 1
    assert tag_faces(store, WATCHED).named == 3
    assert who(store) == {
        **{face: ("Ada", "human" if face == ada[0] else "machine") for face in ada},
        stranger: (None, None),
    }


def test_a_model_whose_people_are_gone(store: Store, two: tuple[list[int], list[int], int]) -> None:
    train_people(store, WATCHED)
    tag_faces(store, WATCHED)
    before = who(store)
    step_back(store)
    step_back(store)  # nothing is named Ben any more
    with pytest.raises(TooLittleDataError, match="no named face left") as caught:
        tag_faces(store, WATCHED)
    assert caught.value.remedy == Train(again=True)
    after = who(store)
    assert {face for face in before if before[face] != after[face]} == set(two[1])  # the machine's tags, too


def test_names_are_kept_when_the_process_ends(store: Store) -> None:
    face = add_face(store, b"a.jpg", unit(1))
    name_faces(store, [face], "Ada")
    with open_store(store.path) as other:  # while the first is still open: it was saved at once
        assert who(other) == {face: ("Ada", "human")}
