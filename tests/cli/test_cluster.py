"""`phototag cluster`, and what one says of single faces: what they say, and what they leave as it is."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from phototag.cli.cluster import remarks
from phototag.store.faces import Place
from phototag.types import Box
from phototag.workflows.recognition.cluster import Clustered
from phototag.workflows.recognition.conflicts import Conflict
from tests.cli.conftest import Run


def members(db: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(db) as connection:
        return connection.execute("SELECT * FROM cluster_member ORDER BY face").fetchall()


def group(db: Path, number: int) -> list[int]:
    with sqlite3.connect(db) as connection:
        found = connection.execute("SELECT face FROM cluster_member WHERE cluster = ? ORDER BY rank", (number,))
        return [row[0] for row in found]


@pytest.fixture
def mirrored(indexed: Path) -> tuple[Path, int, int]:
    """A database in which two faces of one person stand in one photo."""
    one, other = group(indexed, 1)[:2]
    with sqlite3.connect(indexed) as connection:
        connection.execute("UPDATE face SET photo = (SELECT photo FROM face WHERE id = ?) WHERE id = ?", (one, other))
    return indexed, min(one, other), max(one, other)


def test_new_faces_join_and_a_preview_says_so(phototag: Run, indexed: Path) -> None:
    before = members(indexed)
    size = len(group(indexed, 1))
    with sqlite3.connect(indexed) as connection:  # as if one face of a group had been indexed only now
        connection.execute("DELETE FROM cluster_member WHERE face = ?", (group(indexed, 1)[0],))
    without = members(indexed)
    done = phototag("cluster", "--preview", "--db", indexed)
    assert done.returncode == 0, done.stderr
    assert "1 face added to existing groups:\n" in done.stdout
    assert f"  group 1: {size} faces instead of {size - 1} (1 added)\n" in done.stdout
    assert "nothing was changed" in done.stdout
    assert members(indexed) == without
    done = phototag("cluster", "--json", "--db", indexed)
    told = json.loads(done.stdout)
    assert (told["joined"], told["founded"], told["moved"], told["preview"]) == (1, 0, 0, False)
    assert told["changed"] == [{"number": 1, "was": 1, "before": size - 1, "after": size, "gained": 1, "lost": 0}]
    assert [row[:2] for row in members(indexed)] == [row[:2] for row in before]
    done = phototag("cluster", "--preview", "--db", indexed)
    assert "\nNo group changes.\n" in done.stdout


def test_from_scratch_gives_groups_new_numbers(phototag: Run, indexed: Path) -> None:
    with sqlite3.connect(indexed) as connection:
        connection.execute("UPDATE cluster_member SET cluster = cluster + 40")
    assert json.loads(phototag("cluster", "--json", "--db", indexed).stdout)["groups"] >= 2
    numbers = {row[1] for row in members(indexed) if row[1] is not None}
    assert min(numbers) > 40
    told = json.loads(phototag("cluster", "--from-scratch", "--json", "--db", indexed).stdout)
    assert (told["moved"], told["founded"], told["changed"]) == (0, 0, [])
    with sqlite3.connect(indexed) as connection:
        labelled = {row[0] for row in connection.execute("SELECT face FROM label")}
    assert all(number > max(numbers) for face, number, *_ in members(indexed) if number and face not in labelled)


def test_groups_that_come_and_go_are_shown(phototag: Run, indexed: Path) -> None:
    one, two = group(indexed, 1), group(indexed, 2)
    with sqlite3.connect(indexed) as connection:
        connection.execute("UPDATE cluster_member SET cluster = 7 WHERE face IN (?, ?)", one[-2:])
        connection.execute("UPDATE cluster_member SET cluster = NULL WHERE cluster = 2")
        connection.execute("UPDATE clustering SET next_number = 8")
    text = phototag("cluster", "--from-scratch", "--preview", "--db", indexed).stdout
    assert f"1 group new, 2 faces leave their groups:\n  group 9, new: {len(two)} faces\n" in text
    assert f"  group 8 (was 1): {len(one)} faces instead of {len(one) - 2} (2 added)\n" in text
    assert "  group 7, gone: had 2 faces\n" in text


def test_faces_in_one_photo_that_look_alike_are_shown(
    phototag: Run, mirrored: tuple[Path, int, int], tmp_path: Path
) -> None:
    db, one, other = mirrored
    text = phototag("cluster", "--preview", "--db", db).stdout
    assert "1 pair of faces in one photo looks like one person:\n" in text
    assert f"  faces {one} and {other} in " in text
    assert f"Say `phototag faces same {one} {other}`, or `different` instead of `same`.\n" in text
    [conflict] = json.loads(phototag("cluster", "--preview", "--json", "--db", db).stdout)["conflicts"]
    assert conflict["reason"] == "one photo"
    assert [place["face"] for place in conflict["faces"]] == [one, other]
    assert all(Path(place["photo"]).is_file() and place["box"]["w"] > 0 for place in conflict["faces"])
    done = phototag("run", "--db", db, "--out", tmp_path / "out")
    assert "`phototag cluster --preview` shows 1 pair of faces in one photo that look like one person.\n" in done.stdout
    assert phototag("faces", "same", one, other, "--db", db).returncode == 0
    assert "look" not in phototag("cluster", "--db", db).stdout


def test_answers_that_are_passed_over_are_shown(phototag: Run, indexed: Path) -> None:
    one, other = group(indexed, 1)[:2]
    for verb in ("same", "different"):
        assert phototag("faces", verb, one, other, "--db", indexed).returncode == 0
    text = phototag("cluster", "--db", indexed).stdout
    assert "1 answer ignored, because later ones contradict it:\n" in text
    assert f"  face {one} (" in text
    assert f") and face {other} (" in text
    assert "are the same person\n" in text
    phototag("faces", "is", one, "Grace", "--no-tag", "--db", indexed)
    phototag("faces", "is", other, "Gracia", "--no-tag", "--db", indexed)
    phototag("faces", "same", one, other, "--db", indexed)
    text = phototag("cluster", "--db", indexed).stdout
    assert ") is Grace\n" in text
    assert "are different people\n" in text


def test_other_thresholds_are_told(phototag: Run, indexed: Path) -> None:
    with sqlite3.connect(indexed) as connection:
        connection.execute("UPDATE clustering SET params = json_set(params, '$.join', 0.2)")
    for _ in range(2):
        assert "made with other thresholds" in phototag("cluster", "--db", indexed).stdout
    assert "thresholds" not in phototag("cluster", "--from-scratch", "--db", indexed).stdout
    assert "thresholds" not in phototag("cluster", "--db", indexed).stdout


def test_remarks() -> None:
    place = Place(1, b"/a.jpg", Box(0, 0, 1, 1))
    twice, passed = Conflict("one photo", (place, place)), Conflict("answers", (place,), "is", "Ada")
    assert remarks(Clustered(0, 0, 0, 0, 0, 0)) == []
    assert remarks(Clustered(0, 0, 0, 0, 0, 0, conflicts=(twice, twice, passed)))[0].endswith(
        "shows 2 pairs of faces in one photo that look like one person and 1 answer that later ones contradict."
    )
    [thresholds] = remarks(Clustered(0, 0, 0, 0, 0, 0, other_thresholds=True))
    assert "--from-scratch --preview" in thresholds


# --- single faces ---


def test_what_is_said_of_single_faces_holds(phototag: Run, indexed: Path) -> None:
    one, two, three, four = group(indexed, 1)[:4]
    assert f"Face {one} is Ada.\n" == phototag("faces", "is", one, " Ada ", "--no-tag", "--db", indexed).stdout
    assert f"Face {two} is not Ada.\n" == phototag("faces", "not", two, "ADA", "--no-tag", "--db", indexed).stdout
    phototag("faces", "not", four, "Ada", "--no-tag", "--db", indexed)
    told = phototag("name", 1, "Ada", "--no-tag", "--db", indexed).stdout
    left_out = "2 faces left out: you said that they are not Ada."
    assert told == f"{len(group(indexed, 1)) - 3} faces of group 1 are Ada.\n{left_out}\n"
    faces = {face["id"]: face for face in json.loads(phototag("faces", "list", "--json", "--db", indexed).stdout)}
    assert (faces[one]["person"], faces[two]["person"], faces[three]["person"]) == ("Ada", None, "Ada")
    assert "are different people" in phototag("faces", "different", two, three, "--no-tag", "--db", indexed).stdout
    assert f"face {one}: " in phototag("faces", "list", "--db", indexed).stdout
    with sqlite3.connect(indexed) as connection:
        said = connection.execute("SELECT verb, origin FROM standing WHERE face = ? ORDER BY id", (two,)).fetchall()
    assert said == [("is-not", "typed"), ("different", "typed")]
    done = phototag("name", 1, "Ada", "--db", indexed)
    assert done.returncode == 2
    assert "of every face of this group that it is not Ada" in done.stderr


def test_single_faces_that_there_are_not(phototag: Run, indexed: Path) -> None:
    one = group(indexed, 1)[0]
    for command, reason in (
        (("is", 99999, "Ada"), "no face 99999"),
        (("not", 99999, "Ada"), "no face 99999"),
        (("not", one, "Ada"), "nobody is called Ada"),
        (("same", one, 99999), "no face 99999"),
        (("different", one, one), "the same as itself"),
    ):
        done = phototag("faces", *command, "--db", indexed)
        assert done.returncode == 2
        assert reason in done.stderr
