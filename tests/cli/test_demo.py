"""The whole job, as the README's first command does it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Demo, Run


def test_two_people_are_found_and_nobody_is_mistaken(demo: Demo, phototag: Run) -> None:
    assert demo.result["people"] == 2
    assert demo.result["problems"] == 1  # the library holds one broken file on purpose
    faces = json.loads(phototag("faces", "list", "--json", "--db", demo.db).stdout)
    named = [face for face in faces if face["person"]]
    assert len(named) >= 0.9 * len(faces)
    assert {face["source"] for face in faces} <= {"human", "machine", None}
    people = json.loads(phototag("people", "list", "--json", "--db", demo.db).stdout)
    assert sorted(person["name"] for person in people) == ["Eileen Collins", "Grace Hopper"]
    assert all(person["confirmed"] == 3 and person["tagged"] >= 9 for person in people)


def test_two_faces_of_one_photo_have_two_names(demo: Demo, phototag: Run) -> None:
    faces = json.loads(phototag("faces", "list", "--json", "--db", demo.db).stdout)
    photos = {face["photo"] for face in faces}
    pairs = [[f["person"] for f in faces if f["photo"] == photo] for photo in photos]
    pairs = [pair for pair in pairs if len(pair) == 2]
    assert pairs
    assert all(len(set(pair)) == 2 for pair in pairs)


def test_faces_list_is_what_the_documentation_says(demo: Demo, phototag: Run) -> None:
    for face in json.loads(phototag("faces", "list", "--json", "--db", demo.db).stdout):
        assert Path(face["photo"]).is_absolute()
        assert Path(face["photo"]).is_file()
        x, y, w, h = face["box"]
        assert x >= -1 and y >= -1 and w > 0 and h > 0
        assert face["cluster"] is None or face["cluster"] >= 1
        assert face["probability"] is None or 0 <= face["probability"] <= 1


def test_the_report_has_a_page_for_everybody(demo: Demo) -> None:
    pages = [page.read_text("utf-8") for page in (demo.folder / "report").rglob("*.html")]
    assert any("Grace Hopper" in page for page in pages)
    assert any("Eileen Collins" in page for page in pages)
    assert not any("<script" in page for page in pages)


def test_a_second_demo_replaces_the_first_and_nothing_else(phototag: Run, tmp_path: Path) -> None:
    foreign = tmp_path / "mine"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    done = phototag("demo", "--out", foreign)
    assert done.returncode == 2
    assert "there already" in done.stderr
    assert (foreign / "thesis.txt").read_text() == "years of work"


def test_nothing_but_results_on_standard_output(demo: Demo, phototag: Run) -> None:
    done = phototag("status", "--db", demo.db)
    assert done.returncode == 0
    assert "engines   mtcnn, dlib-resnet-int8" in done.stdout
    assert done.stderr == ""
