"""Names without a face: what `audit` and `status` say of them, and what can be said in the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phototag.store.connect import open_store
from phototag.types import Box
from phototag.workflows.naming.name import name_faces
from tests.cli.conftest import Run
from tests.support.databases import add_photo, unit

LEFT, RIGHT = Box(10, 10, 50, 50), Box(200, 10, 50, 50)


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """A photo of Ada and Ben O'Neill, whose face is gone since it was edited; somebody is on it whom nobody named."""
    db = tmp_path / "phototag.db"
    with open_store(db, create=True) as store:
        add_photo(store, b"the party.jpg", [(LEFT, unit(1)), (RIGHT, unit(0, 1))])
        name_faces(store, [1], "Ada")
        name_faces(store, [2], "Ben O'Neill")
        photo = add_photo(
            store, b"the party.jpg", [(LEFT, unit(1)), (RIGHT, unit(0, 0, 1))], content=b"2", version=True
        )
        with store.write():
            store.run("UPDATE face SET subject = 1 WHERE photo = ? AND x = 10", (photo,))
    return db


def test_audit_says_what_to_type(edited: Path, phototag: Run) -> None:
    done = phototag("audit", "--db", edited)
    assert done.returncode == 0
    assert "1 name without a face since the photo was edited." in done.stdout
    assert done.stdout.endswith(
        """
  /photos/the party.jpg: Ben O'Neill
    phototag faces is 4 'Ben O'"'"'Neill'
    phototag faces add '/photos/the party.jpg' 'Ben O'"'"'Neill' --box X,Y,W,H
    phototag faces absent '/photos/the party.jpg' 'Ben O'"'"'Neill'
"""
    )
    [told] = json.loads(phototag("audit", "--json", "--db", edited).stdout)["unplaced"]
    assert (told["person"], told["face"], told["unnamed"]) == ("Ben O'Neill", 2, [4])


def test_a_known_face_is_said_to_be_theirs(edited: Path, phototag: Run) -> None:
    assert phototag("faces", "is", 4, "Ben O'Neill", "--no-tag", "--db", edited).returncode == 0
    assert json.loads(phototag("status", "--json", "--db", edited).stdout)["unplaced"] == 0


def test_somebody_is_said_not_to_be_on_the_photo(edited: Path, phototag: Run) -> None:
    done = phototag("faces", "absent", "/photos/the party.jpg", "Ben O'Neill", "--db", edited)
    assert (done.returncode, done.stdout) == (0, "Ben O'Neill is not on /photos/the party.jpg.\n")
    assert json.loads(phototag("status", "--json", "--db", edited).stdout)["unplaced"] == 0
    assert phototag("undo", "--no-tag", "--db", edited).returncode == 0
    assert json.loads(phototag("status", "--json", "--db", edited).stdout)["unplaced"] == 1


@pytest.mark.parametrize(
    ("photo", "person", "says"),
    [
        ("/photos/the party.jpg", "Ada", "you said that face 3 of this photo is Ada"),
        ("/photos/the party.jpg", "Nobody", "nobody is called Nobody"),
        ("/photos/other.jpg", "Ada", "is no indexed photo"),
    ],
)
def test_what_makes_no_sense_is_refused(edited: Path, phototag: Run, photo: str, person: str, says: str) -> None:
    done = phototag("faces", "absent", photo, person, "--db", edited)
    assert done.returncode == 2
    assert says in done.stderr
