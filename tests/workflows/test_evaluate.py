"""Evaluate: figures of a tree with a folder for each person, and the page made of them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag.errors import TooLittleDataError, UsageError
from phototag.report import plots
from phototag.workflows.evaluation import tree as trees
from phototag.workflows.evaluation.as_json import evaluation_as_json
from phototag.workflows.evaluation.evaluate import evaluate
from phototag.workflows.evaluation.figures import Evaluation, NormalisedScores
from phototag.workflows.evaluation.page import write_page
from tests.support import fakes
from tests.support.fakes import BLUE, GREEN, RED, YELLOW, FakeEngines, Told, draw, settings

Measured = Callable[..., Evaluation]
FiguresOf = Callable[..., dict[str, Any]]
PEOPLE = {"Ada": RED, "Ben": GREEN, "Cy": BLUE, "Dee": YELLOW}


@pytest.fixture(autouse=True)
def here(fake_engines: FakeEngines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngines:
    """Engines that are there at once, in this process, and a cache of the test's own."""
    monkeypatch.setenv("PHOTOTAG_CACHE", str(tmp_path / "cache"))
    return fake_engines


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Four people with four photos each; Ada's third shows Ben, beside a larger Ada only on her fourth."""
    folder = tmp_path / "tree"
    for name, colour in PEOPLE.items():
        for number in range(4):
            shade = (colour[0] - 4 * number, colour[1], colour[2])
            draw(folder / name / f"{name}_{number + 1:04d}.png", (170, 120, shade), shade=number)
    draw(folder / "Ada" / "Ada_0003.png", (170, 120, GREEN), shade=9)
    draw(folder / "Ada" / "Ada_0004.png", (170, 120, RED), (10, 10, GREEN), shade=9)
    return folder


@pytest.fixture
def measured(here: FakeEngines) -> Measured:
    """Evaluate a folder."""

    def measured(folder: Path, told: Told | None = None, *, embedder: str | None = None, **how: Any) -> Evaluation:
        return evaluate(folder, settings(embedder=embedder), told or Told(), engines=here, **how)

    return measured


@pytest.fixture
def figures_of(measured: Measured) -> FiguresOf:
    """As `phototag evaluate --json` prints them."""
    return lambda folder, told=None, **how: evaluation_as_json(measured(folder, told, **how))


def test_the_figures_of_a_tree(tree: Path, figures_of: FiguresOf) -> None:
    figures = figures_of(tree)
    assert (figures["photos"], figures["faces"], figures["people"]) == (16, 16, 4)
    checked = figures["verification"]
    assert (checked["pairs"], checked["same"]) == (120, 24)
    # Ada's third photo is of Ben: three pairs of hers are far apart, four with Ben's are near.
    assert checked["accuracy"] == pytest.approx(1 - 7 / 120) == checked["accuracy_at_threshold"]
    assert checked["f1"] == pytest.approx(2 * 21 / (2 * 21 + 4 + 3))
    assert checked["tar_at_far_1e-3"] < 1 and 0 < checked["accuracy_error"] < 0.2
    assert 0 < checked["threshold"] < 1.4
    assert checked["balanced"]["folds"] == 2 and checked["normalised"] is None
    assert figures["classifiers"]["tested"] == 8
    assert figures["classifiers"]["svm"]["accuracy"] == figures["classifiers"]["knn"]["accuracy"] == 7 / 8
    assert 0.5 < figures["open_set"]["identified_at_fpir_1e-2"] <= 1
    assert figures["clustering"]["b3_recall"] == pytest.approx(14.5 / 16)
    assert figures["clustering"]["b3_f"] < 1
    json.dumps(figures, allow_nan=False)
    assert figures_of(tree) == figures


VERIFICATION = [
    "pairs", "same", "different", "accuracy", "accuracy_error", "threshold", "f1", "accuracy_at_threshold",
    "tar_at_threshold", "far_at_threshold", "tar_at_far_1e-2", "tar_at_far_1e-3", "threshold_at_far_1e-2",
    "threshold_at_far_1e-3", "at_embedders_threshold", "sweep",
]  # fmt: skip
HEAD = ["detector", "embedder", "photos", "faces", "people", "faceless", "problems", "verification"]


def test_json_keeps_its_keys(tree: Path, tmp_path: Path, measured: Measured, figures_of: FiguresOf) -> None:
    found = measured(tree)
    figures = evaluation_as_json(found)
    assert list(figures) == [*HEAD, "classifiers", "open_set", "clustering", "confusions"]
    assert list(figures["verification"]) == [*VERIFICATION, "balanced", "normalised"]
    assert list(figures["verification"]["at_embedders_threshold"]) == ["threshold", "accuracy", "f1", "tar", "far"]
    assert list(figures["verification"]["sweep"][0]) == ["threshold", "accuracy", "f1", "tar", "far"]
    assert len(figures["verification"]["sweep"]) == 201
    assert list(figures["verification"]["balanced"]) == ["accuracy", "accuracy_error", "threshold", "folds", "pairs"]
    assert list(figures["classifiers"]) == ["svm", "knn", "tested"]
    assert list(figures["classifiers"]["svm"]) == ["accuracy", "k_fold_accuracy"]
    key = "identified_at_fpir_1e-2"
    assert list(figures["open_set"]) == [key, f"knn_{key}", f"svm_{key}", "known", "probes", "strangers"]
    assert list(figures["clustering"]) == ["b3_f", "b3_precision", "b3_recall"]
    assert list(figures["confusions"]) == ["different_people", "one_person"]
    assert list(figures["confusions"]["one_person"][0]) == ["photos", "distance"]
    assert evaluation_as_json(found, tmp_path)["page"] == tmp_path
    normalised = evaluation_as_json(_normalised(found))["verification"]["normalised"]
    assert normalised == {
        "tar_at_far_1e-2": 0.9,
        "tar_at_far_1e-3": 0.8,
        "plain_tar_at_far_1e-2": 0.7,
        "plain_tar_at_far_1e-3": 0.6,
    }
    pairs = listed(tree, "2\t1\nAda\t1\t2\nAda\t1\tBen\t2\nCy\t2\t3\nCy\t1\tDee\t1\n")
    figures = figures_of(tree, pairs=pairs)
    assert list(figures) == [*HEAD, "confusions"]
    assert list(figures["verification"]) == [*VERIFICATION, "left_out"]


def _normalised(found: Evaluation) -> Evaluation:
    """The evaluation of a tree with enough strangers to normalise scores."""
    assert found.whole_tree
    return replace(found, whole_tree=replace(found.whole_tree, normalised=NormalisedScores((0.9, 0.8), (0.7, 0.6))))


def test_too_few_photos_for_a_figure_give_none(tree: Path, figures_of: FiguresOf) -> None:
    for person in ("Cy", "Dee"):
        shutil.rmtree(tree / person)
    for number in (1, 2, 3):
        (tree / "Ben" / f"Ben_{number:04d}.png").unlink()
    figures = figures_of(tree)
    assert figures["verification"]["balanced"] is None
    assert figures["open_set"] is None
    assert figures["classifiers"] == {
        "svm": {"accuracy": None, "k_fold_accuracy": None},
        "knn": {"accuracy": None, "k_fold_accuracy": None},
        "tested": 0,
    }
    json.dumps(figures, allow_nan=False)


def test_the_worst_pairs_are_named(tree: Path, figures_of: FiguresOf) -> None:
    alike, unlike = figures_of(tree)["confusions"].values()
    assert all(Path(pair["photos"][0]).name == "Ada_0003.png" for pair in alike[:4])
    assert {Path(photo).name for pair in unlike[:3] for photo in pair["photos"]} >= {"Ada_0003.png"}


def test_a_second_run_looks_at_nothing_again(tree: Path, here: FakeEngines, measured: Measured) -> None:
    first = measured(tree)
    assert here.detector.calls == 16
    again = measured(tree)
    assert here.detector.calls == 0
    assert (again.tree.vectors == first.tree.vectors).all() and again.tree.boxes == first.tree.boxes
    draw(tree / "Ada" / "Ada_0001.png", (100, 100, BLUE))
    (tree / "Ben" / "Ben_0001.png").rename(tree / "Ben" / "renamed.png")
    measured(tree)
    assert here.detector.calls == 1
    measured(tree, embedder="other")
    assert here.detector.calls == 16  # another embedder has its own


@pytest.mark.parametrize("spoilt", [b"", b"PK no archive", None])
def test_a_damaged_cache_is_made_again(
    tree: Path, here: FakeEngines, tmp_path: Path, spoilt: bytes | None, measured: Measured, figures_of: FiguresOf
) -> None:
    first = measured(tree)
    [path] = (tmp_path / "cache").glob("faces-*.npz")
    if spoilt is None:
        with np.load(path) as kept:
            np.savez(path, **{**kept, "vectors": kept["vectors"] * 2})
    else:
        path.write_bytes(spoilt)
    assert figures_of(tree) == evaluation_as_json(first)
    assert here.detector.calls == 16


def test_what_was_looked_at_is_kept_when_a_run_is_stopped(
    tree: Path, here: FakeEngines, monkeypatch: pytest.MonkeyPatch, measured: Measured
) -> None:
    monkeypatch.setattr(trees, "_SAVE_EVERY", 4)
    told = Told()

    def stop(steps: int = 1) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(told, "advance", lambda steps=1: stop() if steps else None)
    with pytest.raises(KeyboardInterrupt):
        measured(tree, told)
    measured(tree)
    assert 0 < here.detector.calls < 16


def test_photos_without_faces_and_broken_ones(tree: Path, figures_of: FiguresOf) -> None:
    draw(tree / "Ada" / "empty.png")
    (tree / "Ada" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (tree / "Ada" / "notes").write_text("no photo")
    draw(tree / "beside.png", (40, 40, RED))  # in nobody's folder
    told = Told()
    figures = figures_of(tree, told)
    assert figures["faces"] == 16 and figures["problems"] == 1
    assert [Path(photo).name for photo in figures["faceless"]] == ["empty.png"]
    assert [Path(os.fsdecode(problem.path)).name for problem in told.problems] == ["broken.png"]


def test_too_little_to_measure(tmp_path: Path, measured: Measured) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        measured(tmp_path / "nowhere")
    folder = tmp_path / "photos"
    folder.mkdir()
    with pytest.raises(TooLittleDataError, match="has no folders with photos"):
        measured(folder)
    draw(folder / "Ada" / "1.png", (40, 40, RED))
    with pytest.raises(TooLittleDataError, match="one person only"):
        measured(folder)
    draw(folder / "Ben" / "1.png")
    with pytest.raises(TooLittleDataError, match="one face a person only"):
        measured(folder)
    draw(folder / "Ben" / "2.png")
    with pytest.raises(TooLittleDataError, match="one person only"):
        measured(folder)


# --- a list of pairs ---


def listed(tree: Path, text: str) -> Path:
    path = tree.parent / "pairs.txt"
    path.write_text(text)
    return path


def test_the_pairs_of_a_list(tree: Path, here: FakeEngines, figures_of: FiguresOf) -> None:
    pairs = listed(tree, "2\t1\nAda\t1\t2\nAda\t1\tBen\t2\nCy\t2\t3\nCy\t1\tDee\t1\n")
    figures = figures_of(tree, pairs=pairs)
    assert here.detector.calls == 7  # only photos of the list
    checked = figures["verification"]
    assert (checked["pairs"], checked["same"], checked["left_out"]) == (4, 2, 0)
    assert (checked["accuracy"], checked["accuracy_error"], checked["f1"]) == (1, 0, 1)
    assert "classifiers" not in figures and "clustering" not in figures
    assert len(figures["confusions"]["different_people"]) == 2


def test_pairs_without_a_face_are_left_out(tree: Path, figures_of: FiguresOf) -> None:
    draw(tree / "Ada" / "Ada_0002.png")
    pairs = listed(tree, "2\t1\nAda\t1\t2\nAda\t1\tBen\t2\nCy\t2\t3\nCy\t1\tDee\t1\n")
    checked = figures_of(tree, pairs=pairs)["verification"]
    assert (checked["pairs"], checked["left_out"]) == (3, 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [("1\t1\nAda\t1\t9\nAda\t1\tBen\t2\n", "names photo 9 of Ada"), ("nothing", "line 1")],
)
def test_lists_that_fit_nothing(tree: Path, text: str, says: str, measured: Measured) -> None:
    with pytest.raises(UsageError, match=says):
        measured(tree, pairs=listed(tree, text))
    with pytest.raises(UsageError, match="can't be read"):
        measured(tree, pairs=tree / "no list")


def test_a_threshold_by_false_accepts(tree: Path, figures_of: FiguresOf) -> None:
    checked = figures_of(tree, far=0.0)["verification"]
    assert checked["far_at_threshold"] == 0
    assert checked["threshold"] < figures_of(tree)["verification"]["threshold"]


# --- the page ---


def test_the_page_shows_plots_and_the_worst_pairs(tree: Path, tmp_path: Path, measured: Measured) -> None:
    page = write_page(measured(tree), tmp_path / "page", settings(), Told(), fakes.in_process)
    text = page.read_text()
    assert len(list(page.parent.glob("plot-*.png"))) == 4 == text.count('src="plot-')
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in page.parent.glob("plot-*.png"))
    assert text.count('src="faces/') == len(list(page.parent.glob("faces/*.jpg"))) > 8
    assert "Ada" in text and "B³ F" in text and "no plots" not in text
    write_page(measured(tree), tmp_path / "page", settings(), Told(), fakes.in_process)  # takes its own place


def test_without_matplotlib_the_page_says_how_to_get_plots(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: Measured
) -> None:
    monkeypatch.setattr(plots, "find_spec", lambda name: None)
    page = write_page(measured(tree), tmp_path / "page", settings(), Told(), fakes.in_process)
    assert "There are no plots: for plots install matplotlib" in page.read_text()
    assert not list(page.parent.glob("plot-*"))


def test_a_photo_that_is_gone_has_no_crop(tree: Path, tmp_path: Path, measured: Measured) -> None:
    found = measured(tree)
    (tree / "Ada" / "Ada_0003.png").unlink()
    text = write_page(found, tmp_path / "page", settings(), Told(), fakes.in_process).read_text()
    assert 'class="blank"' in text


def test_a_folder_of_somebody_elses_is_left_alone(tree: Path, tmp_path: Path, measured: Measured) -> None:
    with pytest.raises(UsageError, match="something else than pages of phototag"):
        write_page(measured(tree), tree, settings(), Told(), fakes.in_process)


@pytest.mark.parametrize("head", ["", "2\n"])
def test_a_list_without_folds(head: str, tree: Path, figures_of: FiguresOf) -> None:
    pairs = listed(tree, f"{head}Ada\t1\t2\nAda\t1\tBen\t2\nCy\t2\t3\nCy\t1\tDee\t1\n")
    checked = figures_of(tree, pairs=pairs)["verification"]
    assert (checked["pairs"], checked["same"], checked["left_out"]) == (4, 2, 0)
    assert checked["accuracy"] == 1
