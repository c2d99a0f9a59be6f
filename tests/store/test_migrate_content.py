"""Databases in which a photo was a place become ones in which it is content."""

from __future__ import annotations

from pathlib import Path

from phototag.store import embeddings, files, photos
from phototag.store.connect import open_store
from tests.support.databases import clean, old_database, say, who


def test_equal_files_become_one_photo_with_all_that_was_said_of_each(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with old_database(path, "0006-content") as old:
        old.executescript(
            "INSERT INTO library VALUES (1, '/photos', '/photos', 'online');"
            "INSERT INTO photo (id, library, path, path_text, size, mtime_ns, sha256, width, height, state) VALUES"
            " (1, 1, 'a.jpg', 'a.jpg', 9, 9, 'x', 90, 90, 'missing'),"
            " (2, 1, 'b.jpg', 'b.jpg', 9, 9, 'x', 90, 90, 'done'),"
            " (3, 1, 'c.jpg', 'c.jpg', 9, 9, 'y', 90, 90, 'done'),"
            " (4, 1, 'd.txt', 'd.txt', 9, 9, NULL, NULL, NULL, 'failed'),"
            " (5, 1, 'e.jpg', 'e.jpg', 9, 9, NULL, 90, 90, 'failed');"
            "INSERT INTO face (id, photo, x, y, w, h, score, quality, present) VALUES (1, 1, 1, 1, 9, 9, 1, 1, 1),"
            " (2, 1, 50, 1, 9, 9, 1, 1, 1), (3, 2, 1, 1, 9, 9, 1, 1, 1), (4, 3, 1, 1, 9, 9, 1, 1, 1),"
            " (5, 5, 1, 1, 9, 9, 1, 1, 1);"
            "INSERT INTO preview VALUES (1, X'01'), (2, X'02');"
            "INSERT INTO person (id, name, name_key, given) VALUES (1, 'Ada', 'ada', 'Ada'), (2, 'Ben', 'ben', 'Ben');"
            "INSERT INTO decision (id, at, origin, answer, verb, face, person) VALUES"
            " (1, '2020-01-01T00:00:00+00:00', 'typed', 1, 'is', 1, 1),"
            " (2, '2020-01-01T00:00:00+00:00', 'typed', 2, 'is', 2, 2),"
            " (3, '2020-01-01T00:00:00+00:00', 'typed', 3, 'is', 5, 1);"
        )
    with open_store(path) as store:
        assert clean(store)
        places = list(store.rows("SELECT CAST(path AS TEXT), photo, state FROM file ORDER BY path"))
        assert places == [
            ("a.jpg", 2, "missing"),
            ("b.jpg", 2, "done"),
            ("c.jpg", 3, "done"),
            ("d.txt", None, "failed"),
            ("e.jpg", None, "failed"),
        ]
        # Said of the missing copy: true of the one that is there, also the face that was drawn by hand.
        assert who(store) == {3: ("Ada", "human"), 2: ("Ben", "human"), 4: (None, None)}
        assert (photos.count(store), photos.count_away(store)) == (2, 1)  # nobody can read e.jpg any more
        assert photos.path_of(store, 5) == b"/photos/e.jpg"
        assert photos.preview(store, 2) == b"\x02"
        say(store, "is", 4, "Cy")
        assert embeddings.labelled(store, 1)[0] == []  # nothing was embedded
        assert files.counts(store) == {"missing": 1, "done": 2, "failed": 2}
    assert path.with_name("old.db.before-0006-content").exists()
