"""A projection learnt with the triplet loss, against the plain vectors, on people that it never saw.

    python benchmarks/triplet.py --data FOLDER [--json] [--seeds 3] [--embedder dlib-resnet-int8]

FOLDER holds `lfw-dev` (a folder a person). Each seed holds out another third of the people; of the others a fifth says
when to stop. Semi-hard and random triplets learn from the same faces.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from phototag.analysis.analyze import opened
from phototag.config import load
from phototag.engines.training.trainable import trainable
from phototag.learn.triplets import MINING
from phototag.progress import Silent
from phototag.workflows.evaluation.train_embedder import Plan, learn, look
from phototag.workflows.evaluation.tree import photos_below


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--embedder", default="dlib-resnet-int8")
    options = arguments.parse_args()
    figures = measure(options.data / "lfw-dev", options.seeds, options.embedder)
    print(json.dumps(figures, indent=2) if options.json else text(figures))


def measure(folder: Path, seeds: int, embedder: str) -> dict[str, Any]:
    """For each mining and seed: both figures, the gain, its error, and the epoch that was best."""
    settings, progress, plan = load(embedder=embedder), Silent(), Plan("benchmark")
    photos = photos_below(folder, progress)
    eye = opened(settings, len(photos))
    course = trainable(plan.network, eye.embedder.info)
    faces = look(folder, photos, eye, course, plan, settings, progress)
    figures: dict[str, Any] = {}
    for mining in MINING:
        runs = []
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as out:
                own = replace(plan, mining=mining, seed=seed)
                learnt = learn(faces, course, own, Path(out), progress, epochs=100, patience=10)
            best = max(learnt.history, key=lambda row: (row.tar, row.accuracy, -row.epoch))
            runs.append({**asdict(learnt.comparison), "better": learnt.comparison.better, "epoch": best.epoch})
        gain = float(np.mean([run["gain"] for run in runs]))
        figures[mining] = {"runs": runs, "mean_gain": gain, "better": sum(run["better"] for run in runs)}
    return figures


def text(figures: dict[str, Any]) -> str:
    lines = []
    for mining, found in figures.items():
        lines.append(f"{mining}: {found['mean_gain']:+.2%} on the mean, better {found['better']} times")
        lines += [
            f"  {run['plain']['tar']:.2%} → {run['trained']['tar']:.2%} true accepts at 0.1 % false ones "
            f"({run['gain']:+.2%} ± {run['error']:.2%}); accuracy {run['plain']['accuracy']:.2%} → "
            f"{run['trained']['accuracy']:.2%}; epoch {run['epoch']}"
            for run in found["runs"]
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
