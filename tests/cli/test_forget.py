"""Forgetting as commands: what is asked, what is said, and what is left."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from phototag.cli.options import seconds
from tests.cli.conftest import Demo, Run
from tests.cli.test_budget import CONTEXT, PARAMETER
from tests.cli.test_interview import people


@pytest.fixture
def library(demo: Demo, phototag: Run, tmp_path: Path) -> Path:
    """The demo's people and one more folder, indexed; Grace is named, Eileen, too."""
    for folder in ("people", "2015"):
        shutil.copytree(demo.folder / "photos" / folder, tmp_path / "photos" / folder)
    db = tmp_path / "x.db"
    assert phototag("index", tmp_path / "photos", "--db", db).returncode == 0
    assert phototag("label", "--from-folders", tmp_path / "photos" / "people", "--no-tag", "--db", db).returncode == 0
    return db


def run(phototag: Run, db: Path, *arguments: object, code: int = 0, **more: Any) -> str:
    done = phototag(*arguments, "--db", db, **more)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def test_days_are_a_duration() -> None:
    assert seconds(CONTEXT, PARAMETER, "30d") == 30 * 86400
    assert seconds(CONTEXT, PARAMETER, "1d12h") == 36 * 3600


def test_what_is_deleted_is_told_forgotten_and_back(library: Path, phototag: Run, tmp_path: Path) -> None:
    before = people(phototag, library)
    grace = tmp_path / "photos" / "people" / "Grace Hopper"
    grace.rename(tmp_path / "away")
    run(phototag, library, "index")
    for command in (["status"], ["people", "list"]):
        assert "3 photos are away or deleted, and left out until a file is back" in run(phototag, library, *command)
    assert "No photo is missing that long" in run(phototag, library, "forget", "--missing", "--older-than", "1d")
    told = run(phototag, library, "forget", "--missing", "--dry-run")
    assert told == "Would forget 3 photos with 3 faces, 3 of them named by you.\n"
    assert "Would forget 3 photos" in phototag("forget", "--missing", "--db", library, input="no\n").stdout
    assert "3 photos are away" in run(phototag, library, "status")
    assert "Forgot 3 photos with 3 faces" in run(phototag, library, "forget", "--missing", input="yes\n")
    assert "away or deleted" not in run(phototag, library, "status")
    assert "No photo is missing." in run(phototag, library, "forget", "--missing")
    (tmp_path / "away").rename(tmp_path / "photos" / "elsewhere")
    run(phototag, library, "index")
    assert people(phototag, library) == before


def test_a_folder_is_forgotten(library: Path, phototag: Run, tmp_path: Path) -> None:
    assert "nothing in" in run(phototag, library, "forget", tmp_path / "nowhere", code=2)
    assert "--missing, or a folder" in run(phototag, library, "forget", code=2)
    assert "--older-than goes with --missing" in run(
        phototag, library, "forget", tmp_path, "--older-than", "1d", code=2
    )
    told = run(phototag, library, "forget", tmp_path / "photos" / "2015", "--yes")
    assert "Forgot 3 photos" in told and ".nomedia" in told
    done = json.loads(run(phototag, library, "forget", tmp_path, "--yes", "--json"))
    assert (done["photos"], done["named"], done["inside"]) == (6, 6, None)
    assert json.loads(run(phototag, library, "status", "--json"))["libraries"] == []


def test_a_person_is_asked_about_twice_and_gone(library: Path, phototag: Run, tmp_path: Path) -> None:
    run(phototag, library, "people", "rename", "Grace Hopper", "Amazing Grace")
    copy = library.with_name("x.db.before-0001-something")
    shutil.copyfile(library, copy)
    told = run(phototag, library, "people", "forget", "amazing grace", "--dry-run")
    assert "3 faces named by you, on 3 photos" in told
    for answers in ("n\n", "y\nGrace\n", "y\n\n"):
        done = phototag("people", "forget", "Amazing Grace", "--db", library, input=answers)
        assert done.returncode in (2, 130)
        assert "Amazing Grace" in people(phototag, library)
    assert phototag("people", "forget", "Amazing Grace", "--yes", "--db", library, input="").returncode == 130
    assert "that is another name: nothing was forgotten" in run(
        phototag, library, "people", "forget", "Amazing Grace", "--yes", "--name-again", "Eileen Collins", code=2
    )
    told = run(phototag, library, "people", "forget", "Amazing Grace", input="y\namazing grace\n")
    assert "Forgotten: 3 faces on 3 photos" in told
    assert str(copy) in told
    assert "3 paths" not in told  # the folder is called otherwise
    assert set(people(phototag, library)) == {"Eileen Collins"}
    assert b"mazing" not in library.read_bytes()
    history = run(phototag, library, "history")
    assert "was forgotten for good" in history and "Grace" not in history
    assert "nobody is called" in run(phototag, library, "people", "forget", "Amazing Grace", code=2)
    run(phototag, library, "index", "--min-face", "21")  # every photo is looked at again
    assert json.loads(run(phototag, library, "status", "--json"))["faces"] == 6
