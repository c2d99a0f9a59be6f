"""A projection learnt with the triplet loss, against the plain vectors, on people that it never saw.

    python -m benchmarks.triplet --data FOLDER

FOLDER holds `lfw-dev` (a folder a person). Each seed holds out another third of the people; of the others a fifth says
when to stop. Semi-hard and random triplets learn from the same faces.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.command import Benchmark
from benchmarks.figures import Measure, Measured, Value
from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.config import load
from phototag.engines.training.trainable import trainable
from phototag.learn.comparison import EmbedderComparison
from phototag.learn.triplets import MINING
from phototag.progress import Silent
from phototag.workflows.evaluation.training_faces import find_training_faces
from phototag.workflows.evaluation.training_plan import TrainingPlan
from phototag.workflows.evaluation.training_run import run_training
from phototag.workflows.evaluation.tree import photos_below

EMBEDDER = "dlib-resnet-int8"

_LFW = "lfw-dev: a third of 940 people held out, another one for each seed"


def _measures(mining: str) -> Iterable[Measure]:
    row = f"{mining} triplets"
    yield Measure(f"{mining}.plain", row, _LFW, digits=4, column="true accepts at 0.1 % false ones, plain vectors")
    yield Measure(f"{mining}.trained", row, _LFW, digits=4, column="trained projection")
    yield Measure(f"{mining}.gain", row, _LFW, digits=4, column="mean gain")
    yield Measure(f"{mining}.better", row, _LFW, column="better by more than chance")


MEASURES = tuple(measure for mining in MINING for measure in _measures(mining))


def main() -> None:
    benchmark = Benchmark("triplet", __doc__, MEASURES)
    benchmark.size("--seeds", 3, "thirds of the people that are held out, one after the other")
    options = benchmark.parse()
    trainings = Trainings(options.data / "lfw-dev", options.seeds)
    benchmark.run({mining: partial(trainings.of, mining) for mining in MINING})


class Trainings:
    """Trainings on the same faces."""

    def __init__(self, folder: Path, seeds: int) -> None:
        settings = load(embedder=EMBEDDER)
        self._progress, self._plan, self._seeds = Silent(), TrainingPlan("benchmark"), seeds
        photos = photos_below(folder, self._progress)
        analyzer = FaceAnalyzer.open(settings, photos=len(photos))
        self._course = trainable(self._plan.network, analyzer.embedder.info)
        self._faces = find_training_faces(folder, photos, analyzer, self._course, self._plan, settings, self._progress)

    def of(self, mining: str) -> dict[str, Value | Measured]:
        """Both figures, the gain, and how often it is more than chance, over all seeds."""
        found = [self._compared(replace(self._plan, mining=mining, seed=seed)) for seed in range(self._seeds)]
        return {
            f"{mining}.plain": _spread([one.plain.tar for one in found]),
            f"{mining}.trained": _spread([one.trained.tar for one in found]),
            f"{mining}.gain": _spread([one.gain for one in found]),
            f"{mining}.better": Measured(sum(one.better for one in found), of=len(found)),
        }

    def _compared(self, plan: TrainingPlan) -> EmbedderComparison:
        with tempfile.TemporaryDirectory() as out:
            folder = Path(out)
            result = run_training(self._faces, self._course, plan, folder, self._progress, epochs=100, patience=10)
            return result.comparison


def _spread(values: list[float]) -> Measured:
    return Measured(float(np.mean(values)), min(values), max(values))


if __name__ == "__main__":
    main()
