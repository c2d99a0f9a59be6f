"""Faces keep their ids, and with them what was said about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from phototag.errors import DatabaseDamagedError
from phototag.store import embeddings, engines, face_places, faces, files, photos
from phototag.store.connect import Store
from phototag.types import Box, EngineInfo, Vectors
from tests.support.databases import (
    DETECTOR,
    EMBEDDER,
    add_face,
    add_photo,
    clean,
    new_face,
    say,
    unit,
    who,
)

LEFT, RIGHT = Box(10, 10, 50, 50), Box(200, 10, 50, 50)


def look_again(
    store: Store,
    photo: int,
    found: Sequence[tuple[Box, Vectors]],
    detector: EngineInfo = DETECTOR,
    embedder: EngineInfo = EMBEDDER,
) -> None:
    with store.write():
        rows = [new_face(*face) for face in found]
        detector_id, embedder_id = engines_of(store, detector, embedder)
        face_places.replace(store, photo, detector_id, embedder_id, rows, b"small")


def engines_of(store: Store, *infos: EngineInfo) -> list[int]:
    return [
        int(
            store.value("SELECT id FROM engine WHERE name = ? AND weights_sha256 = ?", (info.name, info.weights_sha256))
        )
        for info in infos
    ]


def rows(store: Store) -> dict[int, tuple[float, int]]:
    """Face → (x, present)."""
    return {row[0]: (row[1], row[2]) for row in store.rows("SELECT id, x, present FROM face")}


def test_a_face_found_at_its_old_place_keeps_its_id(store: Store) -> None:
    photo = add_photo(store, b"a.jpg", [(LEFT, unit(1)), (RIGHT, unit(0, 1))])
    left, right = rows(store)
    say(store, "is", left, "Ada")
    look_again(store, photo, [(Box(205, 15, 50, 50), unit(0, 1, 0.1)), (Box(14, 10, 52, 50), unit(1, 0.1))])
    assert rows(store) == {left: (14.0, 1), right: (205.0, 1)}
    assert who(store) == {left: ("Ada", "human"), right: (None, None)}
    ids, vectors = embeddings.vectors(store, 2, where="all")
    assert ids == [left, right]
    assert np.allclose(vectors, [unit(1, 0.1), unit(0, 1, 0.1)])  # the new ones
    assert faces.crop(store, left) == new_face(LEFT, unit(1, 0.1)).jpeg
    assert photos.preview(store, photo) == b"small"


def test_the_best_overlap_wins(store: Store) -> None:
    photo = add_photo(store, b"a.jpg", [(Box(0, 0, 100, 100), unit(1)), (Box(30, 0, 100, 100), unit(0, 1))])
    first, second = rows(store)
    look_again(store, photo, [(Box(25, 0, 100, 100), unit(0, 1)), (Box(0, 0, 100, 100), unit(1))])
    assert rows(store) == {first: (0.0, 1), second: (25.0, 1)}


def test_too_little_overlap_is_another_face(store: Store) -> None:
    photo = add_photo(store, b"a.jpg", [(Box(0, 0, 100, 100), unit(1))])
    [old] = rows(store)
    look_again(store, photo, [(Box(45, 0, 100, 100), unit(1))])  # IoU 0.38
    new = max(rows(store))
    assert rows(store) == {old: (0.0, 0), new: (45.0, 1)}
    assert who(store) == {new: (None, None)}
    look_again(store, photo, [(Box(0, 0, 100, 100), unit(1))])  # back where it was: the old id comes back
    assert rows(store) == {old: (0.0, 1), new: (45.0, 0)}


def test_what_is_not_found_again_is_kept_only_if_a_human_named_it(store: Store) -> None:
    boxes = [Box(100 * number, 10, 50, 50) for number in range(5)]
    photo = add_photo(store, b"a.jpg", [(box, unit(1, number)) for number, box in enumerate(boxes)])
    named, ignored, hidden, undone, unknown = rows(store)
    say(store, "is", named, "Ada")
    say(store, "dont-care", ignored)
    say(store, "not-a-face", hidden)
    say(store, "is", undone, "Ben")
    say(store, "is-not", undone, "Ben")
    look_again(store, photo, [])
    assert [present for _, present in rows(store).values()] == [1, 1, 0, 0, 0]
    assert who(store) == {named: ("Ada", "human"), ignored: (None, None)}
    assert unknown in rows(store)
    assert clean(store)


def test_a_photo_is_seen_by_the_engines_that_looked_last(store: Store) -> None:
    other = EngineInfo("detector", "circles", "c" * 64)
    other_embedder = EngineInfo("embedder", "tastes", "f" * 64, dim=8, thresholds=EMBEDDER.thresholds)
    photo = add_photo(store, b"a.jpg", [(LEFT, unit(1))])
    [face] = rows(store)
    say(store, "is", face, "Ada")
    for info in (other, other_embedder):
        engines.register(store, info)

    def seen(detector: EngineInfo, embedder: EngineInfo) -> bool:
        ids = engines_of(store, detector, embedder)
        assert files.known(store, 1, *ids)[b"a.jpg"].analyzed == (photos.analyzed(store, sha, *ids) == photo)
        return files.known(store, 1, *ids)[b"a.jpg"].analyzed

    sha = str(photos.sha256(store, photo))
    assert seen(DETECTOR, EMBEDDER)
    assert not seen(other, EMBEDDER)
    assert not seen(DETECTOR, other_embedder)
    look_again(store, photo, [], other, other_embedder)  # Ada's face is kept, though nobody embedded it anew
    assert seen(other, other_embedder)
    assert not seen(DETECTOR, EMBEDDER)


@pytest.mark.parametrize("vector", [np.zeros(8), np.full(8, np.nan), np.full(8, np.inf), np.ones(8)])
def test_vectors_that_mean_nothing_are_refused(store: Store, vector: Vectors) -> None:
    photo = add_photo(store, b"a.jpg", [(LEFT, unit(1))])
    before = list(store.rows("SELECT * FROM face")), list(store.rows("SELECT * FROM embedding"))
    with pytest.raises(ValueError, match="unit length"):
        look_again(store, photo, [(RIGHT, unit(1)), (LEFT, vector.astype(np.float32))])
    assert before == (list(store.rows("SELECT * FROM face")), list(store.rows("SELECT * FROM embedding")))


def test_damaged_vectors_are_said_so(store: Store) -> None:
    face = add_face(store, b"a.jpg", unit(1))
    say(store, "is", face, "Ada")
    not_a_number = b"\0\0\xc0\x7f"
    for damaged in (bytes(8), not_a_number + bytes(28)):
        with store.write():
            store.run("UPDATE embedding SET dim = ?, vector = ?", (len(damaged) // 4, damaged))
        for read in (lambda: embeddings.vectors(store, 2, where="all"), lambda: embeddings.labelled(store, 2)):
            with pytest.raises(DatabaseDamagedError):
                read()


def test_vectors_and_labels_round_trip(store: Store) -> None:
    ids = [add_face(store, b"%d.jpg" % number, unit(number, 1)) for number in range(4)]
    say(store, "is", ids[2], "Ada")
    say(store, "dont-care", ids[3])
    unlabelled, vectors = embeddings.vectors(store, 2)
    assert unlabelled == ids[:2]
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, [unit(0, 1), unit(1, 1)])
    assert embeddings.vectors(store, 2, where="all")[0] == ids
    named, persons, vectors = embeddings.labelled(store, 2)
    assert (named, persons) == ([ids[2]], [1])
    assert np.array_equal(vectors, [unit(2, 1)])
    none, empty = embeddings.vectors(store, 1)  # a detector has none
    assert (none, empty.shape) == ([], (0, 0))


def test_labels_of_faces_that_are_good_enough(store: Store) -> None:
    ids = [add_face(store, b"%d.jpg" % number, unit(number, 1)) for number in range(7)]
    people = ["Ada", "Ada", "Ada", "Ben", "Ben", "Cy"]
    for face, name in zip(ids, people, strict=False):
        say(store, "is", face, name)
    with store.write():
        for face, quality in zip(ids, (0.1, 0.3, 0.9, 0.1, 0.2, 0.3, 0.9), strict=True):
            store.run("UPDATE face SET quality = ? WHERE id = ?", (quality, face))
    named, persons, vectors = embeddings.labelled(store, 2, least=0.3)
    assert named == [ids[1], ids[2], ids[3], ids[4], ids[5]]  # Ben has none so good, and keeps all of his
    assert persons == [1, 1, 2, 2, 3]
    assert np.array_equal(vectors, [unit(number, 1) for number in (1, 2, 3, 4, 5)])
    assert embeddings.labelled(store, 2)[0] == ids[:6]


# --- versions of a photo ---


def test_what_is_said_of_one_version_holds_for_all(store: Store) -> None:
    add_photo(store, b"a.jpg", [(LEFT, unit(1)), (RIGHT, unit(0, 1))])
    left, right = rows(store)
    say(store, "is", left, "Ada")
    edited = add_photo(store, b"b.jpg")
    with store.write():
        again = [replace(new_face(box, unit(1)), subject=face) for box, face in ((LEFT, left), (RIGHT, right))]
        face_places.replace(store, edited, 1, 2, again, b"small")
    one, two = sorted(rows(store).keys() - {left, right})
    assert who(store) == {left: ("Ada", "human"), one: ("Ada", "human"), right: (None, None), two: (None, None)}
    say(store, "is", two, "Ben")  # of the later version
    assert who(store)[right] == ("Ben", "human")
    say(store, "is-not", one, "Ada")
    assert who(store)[left] == (None, None)
    assert embeddings.labelled(store, 2)[0] == [right, two]
    assert clean(store)
