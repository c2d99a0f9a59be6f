"""`phototag cluster`: what it says, and what it leaves as it is."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from tests.cli.conftest import Run


def members(db: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(db) as connection:
        return connection.execute("SELECT * FROM cluster_member ORDER BY face").fetchall()


def test_new_faces_join_and_a_preview_says_so(phototag: Run, indexed: Path) -> None:
    before = members(indexed)
    with sqlite3.connect(indexed) as connection:  # as if one face of a group had been indexed only now
        face = connection.execute("SELECT face FROM cluster_member WHERE cluster = 1 ORDER BY rank").fetchone()[0]
        connection.execute("DELETE FROM cluster_member WHERE face = ?", (face,))
    without = members(indexed)
    done = phototag("cluster", "--preview", "--db", indexed)
    assert done.returncode == 0, done.stderr
    assert "1 face joined a group that was there before, 0 groups new, 0 faces in other company." in done.stdout
    assert "nothing was changed" in done.stdout
    assert members(indexed) == without
    done = phototag("cluster", "--json", "--db", indexed)
    told = json.loads(done.stdout)
    assert (told["joined"], told["founded"], told["moved"], told["preview"]) == (1, 0, 0, False)
    assert [row[:2] for row in members(indexed)] == [row[:2] for row in before]


def test_from_scratch_numbers_groups_anew(phototag: Run, indexed: Path) -> None:
    with sqlite3.connect(indexed) as connection:
        connection.execute("UPDATE cluster_member SET cluster = cluster + 40")
    assert json.loads(phototag("cluster", "--json", "--db", indexed).stdout)["groups"] >= 2
    assert min(row[1] for row in members(indexed) if row[1] is not None) > 40
    told = json.loads(phototag("cluster", "--from-scratch", "--json", "--db", indexed).stdout)
    assert told["moved"] == 0
    assert min(row[1] for row in members(indexed) if row[1] is not None) == 1
