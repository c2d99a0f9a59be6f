"""Groups that last: what new photos, answers and gates change in them, and what they don't."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.progress import Silent
from phototag.store import clusters, decisions, engines, people
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.types import Box, EngineInfo, Vectors
from phototag.workflows.cluster import Clustered, Conflict, cluster_faces
from phototag.workflows.name import undo_last
from tests.store.build import EMBEDDER, add_face, add_photo, say, unit


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


def groups(store: Store) -> dict[int, set[int]]:
    return {group.number: set(group.face_ids) for group in clusters.unnamed(store)}


def told(store: Store, verb: str, face: int, other: int) -> None:
    with store.write():
        decisions.record(store, [Decision(verb, face, other_face=other)], "reviewed")  # type: ignore[arg-type]


# --- stable ---


def test_new_faces_join_the_groups_that_there_are(store: Store) -> None:
    ada, ben = add(store, "ada", 0, range(3)), add(store, "ben", 1, range(5))
    first = run(store)
    assert (first.groups, first.founded, first.joined, first.moved) == (2, 2, 0, 0)
    assert groups(store) == {1: set(ben), 2: set(ada)}
    more, cy = add(store, "ada", 0, range(3, 9)), add(store, "cy", 2, range(2))
    done = run(store)
    assert (done.groups, done.founded, done.joined, done.moved) == (3, 1, 6, 0)
    assert groups(store) == {1: set(ben), 2: {*ada, *more}, 3: set(cy)}  # the largest group is still number 2
    assert run(store) == Clustered(16, 3, 0, 0, 0, 0)
    assert run(store, from_scratch=True).moved == 0
    assert groups(store) == {1: {*ada, *more}, 2: set(ben), 3: set(cy)}


def test_numbers_are_never_used_again(store: Store) -> None:
    ada = add(store, "ada", 0, range(3))
    run(store)
    for face in ada:
        say(store, "is", face, "Ada")
    ben = add(store, "ben", 1, range(2))
    run(store)
    assert groups(store) == {2: set(ben)}
    for _ in ada:
        undo_last(store)
    assert groups(store) == {1: set(ada), 2: set(ben)}
    run(store)
    assert groups(store) == {1: set(ada), 2: set(ben)}


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
    assert groups(store) == {1: set(ada[:2])}


def test_a_preview_changes_nothing(store: Store) -> None:
    ada = add(store, "ada", 0, range(3))
    assert run(store, preview=True).groups == 1
    assert not clusters.exists(store)
    run(store)
    add(store, "ada", 0, range(3, 5))
    add(store, "ben", 1, range(2))
    before = list(store.rows("SELECT * FROM cluster_member")), list(store.rows("SELECT * FROM clustering"))
    done = run(store, preview=True)
    assert (done.joined, done.founded, done.moved) == (2, 1, 0)
    assert groups(store) == {1: set(ada)}
    assert before == (list(store.rows("SELECT * FROM cluster_member")), list(store.rows("SELECT * FROM clustering")))
    assert run(store) == done


def test_from_scratch_says_who_is_in_other_company(store: Store) -> None:
    ada = add(store, "ada", 0, range(4))
    run(store)
    with store.write():
        store.run("UPDATE cluster_member SET cluster = 7 WHERE face = ?", (ada[0],))
    done = run(store, from_scratch=True, preview=True)
    assert (done.moved, done.joined) == (4, 0)
    assert run(store).moved == 0  # without it, groups stay as they are


# --- what humans said ---


def test_named_faces_are_left_alone(store: Store) -> None:
    ada = add(store, "ada", 0, range(6))
    say(store, "is", ada[0], "Ada")
    say(store, "not-a-face", ada[1])
    say(store, "dont-care", ada[2])
    for flags in ({}, {"from_scratch": True}, {}):
        assert run(store, **flags).faces == 3
        assert groups(store) == {1: set(ada[3:])}


@pytest.mark.parametrize("scratch", [False, True])
def test_different_people_are_separated_and_the_same_united(store: Store, scratch: bool) -> None:
    ada, ben, cy = (add(store, who, person, range(4)) for person, who in enumerate(("ada", "ben", "cy")))
    run(store)
    told(store, "different", ada[0], ada[1])
    told(store, "same", ben[0], cy[2])
    for flags in ({"from_scratch": scratch}, {}, {"from_scratch": scratch}):
        assert not run(store, **flags).conflicts
        found = {face: number for number, members in groups(store).items() for face in members}
        assert found.get(ada[0], -1) != found.get(ada[1], -2)
        assert found[ben[0]] == found[cy[2]]
    undo_last(store)
    undo_last(store)
    run(store, from_scratch=True)
    assert sorted(map(len, groups(store).values())) == [4, 4, 4]


def test_the_latest_answer_holds_and_the_other_is_listed(store: Store) -> None:
    ada, ben = add(store, "ada", 0, range(3)), add(store, "ben", 1, range(3))
    told(store, "same", ada[0], ben[0])
    told(store, "different", ada[0], ben[0])
    done = run(store)
    assert done.conflicts == (Conflict("answers", ada[0], ben[0]),)
    assert sorted(groups(store).values(), key=min) == [set(ada), set(ben)]
    told(store, "same", ada[0], ben[0])
    assert run(store).conflicts == (Conflict("answers", ada[0], ben[0]),)
    assert {ada[0], ben[0]} <= next(iter(groups(store).values()))


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
    found = {face: number for number, members in groups(store).items() for face in members}
    assert found.get(ada[2], -1) != found.get(ada[3], -2)  # one is Ada, the other Eve
    assert found.get(ada[3], -1) != found.get(ada[4], -2)


# --- photos ---


def test_two_faces_of_a_photo_are_kept_apart_and_told_of(store: Store) -> None:
    ada = add(store, "ada", 0, range(5))
    boxes = Box(10, 10, 50, 50), Box(100, 10, 50, 50)
    photo = add_photo(store, b"mirror.jpg", [(boxes[0], face_of(0, 50)), (boxes[1], face_of(0, 51))])
    one, other = (row[0] for row in store.rows("SELECT id FROM face WHERE photo = ? ORDER BY id", (photo,)))
    for scratch in (False, True):
        done = run(store, from_scratch=scratch)
        assert done.conflicts == (Conflict("one photo", one, other),)
        [members] = groups(store).values()
        assert set(ada) < members
        assert len(members & {one, other}) == 1
    told(store, "same", one, other)
    assert not run(store).conflicts
    assert groups(store) == {1: {*ada, one, other}}


def test_poor_faces_join_groups_but_make_none(store: Store) -> None:
    ada, ben = add(store, "ada", 0, range(4)), add(store, "ben", 1, range(4))
    with store.write():
        for face in (*ben, ada[3]):
            store.run("UPDATE face SET quality = 0.05 WHERE id = ?", (face,))
    done = run(store)
    assert groups(store) == {1: set(ada)}
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
    assert [{photos[face] for face in group.face_ids} for group in clusters.unnamed(store)] == [set(family), set(burst)]
