"""`verify`, `identify` and `evaluate` as a user runs them, with the real engines on the built-in portraits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import PIL.Image
import pytest

from tests.cli.conftest import PEOPLE, Demo, Run


def photo(tree: Path, name: str, number: int) -> Path:
    return tree / name / f"{name}_{number:04d}.jpg"


def test_verify_says_whether_it_is_one_person(phototag: Run, tree: Path) -> None:
    done = phototag("verify", photo(tree, PEOPLE[0], 1), photo(tree, PEOPLE[0], 2))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The same person (") and "(distance 0." in done.stdout
    done = phototag("verify", photo(tree, PEOPLE[0], 1), photo(tree, PEOPLE[1], 1), "--json")
    found = json.loads(done.stdout)
    assert found["same"] is False and found["distance"] > found["threshold"] and found["probability"] < 0.5
    assert len(found["boxes"]) == 2
    done = phototag("verify", photo(tree, PEOPLE[0], 1), photo(tree, PEOPLE[0], 2), "--threshold", "0.001", "--all")
    assert "robably the same person (" in done.stdout and "limit 0.00)" in done.stdout
    assert len(done.stdout.splitlines()) >= 1


def test_verify_without_a_face(phototag: Run, tree: Path, tmp_path: Path) -> None:
    PIL.Image.new("RGB", (300, 300)).save(tmp_path / "black.png")
    done = phototag("verify", photo(tree, PEOPLE[0], 1), tmp_path / "black.png")
    assert done.returncode == 17
    assert "no face was found on" in done.stderr and len(done.stderr.strip().splitlines()) == 1
    done = phototag("verify", photo(tree, PEOPLE[0], 1), tmp_path / "nowhere.png")
    assert done.returncode == 2 and "can't be used" in done.stderr


def test_identify_by_the_names_of_a_library(phototag: Run, demo: Demo, tree: Path, tmp_path: Path) -> None:
    shutil.copyfile(demo.db, tmp_path / "copy.db")
    before = (tmp_path / "copy.db").read_bytes()
    for rule in ("svm", "nearest"):
        done = phototag(
            "identify", photo(tree, PEOPLE[0], 2), photo(tree, PEOPLE[1], 2), "--rule", rule, "--db",
            tmp_path / "copy.db", "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        named = [face["person"] for face in found["faces"] if face["person"]]
        assert named == ["Eileen Collins", "Grace Hopper"]
        assert all(Path(one["photo"]).is_file() for face in found["faces"] for one in face["evidence"])
    assert (tmp_path / "copy.db").read_bytes() == before
    done = phototag("identify", photo(tree, PEOPLE[1], 3), "--db", tmp_path / "copy.db")
    assert ": Grace Hopper (" in done.stdout and "nearest named faces: /" in done.stdout


def test_identify_without_names(phototag: Run, indexed: Path, tree: Path, tmp_path: Path) -> None:
    done = phototag("identify", photo(tree, PEOPLE[0], 1), "--db", indexed)
    assert done.returncode == 17 and "nobody is named yet" in done.stderr
    done = phototag("identify", photo(tree, PEOPLE[0], 1), "--db", tmp_path / "none.db")
    assert done.returncode != 0 and not (tmp_path / "none.db").exists()


def test_identify_with_faceless_and_broken_photos(phototag: Run, demo: Demo, tree: Path, tmp_path: Path) -> None:
    PIL.Image.new("RGB", (300, 300)).save(tmp_path / "black.png")
    done = phototag("identify", tmp_path / "black.png", "--db", demo.db)
    assert done.returncode == 17 and "no face was found" in done.stderr
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    done = phototag("identify", tmp_path / "broken.jpg", photo(tree, PEOPLE[0], 1), "--db", demo.db)
    assert done.returncode == 3 and "Eileen Collins" in done.stdout


def test_evaluate_a_tree(phototag: Run, tree: Path, tmp_path: Path) -> None:
    done = phototag("evaluate", tree, "--out", tmp_path / "page", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["verification"]["accuracy"] == figures["verification"]["f1"] == 1
    assert {"accuracy_error", "threshold", "tar_at_far_1e-3", "tar_at_far_1e-2"} <= figures["verification"].keys()
    assert figures["classifiers"]["svm"]["accuracy"] == figures["classifiers"]["knn"]["accuracy"] == 1
    assert figures["clustering"]["b3_f"] == figures["clustering"]["b3_precision"] == 1
    assert Path(figures["page"]).is_file()
    done = phototag("evaluate", tree, "--far", "0.001")
    assert done.stdout.startswith("6 faces of 2 people (") and "accuracy 1.0000" in done.stdout


def test_evaluate_the_pairs_of_a_list(phototag: Run, tree: Path, tmp_path: Path) -> None:
    one, other = PEOPLE
    (tmp_path / "pairs.txt").write_text(
        f"2\t1\n{one}\t1\t2\n{one}\t1\t{other}\t2\n{other}\t2\t3\n{one}\t3\t{other}\t1\n"
    )
    done = phototag("evaluate", tree, "--pairs", tmp_path / "pairs.txt", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verification"]["accuracy"] == 1
    done = phototag("evaluate", tree / one)
    assert done.returncode == 17 and "has no folders with photos" in done.stderr


@pytest.mark.data
def test_the_write_ups_hundred_faces(phototag: Run, data: Path) -> None:
    """lfw-100: the write-ups' figures were .957 for pairs, .98 for the SVM and .96 for the nearest neighbour."""
    figures = json.loads(phototag("evaluate", data / "lfw-100", "--json").stdout)
    assert figures["verification"]["accuracy"] >= 0.99
    assert figures["verification"]["accuracy_at_threshold"] >= 0.995
    assert figures["classifiers"]["svm"]["accuracy"] == 1
    assert figures["classifiers"]["knn"]["accuracy"] >= 0.99
    assert figures["clustering"]["b3_f"] >= 0.9
