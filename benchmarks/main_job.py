"""The main job on the data sets of the write-ups that phototag descends from.

    python benchmarks/main_job.py --data FOLDER [--json]

FOLDER holds `celebrity-5/{train,val}`, `lfw-100` (a folder a person) and `album` (`portraits`, a folder a
person; `group` with `group_annotations.json`). Everything is done as a user would, by the commands' own
jobs, in a database of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from phototag import config
from phototag.analysis.face_analyzer import Eye
from phototag.analysis.main_face import main_face
from phototag.learn.classify import nearest, train
from phototag.learn.metrics import b_cubed, pairwise
from phototag.progress import Silent
from phototag.store import embeddings, faces
from phototag.store.connect import Store, open_store
from phototag.types import Box
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.library.index import index
from phototag.workflows.naming.label import label_from_folders
from phototag.workflows.recognition.cluster import cluster_faces
from phototag.workflows.recognition.tag import tag_faces
from phototag.workflows.recognition.train import train_people


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    data = options.data.resolve()
    figures = {
        "machine": {"cores": os.cpu_count(), "python": sys.version.split()[0]},
        "celebrity-5, train → val, gate on": celebrity(data / "celebrity-5"),
        "lfw-100, odd/even": halves(data / "lfw-100"),
        "album + lfw-100 clustered": groups(data),
        "start": start(),
    }
    print(json.dumps(figures, indent=2) if options.json else _text(figures))


def celebrity(folder: Path) -> dict[str, object]:
    """Label and train on `train`, tag `val`, score the main face of each photo of `val`."""
    with library(folder / "train", folder / "val") as store:
        label_from_folders(store, folder / "train")
        train_people(store, Silent())
        tag_faces(store, Silent())
        right, wrong, unknown = 0, [], []
        for photo in main_faces(store, folder / "val"):
            if photo.person is None:
                unknown.append(photo.path.name)
            elif photo.person == photo.path.parent.name:
                right += 1
            else:
                wrong.append(f"{photo.path.name} as {photo.person}")
        photos = sum(1 for path in (folder / "val").rglob("*") if path.is_file())
        return {"photos": photos, "right": right, "wrong": wrong, "unknown": unknown}


def halves(folder: Path) -> dict[str, object]:
    """Photos 1, 3, 5 … of each person train a linear SVM and a nearest-neighbour rule; 0, 2, 4 … test them."""
    with library(folder) as store:
        embedder = current_embedder(store)
        ids, vectors = embeddings.vectors(store, embedder, where="all")
        row = {face: number for number, face in enumerate(ids)}
        chosen = [(photo, row[photo.face]) for photo in main_faces(store, folder)]
    chosen.sort(key=lambda pair: str(pair[0].path))
    names = sorted({photo.path.parent.name for photo, _ in chosen})
    people = np.array([names.index(photo.path.parent.name) for photo, _ in chosen])
    points = vectors[[number for _, number in chosen]]
    odd = np.arange(len(chosen)) % 2 == 1
    model = train(points[odd], people[odd].tolist())
    svm = np.asarray(model.people)[np.argmax(points[~odd] @ model.coef.T + model.intercept, axis=1)]
    knn = np.asarray(nearest(points[~odd], points[odd], people[odd].tolist()))
    return {
        "faces": len(chosen),
        "svm accuracy": round(float((svm == people[~odd]).mean()), 4),
        "knn accuracy": round(float((knn == people[~odd]).mean()), 4),
    }


def groups(data: Path) -> dict[str, object]:
    """Cluster the album and lfw-100 together; the truth is folders, and annotated boxes in group photos."""
    annotations = json.loads((data / "album" / "group_annotations.json").read_text())
    with library(data / "album", data / "lfw-100") as store:
        done = cluster_faces(store, Silent())
        main = {photo.face for photo in main_faces(store, data)}
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
    pairs, cubed = pairwise(truth, labels), b_cubed(truth, labels)
    return {
        "faces with a known name": len(truth),
        "people": len(set(truth)),
        "groups": done.groups,
        "pairwise precision": round(pairs.precision, 4),
        "pairwise recall": round(pairs.recall, 4),
        "B³ F": round(cubed.f, 4),
        "largest groups": Counter(label for label in labels if label >= 0).most_common(3),
    }


def start() -> dict[str, object]:
    """Time of `--help`, of embedding a face, and whether a warm index imports TensorFlow."""
    command = [sys.executable, "-m", "phototag", "--help"]
    seconds = []
    for _ in range(7):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - began)
    eye = Eye.open(config.load())
    chips = np.random.default_rng(0).integers(0, 256, (64, 150, 150, 3), np.uint8)
    eye.embed(chips)
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        eye.embed(chips)
        rounds.append((time.perf_counter() - began) / len(chips))
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
        imported = subprocess.run([sys.executable, script.name], check=True, capture_output=True, text=True).stdout
    return {
        "phototag --help, seconds (median of 7)": round(median(seconds), 3),
        "embedding, ms a face (64 at once, mirrored too, median of 5)": round(1000 * median(rounds), 2),
        "index on a warm cache imports TensorFlow": imported.strip() == "True",
    }


class library:
    """A database of its own with these folders indexed."""

    def __init__(self, *roots: Path) -> None:
        self.roots = roots

    def __enter__(self) -> Store:
        self.folder = tempfile.TemporaryDirectory()
        settings = replace(config.load(), db=Path(self.folder.name) / "benchmark.db")
        self.store = open_store(settings.db, create=True)
        index(self.store, self.roots, settings, Silent())
        return self.store

    def __exit__(self, *_: object) -> None:
        self.store.close()
        self.folder.cleanup()


class Main:
    """The main face of one photo."""

    def __init__(self, path: Path, face: int, person: str | None) -> None:
        self.path, self.face, self.person = path, face, person


def main_faces(store: Store, below: Path) -> list[Main]:
    """The main face of every photo below a folder that has one."""
    sizes = dict(store.rows("SELECT id, width || 'x' || height FROM photo WHERE width IS NOT NULL"))
    found = []
    by_photo: dict[int, list[faces.Identified]] = {}
    for face in faces.identified(store):
        by_photo.setdefault(face.photo_id, []).append(face)
    for photo, members in by_photo.items():
        path = Path(os.fsdecode(members[0].path))
        if below in path.parents:
            width, height = map(int, sizes[photo].split("x"))
            best = main_face(faces.of_photo(store, photo), width, height)
            person = next(face.person for face in members if face.id == best.id)
            found.append(Main(path, best.id, person))
    return found


def _annotated(boxes: list[dict[str, object]], box: Box) -> str | None:
    """The name of the annotated box at the same place."""
    for entry in boxes:
        left, top, right, bottom = entry["box"]  # type: ignore[misc]
        if Box(left, top, right - left, bottom - top).iou(box) >= 0.4:
            return str(entry["name"])
    return None


def _text(figures: dict[str, object]) -> str:
    return "\n".join(f"{name}\n" + "\n".join(f"    {key}: {value}" for key, value in part.items())  # type: ignore[attr-defined]
                     for name, part in figures.items())  # fmt: skip


if __name__ == "__main__":
    main()
