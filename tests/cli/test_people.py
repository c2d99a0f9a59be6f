"""People and history as commands: what a user types, and what comes of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import pexpect
import pytest

from phototag.cli.people_split import _ask
from phototag.store.connect import open_store
from phototag.workflows.naming.name import name_faces
from tests.cli.conftest import Run
from tests.cli.test_interview import people
from tests.support.databases import who
from tests.workflows.test_people import add_faces


@pytest.fixture
def named(indexed: Path, phototag: Run) -> Path:
    """Grace and Eileen, named group by group."""
    from phototag.store import groups
    from phototag.store.connect import open_store
    from phototag.workflows.naming.name import name_group

    with open_store(indexed) as store:
        for group, name in zip(list(groups.unnamed(store)), ("Grace", "Eileen"), strict=True):
            name_group(store, group.face_ids, name)
    return indexed


def said(phototag: Run, db: Path, *arguments: object, code: int = 0, **more: Any) -> str:
    done = phototag(*arguments, "--db", db, **more)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def test_rename_undo_and_history(named: Path, phototag: Run) -> None:
    before = people(phototag, named)
    assert "grace is called Grace Hopper from now on" in said(
        phototag, named, "people", "rename", "grace", "Grace Hopper"
    )
    assert set(people(phototag, named)) == {"Grace Hopper", "Eileen"}
    told = said(phototag, named, "history")
    assert "Grace is called Grace Hopper" in told
    assert len(told.splitlines()) >= 3
    number = json.loads(said(phototag, named, "history", "--json"))[0]["number"]
    told = said(phototag, named, "undo", number, "--dry-run")
    assert f"This would undo answer {number}: Grace is called Grace Hopper." in told
    assert "Grace Hopper: called Grace." in told and "Nothing was changed." in told
    assert set(people(phototag, named)) == {"Grace Hopper", "Eileen"}
    told = said(phototag, named, "undo", "--no-tag")
    assert f"Undid answer {number}: Grace is called Grace Hopper." in told and "Grace Hopper: called Grace." in told
    assert people(phototag, named) == before
    assert f"(undone by {number + 1})" in said(phototag, named, "history", "-n", "2")
    assert f"Answer {number} is undone already" in said(phototag, named, "undo", number)
    assert f"Redid answer {number}: Grace is called Grace Hopper." in said(
        phototag, named, "undo", number + 1, "--no-tag"
    )
    assert set(people(phototag, named)) == {"Grace Hopper", "Eileen"}
    assert f"answer {number} redone" in said(phototag, named, "history", "-n", "1")
    assert "no answer 999" in said(phototag, named, "undo", "999", code=2)


def test_merge_asks_says_what_it_joins_and_can_be_undone(named: Path, phototag: Run) -> None:
    before = people(phototag, named)
    told = said(phototag, named, "people", "merge", "Eileen", "Grace", code=130, input="n\n")
    assert people(phototag, named) == before, told
    told = said(phototag, named, "people", "merge", "Eileen", "Grace", "--yes", "--no-tag")
    assert f"Eileen ({before['Eileen']} faces) joins Grace ({before['Grace']} faces)." in told
    assert people(phototag, named) == {"Grace": sum(before.values())}
    assert "also called Eileen" in said(phototag, named, "people", "show", "Eileen")
    said(phototag, named, "undo", "--no-tag")
    assert people(phototag, named) == before


def test_split_lists_parts_and_takes_one(named: Path, phototag: Run) -> None:
    before = people(phototag, named)
    said(phototag, named, "people", "merge", "Eileen", "Grace", "--yes", "--no-tag")
    parts = said(phototag, named, "people", "split", "Grace").splitlines()
    largest = sorted(before.values(), reverse=True)
    assert [f"part {n}: {faces} faces" for n, faces in enumerate(largest, 1)] == [line.split(" (")[0] for line in parts]
    told = said(phototag, named, "people", "split", "Grace", "--part", "2", "--as", "Eileen Collins", "--no-tag")
    smaller, larger = sorted(before.values())
    assert f"{smaller} faces of Grace are Eileen Collins." in told
    assert people(phototag, named) == {"Grace": larger, "Eileen Collins": smaller}
    assert "there is 1 part:" in said(phototag, named, "people", "split", "Grace", "--part", "7", code=2)


def test_split_asks_on_a_terminal(named: Path, environment: dict[str, str], phototag: Run) -> None:
    before = people(phototag, named)
    said(phototag, named, "people", "merge", "Eileen", "Grace", "--yes", "--no-tag")
    child = pexpect.spawn(
        sys.executable, ["-m", "phototag", "people", "split", "Grace", "--no-tag", "--db", str(named)],
        env=environment, encoding="utf-8", dimensions=(40, 110), timeout=15,
    )  # fmt: skip
    child.expect("part 1")
    child.expect("▀")
    child.expect("no more")
    child.send("\r")
    child.expect("part 2")
    child.expect("no more")
    child.send("?\r")
    child.expect("somebody yet to be named")
    child.expect(pexpect.EOF)
    assert people(phototag, named) == {"Grace": max(before.values())}


def test_not_this_person_and_hide(named: Path, phototag: Run) -> None:
    shown = json.loads(said(phototag, named, "people", "show", "Grace", "--json"))
    faces = [face["face"] for face in shown["faces"]][:2]
    assert "2 faces are not Grace" in said(phototag, named, "people", "not-this-person", "Grace", *faces, "--no-tag")
    assert people(phototag, named)["Grace"] == len(shown["faces"]) - 2
    assert "there is no face 99999" in said(phototag, named, "people", "not-this-person", "Grace", "99999", code=2)
    said(phototag, named, "people", "hide", "Grace")
    assert "Grace" not in said(phototag, named, "people", "list")
    assert "Grace" in said(phototag, named, "people", "list", "--all")
    said(phototag, named, "people", "unhide", "Grace")
    assert "Grace" in said(phototag, named, "people", "list")


def test_all_since(named: Path, phototag: Run) -> None:
    said(phototag, named, "people", "rename", "Grace", "Hopper")
    assert "is no moment" in said(phototag, named, "undo", "--all-since", "yesterday-ish", code=2)
    told = said(phototag, named, "undo", "--all-since", "1h", "--yes")
    assert told.startswith("Undid answers ")
    assert people(phototag, named) == {}
    assert "There is nothing to undo." in said(phototag, named, "undo", "--all-since", "1h", "--yes")


def test_what_cannot_be_said_of_a_part_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter(["Grace", "x" * 201, "Eileen", ""])
    monkeypatch.setattr(click, "prompt", lambda *_, **__: next(said))
    with open_store(tmp_path / "phototag.db", create=True) as store:
        grace, eileen = add_faces(store, "grace", 0, 3), add_faces(store, "eileen", 1, 4)
        name_faces(store, [*grace, *eileen], "Grace")
        [done] = _ask(store, "Grace", [eileen, grace], images=False)
        assert done.faces == 4
        assert who(store)[eileen[0]] == ("Eileen", "human")
        assert who(store)[grace[0]] == ("Grace", "human")
