"""The main job on the data sets of the write-ups that phototag descends from.

    python -m benchmarks.main_job --data FOLDER

FOLDER holds `celebrity-5/{train,val}`, `lfw-100` (a folder a person) and `album` (`portraits`, a folder a
person; `group` with `group_annotations.json`). Everything is done as a user would, by the commands' own
jobs, in a database of its own. tests/test_accuracy.py holds the first three parts to their bounds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.command import Benchmark
from benchmarks.figures import Measure, Measured, Value, at_least, at_most, exactly
from benchmarks.libraries import indexed, main_faces
from phototag import config
from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.learn.identification import nearest_labels
from phototag.learn.linear_svm import train_svm
from phototag.learn.metrics import b_cubed, pairwise
from phototag.progress import Silent
from phototag.store import embeddings, faces
from phototag.types import Box
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.naming.label import label_from_folders
from phototag.workflows.recognition.cluster import cluster_faces
from phototag.workflows.recognition.tag import tag_faces
from phototag.workflows.recognition.train import train_people

_CELEBRITIES = "celebrity-5: 93 photos to learn from, 25 to tag"
_HALVES = "lfw-100: photos 1, 3, 5 … of each of ten people to learn from, 50 to classify"
_GROUPS = "album and lfw-100 indexed together: 161 faces of 18 people"

MEASURES = (
    Measure(
        "celebrity.right",
        "five celebrities: learn from 93 photos, tag the main face of 25: tagged rightly",
        _CELEBRITIES,
        wanted=at_least(24, tests=18),
        peer="25, with no way to say *unknown* (FaceNet and an SVM)",
    ),
    Measure("celebrity.wrong", "… tagged wrongly", _CELEBRITIES, wanted=exactly(0), peer="0"),
    Measure("celebrity.unknown", "… left unknown", _CELEBRITIES),
    Measure(
        "halves.svm",
        "ten people, half of the photos to learn from: accuracy of a linear SVM",
        _HALVES,
        digits=2,
        wanted=at_least(0.98, tests=1.0),
        peer="0.98 (nn4.small2)",
    ),
    Measure(
        "halves.knn",
        "… of the nearest neighbour",
        _HALVES,
        digits=2,
        wanted=at_least(0.96, tests=1.0),
        peer="0.96 (nn4.small2)",
    ),
    Measure(
        "groups.precision",
        "two albums grouped together: pairwise precision",
        _GROUPS,
        digits=3,
        wanted=at_least(0.98, tests=1.0),
    ),
    Measure("groups.recall", "… pairwise recall", _GROUPS, digits=3),
    Measure("groups.b3", "… B³ F", _GROUPS, digits=3),
    Measure("start.help", "`phototag --help` answers in", "median of 7", "s", 2, at_most(0.3)),
    Measure(
        "start.embedding",
        "embedding a face and its mirror image",
        "64 chips at once, median of 5",
        "ms",
        1,
        at_most(10),
    ),
    Measure(
        "start.tensorflow",
        "`index` imports TensorFlow when its networks are cached",
        "the demo's photos",
        wanted=exactly(False),
    ),
)


def main() -> None:
    benchmark = Benchmark("main_job", __doc__, MEASURES)
    data = benchmark.parse().data
    benchmark.run({
        "celebrity": lambda: celebrity(data / "celebrity-5"),
        "halves": lambda: halves(data / "lfw-100"),
        "groups": lambda: groups(data / "album", data / "lfw-100"),
        "start": start,
    })  # fmt: skip


def celebrity(folder: Path) -> dict[str, Value]:
    """Label and train on `train`, tag `val`, score the main face of each photo of `val`."""
    with indexed(folder / "train", folder / "val") as store:
        label_from_folders(store, folder / "train")
        train_people(store, Silent())
        tag_faces(store, Silent())
        tags = [(face.person, face.path.parent.name) for face in main_faces(store, folder / "val")]
    return {
        "celebrity.right": sum(tag == name for tag, name in tags),
        "celebrity.wrong": sum(tag not in (None, name) for tag, name in tags),
        "celebrity.unknown": sum(tag is None for tag, _ in tags),
    }


def halves(folder: Path) -> dict[str, Value]:
    """Photos 1, 3, 5 … of each person train a linear SVM and a nearest-neighbour rule; 0, 2, 4 … test them."""
    with indexed(folder) as store:
        ids, vectors = embeddings.vectors(store, current_embedder(store), where="all")
        chosen = main_faces(store, folder)
    row = {face: number for number, face in enumerate(ids)}
    points = vectors[[row[main.face] for main in chosen]]
    people = np.unique([main.path.parent.name for main in chosen], return_inverse=True)[1]
    odd = np.arange(len(chosen)) % 2 == 1
    model = train_svm(points[odd], people[odd].tolist())
    svm = np.asarray(model.people)[np.argmax(points[~odd] @ model.coef.T + model.intercept, axis=1)]
    knn = np.asarray(nearest_labels(points[~odd], points[odd], people[odd].tolist()))
    return {
        "halves.svm": float((svm == people[~odd]).mean()),
        "halves.knn": float((knn == people[~odd]).mean()),
    }


def groups(album: Path, lfw: Path) -> dict[str, Value]:
    """Cluster the album and lfw-100 together; the truth is folders, and annotated boxes in group photos."""
    annotations = json.loads((album / "group_annotations.json").read_text("utf-8"))
    with indexed(album, lfw) as store:
        cluster_faces(store, Silent())
        main = {face.face for folder in (album, lfw) for face in main_faces(store, folder)}
        truth, labels = [], []
        for face in faces.identified(store):
            path = Path(os.fsdecode(face.path))
            if path.name in annotations:
                name = _annotated(annotations[path.name], face.box)
            else:
                name = path.parent.name if face.id in main else None
            if name is not None:
                truth.append(name)
                labels.append(-1 if face.cluster is None else face.cluster)
    pairs = pairwise(truth, labels)
    return {
        "groups.precision": pairs.precision,
        "groups.recall": pairs.recall,
        "groups.b3": b_cubed(truth, labels).f1,
    }


def _annotated(boxes: Iterable[Mapping[str, Any]], box: Box) -> str | None:
    """The name of the annotated box at the same place."""
    for entry in boxes:
        left, top, right, bottom = entry["box"]
        if Box(left, top, right - left, bottom - top).iou(box) >= 0.4:
            return str(entry["name"])
    return None


# --- start ---


def start() -> dict[str, Value | Measured]:
    """Time of `--help`, of embedding a face, and whether a warm index imports TensorFlow."""
    return {
        "start.help": median(_seconds_of_help() for _ in range(7)),
        "start.embedding": 1000 * _seconds_a_face(),
        "start.tensorflow": _imports_tensorflow(),
    }


def _seconds_of_help() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "phototag", "--help"], check=True, capture_output=True)
    return time.perf_counter() - began


def _seconds_a_face() -> float:
    analyzer = FaceAnalyzer.open(config.load())
    chips = np.random.default_rng(0).integers(0, 256, (64, 150, 150, 3), np.uint8)
    analyzer.embed(chips)
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        analyzer.embed(chips)
        rounds.append((time.perf_counter() - began) / len(chips))
    return median(rounds)


def _imports_tensorflow() -> bool:
    """Whether an index in a process of its own does; the networks are cached by now."""
    probe = (
        "import sys, tempfile, pathlib; from phototag import config; from phototag.progress import Silent;"
        "from phototag.workflows.demo.photos import write_demo_library; from phototag.store.connect import open_store;"
        "from phototag.workflows.library.index import index\n"
        "if __name__ == '__main__':\n"
        "    folder = pathlib.Path(tempfile.mkdtemp()); write_demo_library(folder / 'photos')\n"
        "    index(open_store(folder / 'x.db', create=True), [folder / 'photos'], config.load(), Silent())\n"
        "    print('tensorflow' in sys.modules)"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(probe)
        script.flush()
        return (
            subprocess.run([sys.executable, script.name], check=True, capture_output=True, text=True).stdout.strip()
            == "True"
        )


if __name__ == "__main__":
    main()
