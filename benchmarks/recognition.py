"""Recognition on the data sets of the write-ups that phototag descends from, and on LFW's development list.

    python benchmarks/recognition.py --data FOLDER [--embedder NAME …] [--json]

FOLDER holds `lfw-100`, `lfw-dev` and `celebrity-5/{train,val}`, each with a folder a person. By default the best
embedder that is installed is measured; name others beside it (`--embedder dlib-resnet-int8 --embedder mobilefacenet`).
All is what `phototag evaluate` says; found faces are remembered in the cache folder.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from phototag import config
from phototag.analysis.analyze import opened
from phototag.analysis.thresholds import thresholds_of
from phototag.engines.choice import best
from phototag.learn.identification import identify
from phototag.learn.verification import balanced, folded, of_pairs
from phototag.progress import Silent
from phototag.workflows.evaluation.evaluate import evaluate
from phototag.workflows.evaluation.tree import photos_below, read_tree

#: Draws of balanced pairs that a figure is the mean of.
DRAWS = 5


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--embedder", action="append")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    data = options.data.resolve()
    figures: dict[str, object] = {"machine": {"cores": os.cpu_count(), "python": sys.version.split()[0]}}
    for embedder in options.embedder or [best("embedder")]:
        settings = config.load(embedder=embedder)
        figures[embedder] = {
            "lfw-100": hundred(data / "lfw-100", settings),
            "celebrity-5, train → val, gate on": celebrity(data / "celebrity-5", settings),
            "lfw-dev": development(data / "lfw-dev", settings),
        }
    print(json.dumps(figures, indent=2) if options.json else _text(figures))


def hundred(folder: Path, settings: config.Settings) -> dict[str, Any]:
    """All pairs once, at the threshold of best F1; odd photos of each person learnt, even ones asked about."""
    figures = evaluate(folder, settings, Silent()).figures
    checked, named = figures["verification"], figures["classifiers"]
    return {
        "accuracy at best F1": checked["accuracy_at_threshold"],
        "accuracy, by folds": checked["accuracy"],
        "threshold": checked["threshold"],
        "F1": checked["f1"],
        "svm accuracy": named["svm"]["accuracy"],
        "knn accuracy": named["knn"]["accuracy"],
    }


def celebrity(folder: Path, settings: config.Settings) -> dict[str, int]:
    """The main face of each photo of `val` by a linear SVM of `train`, within the embedder's threshold."""
    photos = [photos_below(folder / part, Silent()) for part in ("train", "val")]
    eye = opened(settings, sum(map(len, photos)))
    known, asked = (read_tree(paths, eye, settings, Silent()) for paths in photos)
    names, labels = np.unique(np.array(known.people), return_inverse=True)
    thresholds = thresholds_of(eye.embedder.info)
    answers = identify(asked.vectors, known.vectors, labels.tolist(), thresholds, "svm")
    right = [names[answer.person] == person for answer, person in zip(answers, asked.people, strict=True)]
    return {
        "photos": len(photos[1]),
        "right": sum(answer.accepted and good for answer, good in zip(answers, right, strict=True)),
        "wrong": sum(answer.accepted and not good for answer, good in zip(answers, right, strict=True)),
        "unknown": sum(not answer.accepted for answer in answers),
    }


def development(folder: Path, settings: config.Settings) -> dict[str, Any]:
    """Balanced pairs by ten folds as in LFW's protocol, and true accepts over all pairs."""
    found = evaluate(folder, settings, Silent())
    checked, tree = found.figures["verification"], found.tree
    means, errors = zip(*(_balanced(tree.vectors, tree.people, seed) for seed in range(DRAWS)), strict=True)
    return {
        f"balanced accuracy, mean of {DRAWS} draws": float(np.mean(means)),
        "its standard error over folds": float(np.mean(errors)),
        "least and most of the draws": [min(means), max(means)],
        "TAR at FAR 1e-3": checked["tar_at_far_1e-3"],
        "TAR at FAR 1e-2": checked["tar_at_far_1e-2"],
        "within halves": checked["normalised"],
        "open set": found.figures["open_set"],
        "B³ F": found.figures["clustering"]["b3_f"],
    }


def _balanced(vectors: np.ndarray, people: tuple[str, ...], seed: int) -> tuple[float, float]:
    rows, same, fold = balanced(people, seed=seed)
    apart = np.linalg.norm(vectors[rows[:, 0]] - vectors[rows[:, 1]], axis=1)
    accuracy = folded(of_pairs(apart, same, fold))
    return accuracy.mean, accuracy.error


def _text(figures: dict[str, Any]) -> str:
    lines = []
    for embedder, sets in figures.items():
        lines.append(embedder)
        for name, values in sets.items():
            if isinstance(values, dict):
                lines.append(f"  {name}")
                lines += [f"    {key}: {value}" for key, value in values.items()]
            else:
                lines.append(f"  {name}: {values}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
