"""Commands and pages at work: who opens the database's files, and what becomes of a database that means ill."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from phototag.cli.main import _exit_code
from tests.store.test_layout import FOREIGN, digest, tamper
from tests.web.conftest import Library, make, unnamed_library

__all__ = ["unnamed_library"]

#: Runs commands, one a line of JSON, and prints which of the database's files Python opened.
WATCH = """
import json, os, sys
folder = os.path.realpath(sys.argv[1])
opened = []
def watch(event, arguments):
    if event in ("open", "shutil.copyfile", "os.truncate", "os.rename", "os.remove", "os.link"):
        for one in arguments:
            if isinstance(one, (str, bytes, os.PathLike)):
                path = os.path.realpath(os.fsdecode(one))
                if os.path.dirname(path) == folder and os.path.basename(path).startswith("library.db"):
                    opened.append((event, os.path.basename(path)))
sys.addaudithook(watch)
from phototag.cli.main import _exit_code
from phototag.store.connect import open_store
from pathlib import Path
codes = []
keep = None
for line in sys.stdin:
    codes.append(_exit_code(json.loads(line)))
    keep = keep or open_store(Path(folder, "library.db"))  # as in a program that has it open
print("RESULT", json.dumps([codes, opened]))
"""


@pytest.fixture
def library(unnamed_library: Library, tmp_path: Path) -> Library:
    db = tmp_path / "library.db"
    shutil.copyfile(unnamed_library.db, db)
    return Library(db, unnamed_library.faces)


def commands(db: Path, out: Path) -> list[list[str]]:
    """Most of what can be done without looking at a photo."""
    words = [
        ["status"], ["people", "list"], ["faces", "list"], ["name", "1", "Ada"], ["name", "13", "Ben"], ["cluster"],
        ["train"], ["tag"], ["audit"], ["history"], ["people", "rename", "Ada", "Adele"], ["undo"],
        ["people", "export", f"{out}/names.json"], ["people", "import", f"{out}/names.json"],
        ["report", f"{out}/album"], ["forget", "--missing", "--yes"],
        ["people", "forget", "Ben", "--yes", "--name-again", "Ben"],
    ]  # fmt: skip
    return [[*line, "--db", str(db)] for line in words]


def test_no_command_opens_the_files_of_the_database(library: Library, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    photos = tmp_path / "photos"
    photos.mkdir()
    lines = [*commands(library.db, tmp_path / "out"), ["index", str(photos), "--db", str(library.db)]]
    done = subprocess.run(
        [sys.executable, "-c", WATCH, tmp_path], input="\n".join(map(json.dumps, lines)),
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    [result] = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    codes, opened = json.loads(result.removeprefix("RESULT"))
    assert opened == []
    assert codes[:4] == [0, 0, 0, 0], done.stderr
    assert set(codes[:-1]) <= {0, 2, 17}, list(zip(codes, lines, strict=True))
    assert codes[-1] == 16  # its engines are not installed, which is told once everything is open


BAD = [
    "a trigger that empties the journal", "an endless view", "another column", "full text search", "a changed check",
]  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("case", BAD)
def test_every_command_refuses_a_database_that_another_program_changed(
    library: Library, tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    script, named = FOREIGN[case]
    before = tamper(library.db, script)
    (tmp_path / "out").mkdir()
    (tmp_path / "names.json").write_text("{}")
    for line in [
        *commands(library.db, tmp_path / "out"),
        ["index", str(tmp_path / "out"), "--db", str(library.db)],
        ["run", str(tmp_path / "out"), "--db", str(library.db)],
        ["name", "--db", str(library.db)],
        ["review", "--db", str(library.db)],
    ]:
        if line[:2] == ["people", "import"]:
            continue  # the file is read first, and there is none
        assert _exit_code(line) == 13, line
        told = capsys.readouterr().err
        assert named in told and "restore a backup" in told, told
        assert digest(library.db) == before
    assert not os.listdir(tmp_path / "out")
    assert sorted(file.name for file in tmp_path.glob("library.db*")) == ["library.db"]


def test_a_library_made_for_this_is_whole(tmp_path: Path) -> None:
    """The databases above are refused for what was done to them, not for how they were made."""
    library = make(tmp_path / "library.db", {"ada": (0, 0, 3)})
    assert _exit_code(["status", "--db", str(library.db)]) == 0
