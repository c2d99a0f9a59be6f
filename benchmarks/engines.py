"""Our engines beside the packages whose networks they run, side by side in one run.

    python -m benchmarks.engines --data FOLDER

FOLDER holds `lfw-dev` (a folder a person), `album`, `face-boxes` and `models`. Times are medians of alternating
turns on the same arrays; a photo is enlarged to 1,280 pixels for timing. True boxes are those of
`face-boxes/*.xml` and `album/group_annotations.json`; a found face is false where it overlaps no true one.
Verification is over all pairs of lfw-dev's main faces, B³ is of the groups that these make.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.command import Benchmark
from benchmarks.figures import Measure, Measured, Value, at_least, at_most
from benchmarks.libraries import add_models
from phototag.engines.embedders.dlib_resnet import WEIGHTS, DlibResNet, DlibResNetInt8
from phototag.engines.registry import make_detector, make_embedder
from phototag.engines.spec import EngineOptions
from phototag.imaging.align import align
from phototag.learn.cluster import cluster
from phototag.learn.metrics import b_cubed
from phototag.types import RGB, Box, Detection, Detector, Vectors

LONG_SIDE = 1280
DOZEN = 12  #: faces at a time
Boxes = dict[Path, list[Box]]  #: by photo


_CHIPS = "60 faces of lfw-dev, a dozen at a time, a network on each core"
_ENLARGED = "photos of album, face-boxes and lfw-dev, enlarged to a long side of 1,280 pixels"
_TRUTH = "album and face-boxes: 66 true faces"
_LFW = "lfw-dev: all pairs of 2,501 main faces"
_SETS = {"original": "photos as they are", "enlarged": "photos enlarged to 1,280 pixels"}
_PAIRS = (
    ("mtcnn", "dlib-resnet-int8"),
    ("mtcnn", "dlib-resnet"),
    ("dlib-hog", "dlib-resnet-int8"),
    ("dlib-hog", "dlib-resnet"),
    ("mtcnn", "mobilefacenet"),
    ("yunet", "mobilefacenet"),
)
_SCORES = {
    "far-1e-3": "true accepts at 0.1 % false ones",
    "far-1e-4": "at 0.01 %",
    "precision": "B³ precision",
    "recall": "B³ recall",
    "f": "B³ F",
}


def _detections() -> Iterable[Measure]:
    for key, label in _SETS.items():
        on = "40 to 230 photos of album, face-boxes and lfw-dev"
        yield Measure(
            f"detection.{key}.found",
            f"{label}: the mtcnn package's detections that ours finds",
            on,
            wanted=at_least(0.99),
        )
        yield Measure(f"detection.{key}.faces", "… of those that are not false", on, wanted=at_least(0.99))
    for key, label in _SETS.items():
        for who, name in (("ours", "phototag's `mtcnn`"), ("package", "the mtcnn package")):
            row = f"{name}, {label}"
            yield Measure(f"truth.{who}.{key}.found", row, _TRUTH, column="true faces found")
            yield Measure(f"truth.{who}.{key}.false", row, _TRUTH, column="false faces")


MEASURES = (
    Measure("embedding.dlib", "dlib's `compute_face_descriptor`, a face", _CHIPS, "ms", 1),
    Measure("embedding.descriptor", "`dlib-resnet`, a face", _CHIPS, "ms", 1),
    Measure("embedding.ratio", "… times as fast", _CHIPS, digits=1, wanted=at_least(25)),
    Measure("embedding.difference", "… largest difference", _CHIPS, digits=7, wanted=at_most(1e-4)),
    Measure("embedding.mirror", "`dlib-resnet`, a face and its mirror image", _CHIPS, "ms", 1),
    Measure("embedding.mirror-int8", "`dlib-resnet-int8`, a face and its mirror image", _CHIPS, "ms", 1),
    Measure("speed.package", "the mtcnn package, a photo", _ENLARGED, "ms", 0),
    Measure("speed.ours", "phototag's `mtcnn`, a photo", _ENLARGED, "ms", 0),
    Measure("speed.ratio", "… times as fast", _ENLARGED, digits=1, wanted=at_least(8)),
    *_detections(),
    *(
        Measure(
            f"pairs.{detector}.{embedder}.{key}",
            f"`{detector}`, `{embedder}`",
            _LFW,
            digits=4 if "far" in key else 3,
            column=column,
        )
        for detector, embedder in _PAIRS
        for key, column in _SCORES.items()
    ),
)


def main() -> None:
    benchmark = Benchmark("engines", __doc__, MEASURES)
    benchmark.size("--photos", 30, "photos to time detectors on")
    benchmark.size("--faces", 60, "faces to time embedders on")
    benchmark.size("--pairs", 2501, "photos of lfw-dev whose pairs are compared")
    options = benchmark.parse()
    portraits = sorted((options.data / "lfw-dev").rglob("*.jpg"))
    groups = sorted((options.data / "album").rglob("*.jpg")) + sorted((options.data / "face-boxes").glob("*.jpg"))
    mtcnn = make_detector("mtcnn", EngineOptions())
    found = Detections(groups, portraits, truth(options.data), mtcnn)
    benchmark.run({
        "embedding": lambda: embedding(portraits[:: max(1, len(portraits) // options.faces)][: options.faces], mtcnn),
        "speed": lambda: speed((groups + portraits[::97])[: options.photos], mtcnn),
        "detection": found.of_the_package,
        "truth": found.of_the_truth,
        "pairs": lambda: recognition(portraits[: options.pairs], options.data),
    })  # fmt: skip


def embedding(photos: list[Path], mtcnn: Detector) -> dict[str, Value]:
    """Milliseconds a face: dlib's own descriptor; ours; ours of each face and its mirror image.

    A dozen chips at a time, with a network on each core, as an index runs them.
    """
    import dlib

    theirs = dlib.face_recognition_model_v1(str(WEIGHTS.path()))
    cores = os.cpu_count() or 1
    ours, eight_bit = ([made(EngineOptions(threads=1)) for _ in range(cores)] for made in (DlibResNet, DlibResNetInt8))
    pool = ThreadPoolExecutor(cores)

    def on_all(jobs: Sequence[Callable[[Any], Vectors]], chips: Any) -> Vectors:
        parts = np.array_split(chips, cores)
        return np.concatenate(list(pool.map(lambda job, part: job(part), jobs, parts)))

    chips = np.concatenate([_chip(image, _main_face(mtcnn, image)) for image in map(_open, photos)])
    expected = np.array([theirs.compute_face_descriptor(chip) for chip in chips[:DOZEN]])
    descriptors = [engine.descriptors for engine in ours]
    times = _side_by_side(
        {
            "dlib": lambda chips: [theirs.compute_face_descriptor(chip) for chip in chips],
            "descriptor": lambda chips: on_all(descriptors, chips),
            "mirror": lambda chips: on_all([engine.embed for engine in ours], chips),
            "mirror-int8": lambda chips: on_all([engine.embed for engine in eight_bit], chips),
        },
        [chips[at : at + DOZEN] for at in range(0, len(chips) - DOZEN + 1, DOZEN)],
    )
    milliseconds = {name: 1e3 / DOZEN * seconds for name, seconds in times.items()}
    return {
        **{f"embedding.{name}": value for name, value in milliseconds.items()},
        "embedding.ratio": times["dlib"] / times["descriptor"],
        "embedding.difference": float(np.abs(on_all(descriptors, chips[:DOZEN]) - expected).max()),
    }


def speed(photos: list[Path], mtcnn: Detector) -> dict[str, Value]:
    """Milliseconds a photo, against `MTCNN().detect_faces`."""
    times = _side_by_side(
        {"package": _package(), "ours": lambda image: mtcnn.detect([image])}, [_enlarged(path) for path in photos]
    )
    return {
        **{f"speed.{name}": 1e3 * seconds for name, seconds in times.items()},
        "speed.ratio": times["package"] / times["ours"],
    }


class Detections:
    """What the mtcnn package and our detector find in the same photos, as they are and enlarged."""

    def __init__(self, groups: list[Path], portraits: list[Path], true: Boxes, mtcnn: Detector) -> None:
        some = groups + portraits[:: max(1, len(portraits) // 200)]
        self._photos = {"original": (some, _open), "enlarged": (groups + portraits[::97], _enlarged)}
        self._true, self._mtcnn = true, mtcnn

    def of_the_package(self) -> dict[str, Measured]:
        """How many of the package's detections we find, and how many of those that are none of its false ones."""
        told = {}
        for name, (package, ours) in self._found.items():
            faces = [(path, box) for path, boxes in package.items() for box in boxes]
            hits = [max((box.iou(mine) for mine in ours[path]), default=0) >= 0.5 for path, box in faces]
            sure = [
                hit
                for hit, (path, box) in zip(hits, faces, strict=True)
                if path not in self._true or not _false(box, self._true[path])
            ]
            told[f"detection.{name}.found"] = Measured(sum(hits), of=len(hits))
            told[f"detection.{name}.faces"] = Measured(sum(sure), of=len(sure))
        return told

    def of_the_truth(self) -> dict[str, Value | Measured]:
        """True and false faces of both."""
        told: dict[str, Value | Measured] = {}
        for name, both in self._found.items():
            for who, boxes in zip(("package", "ours"), both, strict=True):
                for kind, value in _against(boxes, self._true).items():
                    told[f"truth.{who}.{name}.{kind}"] = value
        return told

    @cached_property
    def _found(self) -> dict[str, tuple[Boxes, Boxes]]:
        theirs = _package()
        found: dict[str, tuple[Boxes, Boxes]] = {name: ({}, {}) for name in self._photos}
        for name, (paths, opened) in self._photos.items():
            package, ours = found[name]
            for path in paths:
                image = opened(path)
                scale = image.shape[1] / _open(path).shape[1]
                package[path] = [box.scaled(1 / scale) for box in theirs(image)]
                ours[path] = [face.box.scaled(1 / scale) for face in self._mtcnn.detect([image])[0]]
        return found


def recognition(photos: list[Path], data: Path) -> dict[str, Value]:
    """What each pair of a detector and an embedder makes of the same faces: verification and B³ of groups."""
    options = EngineOptions()
    with add_models(data, "yunet", "mobilefacenet"):
        detectors = {name: make_detector(name, options) for name in ("dlib-hog", "mtcnn", "yunet")}
        embedders = {
            name: make_embedder(name, options) for name in ("dlib-resnet", "dlib-resnet-int8", "mobilefacenet")
        }
    chips: dict[tuple[str, str], list[RGB]] = {pair: [] for pair in _PAIRS}
    for image in map(_open, photos):
        main = _main_face(detectors["mtcnn"], image)
        # The same face by another detector; where that misses it, MTCNN's.
        faces = {"mtcnn": main}
        for name in ("dlib-hog", "yunet"):
            other = max(detectors[name].detect([image])[0], key=lambda face: face.box.iou(main.box), default=main)
            faces[name] = other if other.box.iou(main.box) > 0.3 else main
        for detector, embedder in _PAIRS:
            info = embedders[embedder].info
            chips[detector, embedder] += [_chip(image, faces[detector], info.alignment, info.chip_size)[0]]
    people = np.array([path.parent.name for path in photos])
    told: dict[str, Value] = {}
    for (detector, embedder), cut in chips.items():
        network = embedders[embedder]
        vectors = np.concatenate(
            [network.embed(np.stack(some)) for some in (cut[at : at + 256] for at in range(0, len(cut), 256))]
        )
        thresholds = network.info.thresholds
        assert thresholds
        b3 = b_cubed(people.tolist(), cluster(vectors, thresholds).tolist())
        scores = {**_separation(vectors, people), "precision": b3.precision, "recall": b3.recall, "f": b3.f1}
        told |= {f"pairs.{detector}.{embedder}.{key}": value for key, value in scores.items()}
    return told


def _separation(vectors: Vectors, people: Any) -> dict[str, float]:
    """True accepts at two shares of false ones, over all pairs."""
    first, second = np.triu_indices(len(vectors), 1)
    distances = np.sqrt(np.maximum(0, 2 - 2 * (vectors @ vectors.T)))[first, second]
    alike = people[first] == people[second]
    same, different = distances[alike], np.sort(distances[~alike])
    return {
        "far-1e-3": float((same < different[len(different) // 1000]).mean()),
        "far-1e-4": float((same < different[len(different) // 10_000]).mean()),
    }


def truth(data: Path) -> Boxes:
    """The true boxes by photo."""
    boxes: Boxes = {}
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


def _against(found: Boxes, true: Boxes) -> dict[str, Value | Measured]:
    """Of the photos with true boxes: how many of these were found, and how many false ones."""
    there = found.keys() & true.keys()
    hits = sum(any(box.iou(one) >= 0.5 for one in found[path]) for path in there for box in true[path])
    false = sum(_false(one, true[path]) for path in there for one in found[path])
    return {"found": Measured(hits, of=sum(len(true[path]) for path in there)), "false": false}


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


if __name__ == "__main__":
    main()
