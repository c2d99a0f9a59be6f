"""Training from a folder to an installed engine: with faces that are given, and the figures on people never seen."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner

from docs.generate import json_output
from phototag.analysis.engine_provider import InstalledEngines
from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.analysis.face_pipeline import FacePipeline
from phototag.cli.main import cli
from phototag.config import Settings, engines_folder
from phototag.engines import installation, plugins, registry
from phototag.engines.spec import EngineOptions
from phototag.engines.training import triplet
from phototag.errors import PhototagError, TooLittleDataError, UsageError
from phototag.progress import Silent
from phototag.report import plots
from phototag.types import Chips, EngineInfo, Vectors
from phototag.workflows.evaluation import train_embedder as job
from phototag.workflows.evaluation import training_run
from phototag.workflows.evaluation.train_embedder import TrainedEmbedder
from phototag.workflows.evaluation.training_faces import TrainingFaces, require_people
from phototag.workflows.evaluation.training_plan import TrainingPlan
from phototag.workflows.evaluation.tree import person_of
from tests.support import fakes

PEOPLE, EACH, DIM = 18, 4, 8
INFO = EngineInfo("embedder", "squinting", "a" * 64, (), DIM, 8, "dlib-5-point", fakes.EMBEDDER.thresholds)
PLAN = TrainingPlan("mine", people=6, rate=0.03, variants=1)


def unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


class Squinting:
    """Sees eight pixels of a chip: three tell people, five vary with the shot."""

    info = INFO

    def embed(self, chips: Chips) -> Vectors:
        return unit(chips[:, 0, :, 0] / np.float32(100) + np.float32(0.01))


class SquintingEngines:
    """An `EngineProvider`."""

    def installed(self, kind: str, name: str) -> bool:
        return True

    def open(self, settings: Settings, *, photos: int | None = None) -> FaceAnalyzer:
        return FaceAnalyzer(FacePipeline(fakes.Squares(), Squinting()))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for each of eighteen people, whose faces are there without a look at the files."""
    monkeypatch.setenv("PHOTOTAG_ENGINES", str(tmp_path / "own_engines"))
    for person in range(PEOPLE):
        for number in range(EACH):
            path = tmp_path / "photos" / f"person{person:02}" / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
    monkeypatch.setattr(job, "find_training_faces", find_faces)
    monkeypatch.setattr(InstalledEngines, "open", SquintingEngines.open)
    monkeypatch.setattr(registry, "is_installed", lambda kind, name: name == "squinting")
    monkeypatch.setattr(registry, "make_embedder", lambda name, options: Squinting())
    yield tmp_path / "photos"


def find_faces(folder: Path, photos: Sequence[bytes], *_: object) -> TrainingFaces:
    people = np.array([int(person_of(path)[-2:]) for path in photos])
    require_people(people.tolist(), folder, "faces")
    random = np.random.default_rng(5)
    own = np.concatenate([random.normal(size=(PEOPLE, 3))[people], np.zeros((len(people), 5))], axis=1)
    shots = [random.normal(size=own.shape) * ([0] * 3 + [1] * 5) for _ in range(2)]
    samples = np.stack([unit(own + 0.8 * shot + 1) for shot in shots])
    return TrainingFaces(people, samples[0], samples)


def train(folder: Path, plan: TrainingPlan = PLAN, **how: Any) -> TrainedEmbedder:
    out = how.pop("out", folder.parent / "out")
    settings = fakes.settings(embedder="squinting")
    return job.train_embedder(
        folder,
        plan,
        settings,
        Silent(),
        out=out,
        **{"epochs": 12, "patience": 12, "engines": SquintingEngines(), **how},
    )


def test_it_learns_registers_and_is_judged_on_people_it_never_saw(folder: Path) -> None:
    done = train(folder)
    assert done.comparison.people == 6
    assert done.comparison.trained.accuracy > done.comparison.plain.accuracy
    assert 0 < done.epoch <= done.epochs == 12
    kept = installation.find("mine")
    assert kept is not None and kept.family == "projection" and kept.card is not None
    assert kept.card.thresholds.same == pytest.approx(done.comparison.trained.threshold)
    assert 0 < kept.card.thresholds.join <= kept.card.thresholds.split
    embedder = plugins.spec_of("projection").create(EngineOptions(installed=kept))
    assert embedder.info.parameters == (("base", "squinting"), ("family", "projection"))
    with (folder.parent / "out" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(13))
    assert rows[0]["loss"] == ""
    assert float(rows[done.epoch]["accuracy"]) > float(rows[0]["accuracy"])
    assert json.loads((folder.parent / "out" / "result.json").read_text())["epoch"] == done.epoch


def test_a_run_that_goes_on_ends_where_an_unbroken_one_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(folder)
    real, saved = triplet.save, []

    def stop(path: Path, arrays: Any) -> None:
        real(path, arrays)
        saved.append(path)
        if len(saved) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(training_run, "save", stop)
    other, out = replace(PLAN, name="other"), folder.parent / "again"
    with pytest.raises(KeyboardInterrupt):
        train(folder, other, out=out)
    assert installation.find("other") is None
    with pytest.raises(UsageError, match="not finished: go on with --resume"):
        train(folder, other, out=out)
    monkeypatch.setattr(job, "find_training_faces", lambda *_: pytest.fail("the faces are known"))
    done = train(folder, other, out=out, resume=True)
    assert (done.epoch, done.comparison) == (whole.epoch, whole.comparison)
    assert (out / "weights.npz").read_bytes() == (folder.parent / "out" / "weights.npz").read_bytes()
    assert (out / "history.csv").read_text() == (folder.parent / "out" / "history.csv").read_text()


def test_what_is_resumed_must_be_the_same(folder: Path) -> None:
    with pytest.raises(UsageError, match="no training that could go on"):
        train(folder, resume=True)
    train(folder, epochs=1)
    installation.remove("mine")
    with pytest.raises(UsageError, match=r"another mining and seed \(semi-hard, 0\)"):
        train(folder, replace(PLAN, mining="random", seed=3), resume=True)
    assert train(folder, resume=True, epochs=3).epochs == 3  # longer is no other training


def test_it_stops_when_nothing_gets_better(folder: Path) -> None:
    done = train(folder, replace(PLAN, rate=1e-9), epochs=50, patience=2)
    assert (done.epoch, done.epochs) == (0, 2)
    assert not done.comparison.better
    assert done.comparison.gain == 0


def test_random_triplets_may_be_compared(folder: Path) -> None:
    with_random = train(folder, replace(PLAN, mining="random"), epochs=2)
    assert with_random.epochs == 2


def test_too_few_people_and_other_wrong_use(folder: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for person in range(5):
        (folder / f"person{person:02}").rename(few / f"person{person:02}")
    with pytest.raises(TooLittleDataError, match="has 5 people with two photos or more, and 6 are the fewest") as told:
        train(few)
    assert told.value.exit_code == 17
    with pytest.raises(UsageError, match="is not a folder"):
        train(tmp_path / "nowhere")
    with pytest.raises(TooLittleDataError, match="no folders with photos"):
        train(few / "person00")
    with pytest.raises(UsageError, match="no name for an engine"):
        train(folder, replace(PLAN, name="Mine!"))
    with pytest.raises(UsageError, match="the name of another engine"):
        train(folder, replace(PLAN, name="mtcnn"))
    with pytest.raises(UsageError, match=r"--start is for --network nn4\.small2"):
        train(folder, replace(PLAN, start="openface"))
    train(folder, epochs=1)
    with pytest.raises(UsageError, match="there is an engine called mine already"):
        train(folder, epochs=1)


def test_damaged_faces_are_named(folder: Path) -> None:
    train(folder, epochs=1)
    installation.remove("mine")
    (folder.parent / "out" / "faces.npz").write_bytes(b"PK\x03\x04no")
    with pytest.raises(PhototagError, match=r"faces.npz can't be read"):
        train(folder, epochs=1, resume=True)


@pytest.mark.parametrize(("rate", "words"), [("0.03", "stay with that|better by more"), ("1e-9", "no better than")])
def test_the_command_says_plainly_whether_it_is_better(folder: Path, rate: str, words: str) -> None:
    flags = ["--name", "mine", "--embedder", "squinting", "--rate", rate, "--epochs", "8", "--people", "6"]
    result = CliRunner().invoke(cli, ["train-embedder", str(folder), *flags], catch_exceptions=False)
    assert "On 6 people whom it never saw (24 faces, 36 pairs of one person)" in result.output
    assert re.search(words, result.output)
    assert ("index --embedder mine" in result.output) == ("no better" not in result.output)
    assert (engines_folder() / ".training" / "mine" / "checkpoint.npz").exists()


def test_the_json_output_is_as_described(folder: Path) -> None:
    flags = ["--name", "mine", "--embedder", "squinting", "--epochs", "1", "--json"]
    result = CliRunner().invoke(cli, ["train-embedder", str(folder), *flags], catch_exceptions=False)
    assert json_output.checked("train-embedder", result.stdout)["better"] in (True, False)


def test_without_matplotlib_the_history_is_kept_and_a_sentence_says_how_to_get_the_plot(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "find_spec", lambda name: None)
    flags = ["--embedder", "squinting", "--epochs", "1", "--out", str(folder.parent / "out")]
    result = CliRunner().invoke(cli, ["train-embedder", str(folder), *flags], catch_exceptions=False)
    assert "pip install" in result.output
    assert (folder.parent / "out" / "history.csv").exists()
    assert not (folder.parent / "out" / "history.png").exists()
