"""Groups as they are kept."""

from __future__ import annotations

from pathlib import Path

from phototag.store import engines, groups
from phototag.store.connect import Store, open_store
from phototag.store.groups import BaseGroups, NewClustering
from phototag.types import Group
from tests.support.databases import EMBEDDER, add_face, clean, old_database, say, unit


def test_the_last_grouping_tells_who_took_part(store: Store) -> None:
    ids = [add_face(store, b"%d.jpg" % number, unit(1)) for number in range(6)]
    embedder = engines.register(store, EMBEDDER)
    assert groups.current(store) is None
    found = [Group(4, (ids[1], ids[0])), Group(2, (ids[2], ids[3]))]
    base = BaseGroups({ids[4]: None, ids[1]: 1, ids[0]: 1, ids[5]: 2}, {ids[0]: 0, ids[1]: 3, ids[4]: 2, ids[5]: 0})
    groups.swap(store, NewClustering(embedder, {}, found, alone=ids[4:5], base=base, next_number=9))
    current = groups.current(store)
    assert current
    assert (current.embedder, current.next_number) == (embedder, 9)
    took_part = [(ids[4], None), (ids[5], None), (ids[2], 2), (ids[3], 2), (ids[1], 4), (ids[0], 4)]
    assert list(current.groups.items()) == took_part
    assert current.base == base
    assert [group.number for group in groups.unnamed(store)] == [2, 4]
    groups.swap(store, NewClustering(embedder, {}, [Group(12, tuple(ids[:2]))]))
    current = groups.current(store)
    assert current
    assert current.next_number == 13


def test_labelled_faces_keep_their_groups(store: Store) -> None:
    ids = [add_face(store, b"%d.jpg" % number, unit(1)) for number in range(4)]
    embedder = engines.register(store, EMBEDDER)
    groups.swap(store, NewClustering(embedder, {}, [Group(1, tuple(ids))]))
    say(store, "is", ids[0], "Ada")
    groups.swap(store, NewClustering(embedder, {}, [Group(2, (ids[1], ids[2]))]))
    current = groups.current(store)
    assert current
    assert current.groups == {ids[0]: 1, ids[1]: 2, ids[2]: 2}


def test_groups_rank_by_appearances_then_by_faces(store: Store) -> None:
    ids = [add_face(store, b"%02d.jpg" % number, unit(1)) for number in range(12)]
    found = [Group(1, tuple(ids[:5])), Group(2, tuple(ids[5:8])), Group(3, tuple(ids[8:]))]
    once = dict.fromkeys(ids[:5], 0)
    twice = {ids[8]: 0, ids[9]: 0, ids[10]: 1, ids[11]: 2}
    groups.swap(store, NewClustering(engines.register(store, EMBEDDER), {}, found, appearance={**once, **twice}))
    assert [group.number for group in groups.unnamed(store)] == [3, 2, 1]
    assert [group.appearances for group in groups.unnamed(store)] == [3, 3, 1]
    say(store, "is", ids[10], "Ada")  # an appearance less
    assert [group.number for group in groups.unnamed(store)] == [2, 3, 1]


def test_faces_that_are_not_clear_are_there_but_do_not_count(store: Store) -> None:
    ids = [add_face(store, b"%02d.jpg" % number, unit(1)) for number in range(9)]
    found = [Group(1, tuple(ids[:4])), Group(2, tuple(ids[4:7])), Group(3, tuple(ids[7:]))]
    groups.swap(store, NewClustering(engines.register(store, EMBEDDER), {}, found))
    with store.write():
        for face in (*ids[1:4], *ids[7:]):
            store.run("UPDATE face SET quality = 0.1 WHERE id = ?", (face,))
    assert [(group.number, group.appearances) for group in groups.unnamed(store)] == [(1, 4), (2, 3), (3, 2)]
    clear = list(groups.unnamed(store, clear=0.15))
    assert [(group.number, group.appearances) for group in clear] == [(2, 3), (1, 1), (3, 0)]
    assert [group.face_ids for group in clear] == [tuple(ids[4:7]), tuple(ids[:4]), tuple(ids[7:])]


def test_a_face_is_seen_in_a_photo(store: Store) -> None:
    ids = [add_face(store, b"%d.jpg" % number, unit(1)) for number in range(5)]
    say(store, "dont-care", ids[2])
    say(store, "is", ids[3], "Ada")
    say(store, "not-a-face", ids[4])
    with store.write():
        store.run(
            "UPDATE photo SET taken_at = '2019-07-14T18:03:22' WHERE id = (SELECT photo FROM file WHERE path = ?)",
            (b"1.jpg",),
        )
    photos = dict(store.rows("SELECT id, photo FROM face"))
    assert groups.sightings(store) == {
        ids[0]: groups.Sighting(photos[ids[0]], None, 0.5),
        ids[1]: groups.Sighting(photos[ids[1]], "2019-07-14T18:03:22", 0.5),
        ids[3]: groups.Sighting(photos[ids[3]], None, 0.5, store.value("SELECT id FROM person")),
    }


def test_groups_of_before_are_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with old_database(path, "0002-lasting-groups") as old:
        old.executescript(
            "INSERT INTO library VALUES (1, '/photos', '/photos', 'online');"
            "INSERT INTO engine VALUES (1, 'embedder', 'colours', 'e', '{}', 8, NULL, 1);"
        )
        embedder, ids = 1, [1, 2, 3]
        for face in ids:
            old.execute(
                "INSERT INTO photo (id, library, path, path_text, size, mtime_ns, sha256, state)"
                " VALUES (?, 1, ?, '', 1, 1, ?, 'done')",
                (face, b"%d" % face, f"{face:064}"),
            )
            old.execute(
                "INSERT INTO face (id, photo, x, y, w, h, score, quality) VALUES (?, ?, 1, 1, 9, 9, 1, 1)", (face, face)
            )
        old.execute("INSERT INTO clustering VALUES (1, '2020-01-01', ?, '{}')", (embedder,))
        old.executemany("INSERT INTO cluster_member VALUES (?, ?, ?)", [(ids[0], 6, 1), (ids[2], 6, 0)])
    with open_store(path) as store:
        assert clean(store)
        assert groups.current(store) == groups.Clustering(
            embedder,
            {},
            7,
            {ids[2]: 6, ids[0]: 6},
            BaseGroups({ids[2]: 6, ids[0]: 6}, {ids[2]: 0, ids[0]: 0}),
        )
        assert [group.face_ids for group in groups.unnamed(store)] == [(ids[2], ids[0])]
    assert path.with_name("old.db.before-0002-lasting-groups").exists()
