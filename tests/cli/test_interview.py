"""The naming interview, driven through a pseudo-terminal as a person would."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pexpect
import pytest

from phototag.cli.interview import interview as interview_in_process
from phototag.errors import DatabaseLockedError
from phototag.store.connect import open_store
from phototag.workflows.naming.interview import InterviewSession
from phototag.workflows.recognition.background import Tagger
from tests.cli.conftest import Run
from tests.workflows.test_people import add_faces


@contextmanager
def interview(db: Path, environment: dict[str, str], *flags: str) -> Iterator[pexpect.spawn]:
    child = pexpect.spawn(
        sys.executable, ["-m", "phototag", "name", *flags, "--db", str(db)],
        env=environment, encoding="utf-8", dimensions=(40, 110), timeout=15,
    )  # fmt: skip
    try:
        yield child
    finally:
        child.close(force=True)


def people(phototag: Run, db: Path) -> dict[str, int]:
    """Names that a human gave to at least one face, and to how many."""
    rows = json.loads(phototag("people", "list", "--json", "--db", db).stdout)
    return {row["name"]: row["confirmed"] for row in rows if row["confirmed"]}


@pytest.mark.parametrize("flags", [(), ("--no-images",)], ids=["pictures", "no pictures"])
def test_naming_both_groups(indexed: Path, environment: dict[str, str], phototag: Run, flags: tuple[str, ...]) -> None:
    with interview(indexed, environment, *flags) as terminal:
        terminal.expect(r"0 % of \d+ faces named, 0 answers")
        if not flags:
            terminal.expect("▀")
            terminal.expect(r" 1 +2 +3")
        terminal.expect(r"\[q\] quit")
        terminal.send("n")
        terminal.expect("name:")
        terminal.send("Grace Hopper\r")
        terminal.expect("saved as Grace Hopper")
        assert people(phototag, indexed)["Grace Hopper"] > 5  # saved before the next question is answered
        terminal.expect(r"named, 1 answer")
        terminal.expect(r"\[q\] quit")
        terminal.send("\r")
        terminal.expect("name:")
        terminal.send("Eileen\r")
        terminal.expect("Nothing is left to ask")
        terminal.expect("named, 2 answers; all saved")
        terminal.expect(pexpect.EOF)
    assert set(people(phototag, indexed)) == {"Grace Hopper", "Eileen"}


def test_skip_undo_dismiss_quit(indexed: Path, environment: dict[str, str], phototag: Run) -> None:
    with interview(indexed, environment, "--no-images") as terminal:
        terminal.expect("0 answers")
        terminal.expect(r"Who is this\? group (\d+), \d+ faces")
        first = terminal.match[1]
        terminal.expect(r"\[q\] quit")
        terminal.send("s")
        terminal.expect(r"Who is this\? group (\d+), \d+ faces")
        assert terminal.match[1] != first
        terminal.expect(r"\[q\] quit")
        terminal.send("d")
        terminal.expect(f"Who is this\\? group {first}, ")  # what was skipped comes last
        terminal.expect(r"\[q\] quit")
        terminal.send("q")
        terminal.expect(pexpect.EOF)
    status = json.loads(phototag("status", "--json", "--db", indexed).stdout)
    assert status["groups"] == 1
    with interview(indexed, environment, "--no-images") as terminal:
        terminal.expect(r"\[q\] quit")
        terminal.send("u")
        terminal.expect("Undid answer")
        terminal.expect(r"\[q\] quit")
        terminal.send("x")
        terminal.expect(r"\[q\] quit")
        terminal.send("q")
        terminal.expect(pexpect.EOF)
    after = json.loads(phototag("status", "--json", "--db", indexed).stdout)
    assert after["groups"] == 1
    assert after["faces"] < status["faces"]  # what is not a face is shown no more


def test_known_names_are_offered(indexed: Path, environment: dict[str, str], phototag: Run) -> None:
    phototag("name", 1, "Grace Brewster Hopper", "--db", indexed)
    with interview(indexed, environment, "--no-images") as terminal:
        terminal.expect(r"\[q\] quit")
        terminal.send("n")
        terminal.expect("name:")
        terminal.send("gra")
        terminal.expect("Brewster")
        terminal.send("\t\r")
        terminal.expect("saved as Grace Brewster Hopper")
        terminal.expect("Which of these is not Grace Brewster Hopper")  # two groups that look like two people
        terminal.expect(r"\[q\] quit")
        terminal.send("q")
        terminal.expect(pexpect.EOF)
    assert len(people(phototag, indexed)) == 1


def test_ctrl_c_leaves_what_was_answered(indexed: Path, environment: dict[str, str], phototag: Run) -> None:
    with interview(indexed, environment, "--no-images") as terminal:
        terminal.expect(r"\[q\] quit")
        terminal.send("n")
        terminal.expect("name:")
        terminal.send("Grace\r")
        terminal.expect("named, 1 answer")
        terminal.expect(r"\[q\] quit")
        terminal.sendintr()
        terminal.expect(pexpect.EOF)
    assert list(people(phototag, indexed)) == ["Grace"]


def test_who_is_left_out_and_where_strangers_begin(indexed: Path, environment: dict[str, str], phototag: Run) -> None:
    with sqlite3.connect(indexed) as connection:
        faces = [row[0] for row in connection.execute("SELECT face FROM cluster_member WHERE cluster = 1")]
        connection.execute(
            "UPDATE photo SET taken_at = '2019-07-14T18:03:22' WHERE id IN"
            " (SELECT f.photo FROM face f JOIN cluster_member m ON m.face = f.id WHERE m.cluster = 2)"
        )
    phototag("cluster", "--db", indexed)
    phototag("faces", "is", faces[0], "Grace", "--no-tag", "--db", indexed)
    phototag("faces", "not", faces[1], "Grace", "--no-tag", "--db", indexed)
    with interview(indexed, environment, "--no-images", "--no-tag") as terminal:
        terminal.expect(r"Is this also Grace\? |Who is this\? ")
        terminal.expect(r"\[q\] quit")
        assert "photographed only once" not in terminal.before
        terminal.send("t" if "also" in terminal.before else "n")
        terminal.expect("name:")
        terminal.send("Grace\r")
        terminal.expect("saved as Grace")
        terminal.expect("1 face left out: you said that it is not Grace")
        terminal.expect(r"Who is this\? group 2, \d+ faces, photographed only once: perhaps a stranger")
        terminal.expect(r"\[q\] quit")
        terminal.send("q")
        terminal.expect(pexpect.EOF)
    assert people(phototag, indexed) == {"Grace": len(faces) - 1}


def test_picking_out_faces_and_undoing_it(indexed: Path, environment: dict[str, str], phototag: Run) -> None:
    with interview(indexed, environment, "--no-images", "--no-tag") as terminal:
        terminal.expect(r"Who is this\? group \d+, (\d+) faces")
        faces = int(terminal.match[1])
        terminal.expect(r"\[q\] quit")
        terminal.send("p")
        terminal.expect("numbers of the wrong faces")
        terminal.send("99\r")
        terminal.expect("99 is none of the numbers 1 to")
        terminal.expect(r"\[q\] quit")
        terminal.send("p")
        terminal.expect("numbers of the wrong faces")
        terminal.send("2-3\r")
        terminal.expect("name:")
        terminal.send("Grace\r")
        terminal.expect(r"(\d+) faces saved as Grace")
        assert int(terminal.match[1]) == faces - 2
        terminal.expect(r"\[q\] quit")
        assert people(phototag, indexed) == {"Grace": faces - 2}
        terminal.send("u")
        terminal.expect("Undid answer")
        terminal.expect(r"\[q\] quit")
        terminal.send("q")
        terminal.expect(pexpect.EOF)
    assert people(phototag, indexed) == {}


def test_trouble_while_names_are_tried_ends_no_interview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a database that is locked while an answer is saved, which may be given again."""
    said = iter([*"bxxq", ""])
    with open_store(tmp_path / "phototag.db", create=True) as store:
        for axis in range(3):
            add_faces(store, str(axis), axis, 3)
        session = InterviewSession.open(store)
        tagger = Tagger(store.path)
        tagger.error, tagger.rounds = DatabaseLockedError("in use just now"), 1
        monkeypatch.setattr(tagger, "request", lambda: None)
        dismiss = session.dismiss
        locked = iter([True])

        def at_first_locked(*arguments: Any) -> None:
            if next(locked, False):
                raise DatabaseLockedError("in use by another program")
            dismiss(*arguments)

        monkeypatch.setattr(session, "dismiss", at_first_locked)
        monkeypatch.setattr(click, "getchar", lambda: next(said))
        with pytest.raises(DatabaseLockedError):
            interview_in_process(session, tagger, images=False)
        assert session.progress().answers == 1
        interview_in_process(session, None, images=False)  # the terminal is gone: no key is left
