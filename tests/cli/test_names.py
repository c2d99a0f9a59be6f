"""Names at the command line: in any encoding, nearly somebody's, and read by nobody."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from phototag.store import people
from phototag.store.connect import open_store
from phototag.workflows.naming.name import name_faces
from tests.cli.conftest import Run
from tests.support.databases import add_face, unit

WHO = "Łucja Żółć 李"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "names.db"
    with open_store(path, create=True) as store:
        ids = [add_face(store, f"{number}-李.jpg".encode(), unit(number)) for number in range(1, 4)]
        add_face(store, b"caf\xe9.jpg", unit(1, 1))
        name_faces(store, ids[:1], WHO)
        name_faces(store, ids[1:2], "Courteney Cox")
    return path


def raw(environment: dict[str, str], *arguments: object, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "phototag", *map(os.fsencode, map(str, arguments))],
        capture_output=True, timeout=120, env={**environment, "PYTHONUTF8": "0", **more},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("iso-8859-1", "\\u0141ucja \\u017b\xf3\\u0142\\u0107 \\u674e"),
        ("cp1252", "\\u0141ucja \\u017b\xf3\\u0142\\u0107 \\u674e"),
        ("ascii", "\\u0141ucja \\u017b\\xf3\\u0142\\u0107 \\u674e"),
        ("utf-8", WHO),
    ],
)
def test_what_a_terminal_cannot_show_is_escaped(
    db: Path, environment: dict[str, str], encoding: str, shown: str
) -> None:
    more = {"PYTHONIOENCODING": encoding}
    for command in SHOWING:
        done = raw(environment, *command, "--db", db, **more)
        assert (done.returncode, done.stderr) == (0, b""), command
        assert shown in done.stdout.decode(encoding), command
    done = raw(environment, "people", "show", "李李", "--db", db, **more)
    assert done.returncode == 2
    assert ("李李" if encoding == "utf-8" else "\\u674e\\u674e") in done.stderr.decode(encoding)


SHOWING = [("people", "list"), ("people", "show", WHO), ("faces", "list"), ("history",)]


@pytest.mark.parametrize("encoding", ["iso-8859-1", "ascii"])
def test_what_is_for_programs_is_utf_8_always(db: Path, environment: dict[str, str], encoding: str) -> None:
    more = {"PYTHONIOENCODING": encoding}
    done = raw(environment, "faces", "list", "--csv", "--db", db, **more)
    assert (done.returncode, done.stderr) == (0, b"")
    rows = list(csv.reader(io.StringIO(done.stdout.decode("utf-8"), newline="")))
    assert rows[0][0] == "photo"
    assert {row[6] for row in rows[1:]} == {WHO, "Courteney Cox", ""}
    assert {Path(row[0]).name for row in rows[1:]} == {"1-李.jpg", "2-李.jpg", "3-李.jpg", "caf\\udce9.jpg"}
    for command in SHOWING:
        done = raw(environment, *command, "--json", "--db", db, **more)
        assert (done.returncode, done.stderr) == (0, b"")
        assert WHO in json.dumps(json.loads(done.stdout.decode("utf-8")), ensure_ascii=False)
    done = raw(environment, "people", "export", "-", "--db", db, **more)
    assert WHO in done.stdout.decode("utf-8")


def test_a_locale_without_letters(db: Path, environment: dict[str, str]) -> None:
    done = raw(environment, "people", "list", "--db", db, LC_ALL="C", PYTHONCOERCECLOCALE="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u0141ucja" in done.stdout
    done.stdout.decode("ascii")


@pytest.mark.parametrize("command", ["name", "faces"])
def test_bytes_that_are_no_text_are_refused(db: Path, environment: dict[str, str], command: str) -> None:
    words = ("faces", "is", "3") if command == "faces" else ("people", "rename", WHO)
    done = raw(environment, *words, os.fsdecode(b"Ren\xe9"), "--db", db, LC_ALL="C.UTF-8")
    assert done.returncode == 2
    assert b"Ren\\xe9 is not text in UTF-8" in done.stderr
    with open_store(db) as store:
        assert people.names(store) == ["Courteney Cox", WHO]


def test_nobody_reads_on(db: Path, environment: dict[str, str]) -> None:
    """`phototag … | head -1`, with less or more to say than a pipe holds."""
    with open_store(db) as store:
        ids = [add_face(store, b"%d.jpg" % number, unit(2, number)) for number in range(900)]
        for face in ids[:40]:
            name_faces(store, [face], f"Somebody {face}")
    for command in ("people list", "faces list", "faces list --json", "faces list --csv", "history", "--help"):
        done = subprocess.run(
            ["bash", "-c", f'"$0" -m phototag {command} {"" if command == "--help" else "--db"} "$1" | head -c 1;'
             ' echo " ${PIPESTATUS[0]}"', sys.executable, "" if command == "--help" else str(db)],
            capture_output=True, text=True, env=environment, timeout=120,
        )  # fmt: skip
        assert done.stdout.endswith(" 0\n"), (command, done)
        assert done.stderr == "", command
    closed = subprocess.run(
        ["bash", "-c", '{ "$0" -m phototag people list --db "$1"; echo $? >&2; } | true', sys.executable, str(db)],
        capture_output=True, text=True, env=environment, timeout=120,
    )  # fmt: skip
    assert closed.stderr == "0\n"


def test_a_near_name_is_refused_where_nobody_can_be_asked(db: Path, phototag: Run) -> None:
    with open_store(db) as store:
        other = add_face(store, b"other.jpg", unit(1))
    for words in (("is", 3, "Courtney Cox"), ("is", 3, "cox, courteney")):
        done = phototag("faces", *words, "--no-tag", "--db", db)
        assert done.returncode == 2
        assert "is nearly Courteney Cox" in done.stderr
        assert "--new" in done.stderr
    done = phototag("people", "split", WHO, "--face", 1, "--as", "Courtney Cox", "--no-tag", "--db", db)
    assert done.returncode == 2
    with open_store(db) as store:
        assert people.names(store) == ["Courteney Cox", WHO]
    assert phototag("faces", "is", 3, "courteney\u200b COX", "--no-tag", "--db", db).returncode == 0
    assert phototag("faces", "is", other, "Courtney Cox", "--new", "--no-tag", "--db", db).returncode == 0
    with open_store(db) as store:
        assert people.names(store) == ["Courteney Cox", "Courtney Cox", WHO]


@contextmanager
def terminal(environment: dict[str, str], *arguments: object) -> Iterator[pexpect.spawn]:
    child = pexpect.spawn(
        sys.executable, ["-m", "phototag", *map(str, arguments)],
        env=environment, encoding="utf-8", dimensions=(40, 110), timeout=20,
    )  # fmt: skip
    try:
        yield child
    finally:
        child.close(force=True)


@pytest.mark.parametrize(("key", "who"), [("\r", "Courteney Cox"), ("n", "Courtney Cox"), ("\x03", None)])
def test_whoever_sits_at_a_terminal_is_asked(db: Path, environment: dict[str, str], key: str, who: str | None) -> None:
    with terminal(environment, "faces", "is", 3, "Courtney Cox", "--no-tag", "--db", db) as child:
        child.expect(r"Did you mean Courteney Cox\? \[Enter\] yes / \[n\] new person")
        child.send(key)
        child.expect(f"Face 3 is {who}" if who else "stopped")
        child.expect(pexpect.EOF)
    with open_store(db) as store:
        assert people.names(store) == sorted({"Courteney Cox", who or "Courteney Cox", WHO})


@pytest.mark.parametrize(("key", "names"), [("\r", {"Grace Hopper"}), ("n", {"Grace Hopper", "Grace Hoper"})])
def test_the_interview_asks_too(
    indexed: Path, environment: dict[str, str], phototag: Run, key: str, names: set[str]
) -> None:
    phototag("name", 1, "Grace Hopper", "--no-tag", "--db", indexed)
    with terminal(environment, "name", "--no-images", "--no-tag", "--db", indexed) as child:
        child.expect(r"\[q\] quit")
        child.send("n")
        child.expect("name:")
        child.send("Grace Hoper\r")
        child.expect(r"Did you mean Grace Hopper\?")
        child.send("\x1b")  # neither
        child.expect(r"\[q\] quit")
        child.send("n")
        child.expect("name:")
        child.send("Grace Hoper\r")
        child.expect(r"Did you mean Grace Hopper\?")
        child.send(key)
        child.expect("saved as Grace Hop")
        child.expect(r"(\[q\] quit|all saved)")
    with open_store(indexed) as store:
        assert set(people.names(store)) == names
