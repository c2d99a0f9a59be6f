"""Recognition on the data sets of the write-ups that phototag descends from, and on LFW's development list.

    python -m benchmarks.recognition --data FOLDER

FOLDER holds `lfw-100`, `lfw-dev` and `celebrity-5/{train,val}`, each with a folder a person, and `models` with
MobileFaceNet. Main faces are found by MTCNN. All is what `phototag evaluate` says; found faces are remembered in the
cache folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.command import Benchmark
from benchmarks.figures import Measure, Measured, Value, Wanted, at_least, exactly
from benchmarks.libraries import add_models
from phototag import config
from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.analysis.thresholds import thresholds_of
from phototag.learn.balanced_pairs import draw_balanced_pairs
from phototag.learn.identification import identify
from phototag.learn.trials import open_set
from phototag.learn.verification import cross_validated_accuracy, listed_pairs
from phototag.progress import Silent
from phototag.types import Thresholds
from phototag.workflows.evaluation.evaluate import evaluate
from phototag.workflows.evaluation.tree import photos_below, read_tree

#: Draws of balanced pairs that a figure is the mean of.
DRAWS = 5


EMBEDDERS = {"dlib-resnet-int8": "default (`dlib-resnet-int8`)", "mobilefacenet": "MobileFaceNet"}

_HUNDRED = "lfw-100: 100 faces of 10 people"
_CELEBRITIES = "celebrity-5: 93 photos to learn from, 25 to name"
_LFW = "lfw-dev: 2,501 faces of 940 people"


def _measures(embedder: str, column: str) -> Iterable[Measure]:
    def measure(
        key: str, label: str, on: str, digits: int = 0, wanted: Wanted | None = None, peer: str = ""
    ) -> Measure:
        return Measure(f"{embedder}.{key}", label, on, digits=digits, wanted=wanted, column=column, peer=peer)

    yield measure(
        "hundred.best",
        "lfw-100, all 4,950 pairs once: accuracy at the best-F1 τ",
        _HUNDRED,
        4,
        at_least(0.995),
        "0.957",
    )
    yield measure("hundred.folds", "… each judged by the τ of the other folds", _HUNDRED, 4)
    yield measure(
        "hundred.svm",
        "lfw-100, odd photos to learn from, even ones to classify: linear SVM",
        _HUNDRED,
        2,
        at_least(1),
        "0.98",
    )
    yield measure("hundred.knn", "… nearest neighbour", _HUNDRED, 2, at_least(0.99), "0.96")
    yield measure(
        "celebrity.right",
        "celebrity-5, 25 photos by an SVM within the embedder's threshold: right",
        _CELEBRITIES,
        0,
        exactly(25),
        "25, no threshold",
    )
    yield measure("celebrity.wrong", "… wrong", _CELEBRITIES, 0, exactly(0))
    yield measure(
        "lfw.balanced", f"lfw-dev, ten folds of 600 balanced pairs, mean of {DRAWS} draws", _LFW, 3, at_least(0.992)
    )
    yield measure(
        "lfw.far-1e-3", "lfw-dev, all 3,126,250 pairs: true accepts at 0.1 % false ones", _LFW, 3, at_least(0.96)
    )
    yield measure("lfw.far-1e-2", "… at 1 %", _LFW, 3)
    yield measure("lfw.open", "lfw-dev, half of the people with four photos held out: identified at 1 % false", _LFW, 3)
    yield measure("lfw.open-nearest", "… by the nearest face and a threshold", _LFW, 3)
    yield measure("lfw.open-svm", "… by a plain SVM", _LFW, 3)


MEASURES = tuple(measure for embedder, column in EMBEDDERS.items() for measure in _measures(embedder, column))


def main() -> None:
    benchmark = Benchmark("recognition", __doc__, MEASURES)
    data = benchmark.parse().data
    with add_models(data, "mobilefacenet"):
        benchmark.run({embedder: partial(measured, embedder, data) for embedder in EMBEDDERS})


def measured(embedder: str, data: Path) -> dict[str, Value | Measured]:
    settings = config.load(detector="mtcnn", embedder=embedder)
    thresholds = thresholds_of(FaceAnalyzer.open(settings, photos=1).embedder.info)
    told = {
        **hundred(data / "lfw-100", settings),
        **celebrity(data / "celebrity-5", settings),
        **development(data / "lfw-dev", settings, thresholds),
    }
    return {f"{embedder}.{key}": value for key, value in told.items()}


def hundred(folder: Path, settings: config.Settings) -> dict[str, Value]:
    """All pairs once, at the threshold of best F1; odd photos of each person learnt, even ones asked about."""
    found = evaluate(folder, settings, Silent())
    assert found.whole_tree and found.whole_tree.odd_even
    return {
        "hundred.best": found.verification.chosen.accuracy,
        "hundred.folds": found.verification.accuracy.mean,
        "hundred.svm": found.whole_tree.odd_even.svm,
        "hundred.knn": found.whole_tree.odd_even.knn,
    }


def celebrity(folder: Path, settings: config.Settings) -> dict[str, Value]:
    """The main face of each photo of `val` by a linear SVM of `train`, within the embedder's threshold."""
    photos = [photos_below(folder / part, Silent()) for part in ("train", "val")]
    analyzer = FaceAnalyzer.open(settings, photos=sum(map(len, photos)))
    known, asked = (read_tree(paths, analyzer, settings, Silent()) for paths in photos)
    names, labels = np.unique(np.array(known.people), return_inverse=True)
    thresholds = thresholds_of(analyzer.embedder.info)
    answers = identify(asked.vectors, known.vectors, labels.tolist(), thresholds, "svm")
    right = [names[answer.person] == person for answer, person in zip(answers, asked.people, strict=True)]
    accepted = [good for answer, good in zip(answers, right, strict=True) if answer.accepted]
    return {"celebrity.right": sum(accepted), "celebrity.wrong": len(accepted) - sum(accepted)}


def development(folder: Path, settings: config.Settings, thresholds: Thresholds) -> dict[str, Value | Measured]:
    """Balanced pairs by ten folds as in LFW's protocol, true accepts over all pairs, and the open set."""
    found = evaluate(folder, settings, Silent())
    tree, (one_percent, one_per_mille) = found.tree, found.verification.at_far
    unknown = open_set(tree.vectors, tree.people, thresholds)
    assert unknown is not None
    means = [_balanced(tree.vectors, tree.people, seed) for seed in range(DRAWS)]
    return {
        "lfw.balanced": Measured(float(np.mean(means)), min(means), max(means)),
        "lfw.far-1e-3": one_per_mille.tar,
        "lfw.far-1e-2": one_percent.tar,
        "lfw.open": unknown.gated,
        "lfw.open-nearest": unknown.knn,
        "lfw.open-svm": unknown.svm,
    }


def _balanced(vectors: np.ndarray, people: tuple[str, ...], seed: int) -> float:
    rows, same, fold = draw_balanced_pairs(people, seed=seed)
    apart = np.linalg.norm(vectors[rows[:, 0]] - vectors[rows[:, 1]], axis=1)
    return cross_validated_accuracy(listed_pairs(apart, same, fold)).mean


if __name__ == "__main__":
    main()
