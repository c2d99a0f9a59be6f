"""A run that is killed loses nothing, doubles nothing, and is finished by the next one.

`PHOTOTAG_TEST_KILLS` sets how often (6 by default; hundreds before a release).
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Demo, Run

KILLS = int(os.environ.get("PHOTOTAG_TEST_KILLS", "6"))


def contents(db: Path) -> list[Any]:
    """All that an index run stores, without row numbers and times."""
    connection = sqlite3.connect(db)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    return [
        connection.execute(query).fetchall()
        for query in (
            "SELECT q.path, q.size, q.mtime_ns, p.sha256, p.width, p.height, p.taken_at, q.state FROM file q"
            " LEFT JOIN photo p ON p.id = q.photo ORDER BY q.path",
            "SELECT p.path, f.x, f.y, f.w, f.h, f.score, f.present, c.jpeg, e.vector FROM face f JOIN file p"
            " ON p.photo = f.photo JOIN crop c ON c.face = f.id JOIN embedding e ON e.face = f.id ORDER BY 1, 2, 3",
            "SELECT p.path, d.faces FROM detection d JOIN file p ON p.photo = d.photo ORDER BY 1",
            "SELECT path, stage, code FROM problem ORDER BY 1, 2",
        )
    ]


def begin(db: Path, photos: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "phototag", "index", str(photos), "--db", str(db)],
        env={**environment, "PHOTOTAG_BATCH_PHOTOS": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_sigkill_at_any_moment(demo: Demo, phototag: Run, environment: dict[str, str], tmp_path: Path) -> None:
    photos = demo.folder / "photos"
    db = tmp_path / "killed.db"
    dice = random.Random(20)
    for _ in range(KILLS):
        running = begin(db, photos, environment)
        time.sleep(dice.uniform(0.2, 4.0))
        running.send_signal(signal.SIGKILL)
        running.wait()
        if db.exists() and db.stat().st_size:
            assert sqlite3.connect(db).execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert phototag("index", photos, "--db", db).returncode == 3
    whole = tmp_path / "whole.db"
    assert phototag("index", photos, "--db", whole).returncode == 3
    assert contents(db) == contents(whole)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_asked_to_stop(
    demo: Demo, phototag: Run, environment: dict[str, str], tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    photos = demo.folder / "photos"
    db = tmp_path / "stopped.db"
    running = begin(db, photos, environment)
    _wait_for_photos(db, 3)
    running.send_signal(sent)
    assert running.wait(timeout=60) == code
    done = sqlite3.connect(db).execute("SELECT count(*) FROM file WHERE state = 'done'").fetchone()[0]
    assert done >= 3
    assert sqlite3.connect(db).execute("SELECT max(attempts) FROM file").fetchone()[0] == 0
    assert phototag("index", photos, "--db", db).returncode == 3
    assert len(contents(db)[0]) == 30


def test_two_at_once(demo: Demo, environment: dict[str, str], phototag: Run, tmp_path: Path) -> None:
    photos = demo.folder / "photos"
    db = tmp_path / "two.db"
    both = [begin(db, photos, environment) for _ in range(2)]
    codes = sorted(run.wait(timeout=200) for run in both)
    assert codes in ([3, 3], [3, 11])
    whole = tmp_path / "whole.db"
    assert phototag("index", photos, "--db", whole).returncode == 3
    assert contents(db)[:3] == contents(whole)[:3]


def _wait_for_photos(db: Path, count: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        time.sleep(0.05)
        try:
            if sqlite3.connect(db).execute("SELECT count(*) FROM file WHERE state = 'done'").fetchone()[0] >= count:
                return
        except sqlite3.OperationalError:
            continue
    raise AssertionError("the run never got there")
