"""Groups that last: what new photos, answers and gates change in them, and what they don't."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from phototag.learn.arrays import Labels
from phototag.learn.cluster import PriorKnowledge, cluster
from phototag.progress import Silent
from phototag.store import decisions, engines, faces, groups, models, people
from phototag.store.connect import Store, open_reader
from phototag.store.decisions import Decision
from phototag.store.models import Model
from phototag.types import Box, EngineInfo, Guess, Thresholds, Vectors
from phototag.workflows.naming.history import undo
from phototag.workflows.recognition.cluster import Clustered, cluster_faces
from phototag.workflows.recognition.conflicts import Conflict, _pairs_in_photos
from phototag.workflows.recognition.group_numbers import ChangedGroup
from tests.support.databases import EMBEDDER, THRESHOLDS, add_face, add_photo, say, step_back, unit


def face_of(person: int, number: int, spread: float = 0.08) -> Vectors:
    """One of a person's faces, about 0.1 from the others."""
    vector = np.zeros(8, np.float32)
    vector[person] = 1
    vector += np.random.default_rng([person, number]).normal(size=8) * spread / np.sqrt(8)
    return vector / np.linalg.norm(vector)


def add(store: Store, who: str, person: int, numbers: range, spread: float = 0.08) -> list[int]:
    return [add_face(store, f"{who}{number}.jpg".encode(), face_of(person, number, spread)) for number in numbers]


def run(store: Store, **flags: bool) -> Clustered:
    return cluster_faces(store, Silent(), **flags)


def unnamed_groups(store: Store) -> dict[int, set[int]]:
    return {group.number: set(group.face_ids) for group in groups.unnamed(store)}


def told(store: Store, verb: str, face: int, other: int) -> None:
    with store.write():
        decisions.record(store, [Decision(verb, face, other_face=other)], "reviewed")  # type: ignore[arg-type]


def conflicts(done: Clustered) -> list[tuple[Any, ...]]:
    """What was said (`photo` for two faces of one) of which faces, and of whom."""
    return [
        (
            conflict.said or "photo",
            *(place.face for place in conflict.faces),
            *([conflict.person] * bool(conflict.said)),
        )
        for conflict in done.conflicts
    ]


def together(store: Store, path: bytes, *numbers: int, person: int = 0, spread: float = 0.08) -> list[int]:
    """A photo with several faces of one person."""
    boxes = [Box(10 + 90 * place, 10, 50, 50) for place in range(len(numbers))]
    vectors = [face_of(person, number, spread) for number in numbers]
    photo = add_photo(store, path, list(zip(boxes, vectors, strict=True)))
    return [row[0] for row in store.rows("SELECT id FROM face WHERE photo = ? ORDER BY id", (photo,))]


# --- stable ---


def test_new_faces_join_the_groups_that_there_are(store: Store) -> None:
    ada, ben = add(store, "ada", 0, range(3)), add(store, "ben", 1, range(5))
    first = run(store)
    assert (first.groups, first.founded, first.joined, first.moved) == (2, 2, 0, 0)
    assert unnamed_groups(store) == {1: set(ben), 2: set(ada)}
    more, cy = add(store, "ada", 0, range(3, 9)), add(store, "cy", 2, range(2))
    done = run(store)
    assert (done.groups, done.founded, done.joined, done.moved) == (3, 1, 6, 0)
    assert unnamed_groups(store) == {1: set(ben), 2: {*ada, *more}, 3: set(cy)}  # the largest group is still number 2
    assert done.changed == (ChangedGroup(2, 2, 3, 9, 6, 0), ChangedGroup(3, None, 0, 2, 2, 0))
    assert run(store) == Clustered(16, 3, 0, 0, 0, 0)


@pytest.mark.parametrize("preview", [True, False])
def test_anew_means_other_numbers_and_is_told_by_faces(store: Store, preview: bool) -> None:
    ada, ben = add(store, "ada", 0, range(3)), add(store, "ben", 1, range(5))
    run(store)
    more, cy = add(store, "ada", 0, range(3, 9)), add(store, "cy", 2, range(2))
    done = run(store, from_scratch=True, preview=preview)
    assert (done.joined, done.founded, done.moved) == (6, 1, 0)
    assert done.changed == (ChangedGroup(3, 2, 3, 9, 6, 0), ChangedGroup(5, None, 0, 2, 2, 0))
    if not preview:
        assert unnamed_groups(store) == {3: {*ada, *more}, 4: set(ben), 5: set(cy)}


def test_anew_leaves_the_groups_of_named_faces(store: Store) -> None:
    ada, ben = add(store, "ada", 0, range(4)), add(store, "ben", 1, range(3))
    run(store)
    with store.write():
        ada_id = people.ensure(store, "Ada").id
        decisions.record(store, [Decision("is", face, ada_id) for face in ada], "typed")
    done = run(store, from_scratch=True)
    assert (done.founded, done.moved, done.changed) == (0, 0, ())
    undo(store)
    assert unnamed_groups(store) == {1: set(ada), 3: set(ben)}


def test_groups_that_come_apart_and_together_are_told(store: Store) -> None:
    ada, ben = add(store, "ada", 0, range(6)), add(store, "ben", 1, range(3))
    run(store)
    with store.write():  # as another way to group them might have
        store.run("UPDATE cluster_member SET cluster = 3, base = 3 WHERE face IN (?, ?)", ada[4:])
        store.run("UPDATE cluster_member SET cluster = NULL, base = 0 WHERE face = ?", (ben[0],))
        store.run("UPDATE clustering SET next_number = 4")
    done = run(store, from_scratch=True, preview=True)
    assert (done.groups, done.joined, done.founded, done.moved) == (2, 1, 0, 2)
    assert done.changed == (
        ChangedGroup(3, 3, 2, 0, 0, 2),
        ChangedGroup(4, 1, 4, 6, 2, 0),
        ChangedGroup(5, 2, 2, 3, 1, 0),
    )
    assert run(store).moved == 0  # without it, groups stay as they are


def test_other_thresholds_are_told_until_all_is_grouped_anew(store: Store) -> None:
    add(store, "ada", 0, range(3))
    assert not run(store).other_thresholds
    engines.register(store, replace(EMBEDDER, thresholds=replace(THRESHOLDS, join=0.3)))
    for _ in range(2):
        assert run(store).other_thresholds
    assert not run(store, from_scratch=True, preview=True).other_thresholds
    assert run(store).other_thresholds
    run(store, from_scratch=True)
    assert not run(store).other_thresholds


def test_numbers_are_never_used_again(store: Store) -> None:
    ada = add(store, "ada", 0, range(3))
    run(store)
    for face in ada:
        say(store, "is", face, "Ada")
    ben = add(store, "ben", 1, range(2))
    run(store)
    assert unnamed_groups(store) == {2: set(ben)}
    for _ in ada:
        step_back(store)
    assert unnamed_groups(store) == {1: set(ada), 2: set(ben)}
    run(store)
    assert unnamed_groups(store) == {1: set(ada), 2: set(ben)}


def test_another_embedder_groups_anew(store: Store) -> None:
    ada = add(store, "ada", 0, range(3))
    run(store)
    other = EngineInfo("embedder", "other", "f" * 64, dim=8, chip_size=16, thresholds=EMBEDDER.thresholds)
    embedder = engines.register(store, other)
    vectors = [unit(0, 1), unit(0.1, 1), unit(1)]
    with store.write():
        for face, vector in zip(ada, vectors, strict=True):
            store.run("INSERT INTO embedding VALUES (?, ?, 8, ?)", (face, embedder, vector.tobytes()))
    done = run(store)
    assert (done.groups, done.alone) == (1, 1)
    assert done.changed == (ChangedGroup(2, 1, 3, 2, 0, 1),)
    assert unnamed_groups(store) == {2: set(ada[:2])}


def test_a_preview_changes_nothing(store: Store) -> None:
    ada = add(store, "ada", 0, range(3))
    with open_reader(store.path) as reader:
        assert run(reader, preview=True).groups == 1
    assert not groups.exists(store)
    run(store)
    add(store, "ada", 0, range(3, 5))
    add(store, "ben", 1, range(2))
    before = list(store.rows("SELECT * FROM cluster_member")), list(store.rows("SELECT * FROM clustering"))
    done = run(store, preview=True)
    assert (done.joined, done.founded, done.moved) == (2, 1, 0)
    assert unnamed_groups(store) == {1: set(ada)}
    assert before == (list(store.rows("SELECT * FROM cluster_member")), list(store.rows("SELECT * FROM clustering")))
    assert run(store) == done


def test_photos_added_one_by_one_come_to_the_groups_that_all_at_once_make(store: Store) -> None:
    ada = add(store, "ada", 3, range(12), 0.2)
    run(store)
    assert unnamed_groups(store) == {1: set(ada)}
    with store.write():
        store.run("DELETE FROM cluster_member")
    for face in ada:
        with store.write():
            store.run("UPDATE face SET present = id <= ?", (face,))
        run(store)
    assert list(unnamed_groups(store).values()) == [set(ada)]
    current = groups.current(store)
    assert current
    assert [current.base.since[face] for face in ada] == list(range(12))
    run(store, from_scratch=True)
    current = groups.current(store)
    assert current
    assert set(current.base.since.values()) == {0}


# --- what humans said ---


def test_named_faces_are_left_alone(store: Store) -> None:
    ada = add(store, "ada", 0, range(6))
    say(store, "is", ada[0], "Ada")
    say(store, "not-a-face", ada[1])
    say(store, "dont-care", ada[2])
    for flags, number in (({}, 1), ({"from_scratch": True}, 2), ({}, 2)):
        assert run(store, **flags).faces == 3
        assert unnamed_groups(store) == {number: set(ada[3:])}


@pytest.mark.parametrize("scratch", [False, True])
def test_different_people_are_separated_and_the_same_united(store: Store, scratch: bool) -> None:
    ada, ben, cy = (add(store, who, person, range(4)) for person, who in enumerate(("ada", "ben", "cy")))
    run(store)
    told(store, "different", ada[0], ada[1])
    told(store, "same", ben[0], cy[2])
    for flags in ({"from_scratch": scratch}, {}, {"from_scratch": scratch}):
        assert not run(store, **flags).conflicts
        found = {face: number for number, members in unnamed_groups(store).items() for face in members}
        assert found.get(ada[0], -1) != found.get(ada[1], -2)
        assert found[ben[0]] == found[cy[2]]
    step_back(store)
    step_back(store)
    run(store, from_scratch=True)
    assert sorted(map(len, unnamed_groups(store).values())) == [4, 4, 4]


def test_the_latest_answer_holds_and_the_other_is_listed(store: Store) -> None:
    ada, ben = add(store, "ada", 0, range(3)), add(store, "ben", 1, range(3))
    told(store, "same", ada[0], ben[0])
    told(store, "different", ada[0], ben[0])
    done = run(store)
    assert done.conflicts == (Conflict("answers", (faces.place(store, ada[0]), faces.place(store, ben[0])), "same"),)
    assert done.conflicts[0].faces[0].photo == b"/photos/ada0.jpg"
    assert done.conflicts[0].faces[0].box == Box(10, 10, 50, 50)
    assert sorted(unnamed_groups(store).values(), key=min) == [set(ada), set(ben)]
    told(store, "same", ada[0], ben[0])
    assert conflicts(run(store)) == [("different", ada[0], ben[0], None)]
    assert {ada[0], ben[0]} <= next(iter(unnamed_groups(store).values()))


@pytest.mark.parametrize("names_last", [True, False])
def test_names_are_answers_as_good_as_others(store: Store, names_last: bool) -> None:
    ada, ben = add(store, "ada", 0, range(4)), add(store, "ben", 1, range(4))

    def names() -> None:
        say(store, "is", ada[0], "Ada")
        say(store, "is", ben[0], "Ben")

    if not names_last:
        names()
    told(store, "same", ada[1], ada[0])
    told(store, "same", ben[1], ben[0])
    told(store, "same", ada[1], ben[1])
    if names_last:
        names()
    done = run(store)
    in_one = any({ada[1], ben[1]} <= members for members in unnamed_groups(store).values())
    if names_last:
        assert conflicts(done) == [("same", ada[1], ada[0], None)]  # the oldest of four that can't all be true
        assert in_one
    else:
        assert conflicts(done) == [("is", ada[0], "Ada")]
        assert in_one


@pytest.mark.parametrize("rejected_last", [True, False])
def test_is_not_and_same_hold_by_their_age(store: Store, rejected_last: bool) -> None:
    ada = add(store, "ada", 0, range(5))
    say(store, "is", ada[0], "Ada")
    told(store, "same", ada[2], ada[0])
    if rejected_last:
        told(store, "same", ada[1], ada[2])
        say(store, "is-not", ada[1], "Ada")
        assert conflicts(run(store)) == [("is", ada[0], "Ada")]
    else:
        say(store, "is-not", ada[1], "Ada")
        say(store, "is", ada[0], "Ada")  # once more
        told(store, "same", ada[1], ada[2])
        assert conflicts(run(store)) == [("same", ada[2], ada[0], None)]


def test_an_answer_taken_back_by_a_later_one_is_no_conflict(store: Store) -> None:
    ada = add(store, "ada", 0, range(3))
    say(store, "is-not", ada[0], "Ada")
    say(store, "is", ada[0], "Ada")
    say(store, "is", ada[1], "Ada")
    say(store, "is", ada[1], "Eve")
    say(store, "is", ada[2], "Eve")
    say(store, "is-not", ada[2], "Eve")
    assert conflicts(run(store)) == []


def test_one_face_speaks_for_all_who_belong_together(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = add(store, "ada", 0, range(40))
    run(store)
    told(store, "different", ada[0], ada[1])
    seen: list[PriorKnowledge] = []

    def watched(vectors: Vectors, thresholds: Thresholds, prior: PriorKnowledge) -> Labels:
        seen.append(prior)
        return cluster(vectors, thresholds, prior)

    monkeypatch.setattr("phototag.workflows.recognition.constrained_groups.cluster", watched)
    run(store)
    assert len(seen[-1].cannot_link) == 2  # each face with a key is compared with all others that have it


def test_what_is_said_of_named_faces_says_something_of_others(store: Store) -> None:
    ada = add(store, "ada", 0, range(6))
    say(store, "is", ada[0], "Ada")
    say(store, "is", ada[1], "Eve")
    told(store, "same", ada[2], ada[0])
    told(store, "same", ada[3], ada[1])
    with store.write():
        eve = people.find(store, "Eve")
        assert eve
        decisions.record(store, [Decision("is-not", ada[4], eve.id)], "typed")
    run(store)
    found = {face: number for number, members in unnamed_groups(store).items() for face in members}
    assert found.get(ada[2], -1) != found.get(ada[3], -2)  # one is Ada, the other Eve
    assert found.get(ada[3], -1) != found.get(ada[4], -2)


def test_who_is_not_a_person_leaves_the_group_that_the_machine_takes_for_them(store: Store) -> None:
    ada = add(store, "ada", 0, range(6))
    run(store)
    with store.write():
        person = people.ensure(store, "Ada").id
        decisions.record(store, [Decision("is", ada[0], person)], "typed")
    models.swap(store, Model(engines.register(store, EMBEDDER), (person,), 1, [unit(1)], [0.0], (), {}))  # type: ignore[arg-type]
    model = models.latest(store)
    assert model
    models.swap_guesses(store, model.id, [Guess(face, person, 0.9, 0.1) for face in ada[1:4]])
    say(store, "is-not", ada[3], "Ada")
    for _ in range(2):
        done = run(store)
        members = {face.id: face.cluster for face in faces.identified(store)}
        assert [members[face] for face in ada[1:]] == [1, 1, None, 1, 1]
        assert not done.conflicts


# --- photos ---


def test_two_faces_of_a_photo_are_kept_apart_and_told_of(store: Store) -> None:
    ada = add(store, "ada", 0, range(5))
    one, other = together(store, b"mirror.jpg", 50, 51)
    for scratch in (False, True):
        done = run(store, from_scratch=scratch)
        assert done.conflicts == (Conflict("one photo", (faces.place(store, one), faces.place(store, other))),)
        [members] = unnamed_groups(store).values()
        assert set(ada) < members
        assert len(members & {one, other}) == 1
    told(store, "same", one, other)
    assert not run(store).conflicts
    assert list(unnamed_groups(store).values()) == [{*ada, one, other}]


def test_no_pair_of_one_photo_is_told_of_but_for_their_looks(store: Store) -> None:
    together(store, b"friends.jpg", 0)
    boxes = [Box(10 + 90 * person, 10, 50, 50) for person in range(8)]
    add_photo(store, b"party.jpg", [(box, face_of(person, 0)) for person, box in enumerate(boxes)])
    assert not run(store).conflicts


def test_a_pair_that_is_far_apart_is_told_of_if_one_looks_like_the_others_group(store: Store) -> None:
    add(store, "ada", 0, range(30), spread=0.24)
    numbers = next(
        (one, other)
        for one in range(100, 200)
        for other in range(one + 1, 200)
        if np.linalg.norm(face_of(0, one, 0.24) - face_of(0, other, 0.24)) > THRESHOLDS.split
        and min(face_of(0, number, 0.24)[0] for number in (one, other)) > 0.97
    )
    one, other = together(store, b"mirror.jpg", *numbers, spread=0.24)
    assert conflicts(run(store)) == [("photo", one, other)]


@pytest.mark.parametrize("alike", [True, False])
def test_a_pair_in_one_group_is_told_of_until_a_human_speaks(store: Store, alike: bool) -> None:
    ada = add(store, "ada", 0, range(3))
    boxes = Box(10, 10, 50, 50), Box(100, 10, 50, 50)
    photo = add_photo(
        store, b"mirror.jpg", list(zip(boxes, (face_of(0, 50), face_of(0 if alike else 3, 51)), strict=True))
    )
    one, other = (row[0] for row in store.rows("SELECT id FROM face WHERE photo = ? ORDER BY id", (photo,)))
    assert bool(run(store).conflicts) == alike
    with store.write():  # as groups were before photos counted
        store.run("UPDATE cluster_member SET cluster = 1, base = 1, rank = face")
    assert conflicts(run(store)) == [("photo", one, other)]
    assert unnamed_groups(store) == {1: {*ada, one, other}}
    told(store, "same", one, other)
    assert not run(store).conflicts


@pytest.mark.parametrize("by_name", [False, True])
def test_a_pair_that_a_human_told_apart_is_not_told_of(store: Store, by_name: bool) -> None:
    ada = add(store, "ada", 0, range(5))
    one, other = together(store, b"twins.jpg", 50, 51)
    assert conflicts(run(store)) == [("photo", one, other)]
    if by_name:
        say(store, "is", ada[0], "Ada")
        told(store, "same", one, ada[0])
        say(store, "is-not", other, "Ada")
    else:
        told(store, "different", one, other)
    assert not run(store).conflicts


def test_a_pair_is_told_of_when_one_is_named_and_the_other_not(store: Store) -> None:
    ada = add(store, "ada", 0, range(5))
    one, other = together(store, b"mirror.jpg", 50, 51)
    for face in (*ada, one):
        say(store, "is", face, "Ada")
    assert conflicts(run(store)) == [("photo", one, other)]
    say(store, "is-not", other, "Ada")
    assert not run(store).conflicts
    undo(store)
    say(store, "is", other, "Ada")
    assert not run(store).conflicts


def test_nobody_is_whom_a_human_named_beside_them(store: Store) -> None:
    ada = add(store, "ada", 0, range(3))
    named, mate = together(store, b"mirror.jpg", 50, 51)
    say(store, "is", named, "Ada")
    for face in ada:
        told(store, "same", face, named)
    run(store)
    assert unnamed_groups(store) == {1: set(ada)}
    told(store, "same", mate, ada[0])  # unless a human says so
    run(store)
    assert unnamed_groups(store) == {1: {*ada, mate}}


def test_pairs_are_found_in_photos_with_many_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phototag.workflows.recognition.conflicts._PAIRS", 2)
    photos = np.array([7, 5, 7, 9, 5, 7, 7])
    found = sorted((int(a), int(b)) for one, two in _pairs_in_photos(photos) for a, b in zip(one, two, strict=True))
    assert found == [(0, 2), (0, 5), (0, 6), (1, 4), (2, 5), (2, 6), (5, 6)]
    assert list(_pairs_in_photos(np.zeros(0, np.int64))) == []


def test_poor_faces_join_groups_but_make_none(store: Store) -> None:
    ada, ben = add(store, "ada", 0, range(4)), add(store, "ben", 1, range(4))
    with store.write():
        for face in (*ben, ada[3]):
            store.run("UPDATE face SET quality = 0.05 WHERE id = ?", (face,))
    done = run(store)
    assert unnamed_groups(store) == {1: set(ada)}
    assert done.alone == 4


def test_a_burst_of_a_stranger_comes_after_the_family(store: Store) -> None:
    burst = [
        add_photo(store, b"burst%d.jpg" % second, [(Box(10, 10, 50, 50), face_of(0, second, 0.15))], taken_at=when)
        for second, when in enumerate(f"2019-07-14T18:03:{second:02}" for second in range(8))
    ]
    family = [
        add_photo(store, b"aunt%d.jpg" % day, [(Box(10, 10, 50, 50), face_of(1, day, 0.15))], taken_at=when)
        for day, when in enumerate(f"2019-07-{day:02}T18:03:00" for day in range(1, 4))
    ]
    run(store)
    photos = dict(store.rows("SELECT id, photo FROM face"))
    assert [{photos[face] for face in group.face_ids} for group in groups.unnamed(store)] == [set(family), set(burst)]


@pytest.mark.parametrize(("installed", "limit", "noted"), [(False, 2, True), (True, 2, False), (False, 10, False)])
def test_a_large_library_says_once_how_to_be_grouped_faster(
    store: Store, monkeypatch: pytest.MonkeyPatch, installed: bool, limit: int, noted: bool
) -> None:
    add(store, "ada", 0, range(3))
    monkeypatch.setattr("phototag.workflows.recognition.cluster.EXACT", limit)
    monkeypatch.setattr("phototag.workflows.recognition.cluster.index_available", lambda: installed)
    notes: list[str] = []
    progress = Silent()
    monkeypatch.setattr(progress, "note", notes.append)
    assert cluster_faces(store, progress).groups == 1
    assert ["pip install 'phototag[large]'" in note for note in notes] == [True] * noted
