"""Our engines beside the packages whose networks they run, side by side in one run.

    python benchmarks/engines.py --data FOLDER [--json] [--photos 30] [--pairs 2501]

FOLDER holds `lfw-dev` (a folder a person), `album`, `face-boxes` and `models`. Times are medians of alternating
turns on the same arrays; a photo is enlarged to 1,280 pixels for timing. True boxes are those of
`face-boxes/*.xml` and `album/group_annotations.json`; a found face is false where it overlaps no true one.
Verification is over all pairs of lfw-dev's main faces, B³ is of the groups that these make.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from phototag.engines import catalogue
from phototag.engines.embedders.dlib_resnet import WEIGHTS, DlibResNet, DlibResNetInt8
from phototag.engines.registry import EngineOptions, add, make_detector, make_embedder
from phototag.imaging.align import align
from phototag.learn.cluster import cluster
from phototag.learn.metrics import b_cubed
from phototag.types import RGB, Box, Detection, Detector, Vectors

LONG_SIDE = 1280
DOZEN = 12  #: faces at a time


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--photos", type=int, default=30, help="photos to time detectors on")
    arguments.add_argument("--faces", type=int, default=60, help="faces to time embedders on")
    arguments.add_argument("--pairs", type=int, default=2501, help="photos of lfw-dev whose pairs are compared")
    options = arguments.parse_args()
    figures = measure(options.data.resolve(), options.photos, options.faces, options.pairs)
    print(json.dumps(figures, indent=2) if options.json else text(figures))


def measure(data: Path, photos: int = 30, faces: int = 60, pairs: int = 2501) -> dict[str, Any]:
    portraits = sorted((data / "lfw-dev").rglob("*.jpg"))
    groups = sorted((data / "album").rglob("*.jpg")) + sorted((data / "face-boxes").glob("*.jpg"))
    mtcnn = make_detector("mtcnn", EngineOptions())
    return {
        "machine": {"cores": os.cpu_count(), "python": sys.version.split()[0]},
        "embedding": embedding(portraits[:: max(1, len(portraits) // faces)][:faces], mtcnn),
        "detection": detection(groups, portraits, photos, truth(data), mtcnn),
        "lfw-dev": recognition(portraits[:pairs], data / "models"),
    }


def embedding(photos: list[Path], mtcnn: Detector) -> dict[str, float]:
    """Milliseconds a face: dlib's own descriptor; ours; ours of each face and its mirror image.

    A dozen chips at a time, with a network on each core, as an index runs them.
    """
    import dlib

    theirs = dlib.face_recognition_model_v1(str(WEIGHTS.path()))
    cores = os.cpu_count() or 1
    ours, eight_bit = ([made(EngineOptions(threads=1)) for _ in range(cores)] for made in (DlibResNet, DlibResNetInt8))
    pool = ThreadPoolExecutor(cores)

    def on_all(jobs: list[Callable[[Any], Vectors]], chips: Any) -> Vectors:
        parts = np.array_split(chips, cores)
        return np.concatenate(list(pool.map(lambda job, part: job(part), jobs, parts)))

    chips = np.concatenate([_chip(image, _main_face(mtcnn, image)) for image in map(_open, photos)])
    expected = np.array([theirs.compute_face_descriptor(chip) for chip in chips[:DOZEN]])
    descriptors = [engine.descriptors for engine in ours]
    times = _side_by_side(
        {
            "dlib": lambda chips: [theirs.compute_face_descriptor(chip) for chip in chips],
            "descriptor": lambda chips: on_all(descriptors, chips),
            "with mirror": lambda chips: on_all([engine.embed for engine in ours], chips),
            "with mirror, in 8 bits": lambda chips: on_all([engine.embed for engine in eight_bit], chips),
        },
        [chips[at : at + DOZEN] for at in range(0, len(chips) - DOZEN + 1, DOZEN)],
    )
    return {
        **{f"{name}, ms": 1e3 / DOZEN * seconds for name, seconds in times.items()},
        "times faster": times["dlib"] / times["descriptor"],
        "largest difference": float(np.abs(on_all(descriptors, chips[:DOZEN]) - expected).max()),
    }


def detection(
    groups: list[Path], portraits: list[Path], count: int, true: dict[Path, list[Box]], mtcnn: Detector
) -> dict[str, Any]:
    """Against `MTCNN().detect_faces`: time at 1,280 pixels; what each finds of the other's and of the truth."""
    theirs = _package()
    timed = [_enlarged(path) for path in (groups + portraits[::97])[:count]]
    times = _side_by_side({"package": theirs, "ours": lambda image: mtcnn.detect([image])}, timed)
    figures: dict[str, Any] = {
        **{f"{name}, ms": 1e3 * seconds for name, seconds in times.items()},
        "times faster": times["package"] / times["ours"],
    }
    some = groups + portraits[:: max(1, len(portraits) // 200)]
    for name, paths, opened in (("as they are", some, _open), ("enlarged", groups + portraits[::97], _enlarged)):
        package: dict[Path, list[Box]] = {}
        ours: dict[Path, list[Box]] = {}
        for path in paths:
            image = opened(path)
            scale = image.shape[1] / _open(path).shape[1]
            package[path] = [box.scaled(1 / scale) for box in theirs(image)]
            ours[path] = [face.box.scaled(1 / scale) for face in mtcnn.detect([image])[0]]
        faces = [(path, box) for path, boxes in package.items() for box in boxes]
        hits = [max((box.iou(mine) for mine in ours[path]), default=0) >= 0.5 for path, box in faces]
        sure = [
            hit for hit, (path, box) in zip(hits, faces, strict=True) if path not in true or not _false(box, true[path])
        ]
        figures[name] = {
            "faces the package finds": len(faces),
            "of them we find": float(np.mean(hits)),
            "of those that are none of its false ones": float(np.mean(sure)),
            **{
                f"{who}, against the truth": _against(boxes, true)
                for who, boxes in (("package", package), ("ours", ours))
            },
        }
    return figures


def recognition(photos: list[Path], models: Path) -> dict[str, dict[str, float]]:
    """What each pair of a detector and an embedder makes of the same faces: verification and B³ of groups."""
    options = EngineOptions()
    with tempfile.TemporaryDirectory() as shelf:
        os.environ["PHOTOTAG_ENGINES"] = shelf
        for entry in catalogue.entries():
            file = {"yunet": "yunet_n_dynamic.onnx", "mobilefacenet": "mobilefacenet.onnx"}[entry.name]
            add(entry.name, entry.family, models / file, entry.card)
        detectors = {name: make_detector(name, options) for name in ("dlib-hog", "mtcnn", "yunet")}
        embedders = {
            name: make_embedder(name, options) for name in ("dlib-resnet", "dlib-resnet-int8", "mobilefacenet")
        }
        del os.environ["PHOTOTAG_ENGINES"]
    pairs = [
        *itertools.product(("dlib-hog", "mtcnn"), ("dlib-resnet", "dlib-resnet-int8")),
        *itertools.product(("mtcnn", "yunet"), ("mobilefacenet",)),
    ]
    chips: dict[tuple[str, str], list[RGB]] = {pair: [] for pair in pairs}
    for image in map(_open, photos):
        main = _main_face(detectors["mtcnn"], image)
        # The same face by another detector; where that misses it, MTCNN's.
        faces = {"mtcnn": main}
        for name in ("dlib-hog", "yunet"):
            other = max(detectors[name].detect([image])[0], key=lambda face: face.box.iou(main.box), default=main)
            faces[name] = other if other.box.iou(main.box) > 0.3 else main
        for detector, embedder in pairs:
            info = embedders[embedder].info
            chips[detector, embedder] += [_chip(image, faces[detector], info.alignment, info.chip_size)[0]]
    people = np.array([path.parent.name for path in photos])
    figures = {}
    for (detector, embedder), cut in chips.items():
        network = embedders[embedder]
        vectors = np.concatenate(
            [network.embed(np.stack(some)) for some in (cut[at : at + 256] for at in range(0, len(cut), 256))]
        )
        thresholds = network.info.thresholds
        assert thresholds
        b3 = b_cubed(people, cluster(vectors, thresholds))
        figures[f"{detector}, {embedder}"] = {
            **_separation(vectors, people),
            "B³ precision": b3.precision,
            "B³ recall": b3.recall,
            "B³ F": b3.f,
        }
    return figures


def _separation(vectors: Vectors, people: Any) -> dict[str, float]:
    first, second = np.triu_indices(len(vectors), 1)
    distances = np.sqrt(np.maximum(0, 2 - 2 * (vectors @ vectors.T)))[first, second]
    alike = people[first] == people[second]
    same, different = np.sort(distances[alike]), np.sort(distances[~alike])
    thresholds = np.linspace(0, 2, 2001)
    right = (
        np.searchsorted(same, thresholds) / len(same) + 1 - np.searchsorted(different, thresholds) / len(different)
    ) / 2
    at = different[len(different) // 1000]
    return {
        "true accepts at 0.1 % false": float((same < at).mean()),
        "its threshold": float(at),
        "true accepts at 0.01 % false": float((same < different[len(different) // 10_000]).mean()),
        "best balanced accuracy": float(right.max()),
    }


def truth(data: Path) -> dict[Path, list[Box]]:
    """The true boxes by photo."""
    boxes: dict[Path, list[Box]] = {}
    named = json.loads((data / "album" / "group_annotations.json").read_text())
    for name, faces in named.items():
        boxes[data / "album" / "group" / name] = [_corners(*face["box"]) for face in faces]
    for file in (data / "face-boxes").glob("*ing.xml"):
        for image in ElementTree.parse(file).getroot().iter("image"):
            boxes[data / "face-boxes" / image.attrib["file"]] = [
                Box(*(float(box.attrib[side]) for side in ("left", "top", "width", "height")))
                for box in image.iter("box")
            ]
    return boxes


def _against(found: dict[Path, list[Box]], true: dict[Path, list[Box]]) -> dict[str, int]:
    counts = {"true": 0, "found": 0, "false": 0}
    for path in found.keys() & true.keys():
        counts["true"] += len(true[path])
        counts["found"] += sum(any(box.iou(one) >= 0.5 for one in found[path]) for box in true[path])
        counts["false"] += sum(_false(one, true[path]) for one in found[path])
    return counts


def _false(face: Box, true: list[Box]) -> bool:
    return all(face.iou(box) < 0.2 for box in true)


def _package() -> Callable[[RGB], list[Box]]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as clean:  # it loads weights from the current directory first
        os.chdir(clean)
        from mtcnn import MTCNN

        package = MTCNN()
        os.chdir(here)
    return lambda image: [Box(*map(float, face["box"])) for face in package.detect_faces(image)]


def _main_face(detector: Detector, image: RGB) -> Detection:
    middle = np.array(image.shape[1::-1]) / 2

    def prominence(face: Detection) -> float:
        centre = np.array([face.box.x + face.box.w / 2, face.box.y + face.box.h / 2])
        return face.box.w / 2 - float(np.linalg.norm(centre - middle))

    whole = Detection(Box(0, 0, image.shape[1], image.shape[0]), 0)
    return max(detector.detect([image])[0], key=prominence, default=whole)


def _chip(image: RGB, face: Detection, alignment: str = "dlib-5-point", size: int = 150) -> Any:
    return align(image, [face.box], alignment=alignment, size=size, landmarks=[face.landmarks])


def _open(path: Path) -> RGB:
    return np.asarray(Image.open(path).convert("RGB"))


def _enlarged(path: Path) -> RGB:
    picture = Image.open(path).convert("RGB")
    factor = LONG_SIDE / max(picture.size)
    return np.asarray(picture.resize((round(picture.width * factor), round(picture.height * factor))))


def _corners(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(left, top, right - left, bottom - top)


def _side_by_side(jobs: dict[str, Callable[[Any], object]], inputs: list[Any]) -> dict[str, float]:
    """Each job's median seconds over the inputs; they take turns, so that noise falls on all alike."""
    for job in jobs.values():
        job(inputs[0])
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for value in inputs:
        for name, job in jobs.items():
            times[name].append(_timed(lambda job=job, value=value: job(value)))  # type: ignore[misc]
    return {name: median(seconds) for name, seconds in times.items()}


def _timed(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def text(figures: dict[str, Any], indent: str = "") -> str:
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", text(value, indent + "    ")]
        else:
            lines.append(f"{indent}{name}: {value:.4g}" if isinstance(value, float) else f"{indent}{name}: {value}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
