"""YuNet (Wu, Peng, Yu 2023): one small network that finds boxes and landmarks in one pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from phototag.engines.detectors.boxes import clipped, non_maximum_suppression
from phototag.engines.detectors.pyramid import reduced
from phototag.engines.formats.card import Card
from phototag.engines.installation import PreparedWeights, load
from phototag.engines.runtimes.isolated import run_isolated
from phototag.engines.runtimes.onnx import RUNTIME, Floats, OnnxModel, read
from phototag.engines.spec import EngineOptions, EngineSpec
from phototag.errors import UsageError, WeightsError
from phototag.remedies import InstallEngine
from phototag.types import RGB, Box, Detection, EngineInfo

STRIDES = (8, 16, 32)  #: pixels between the cells of the three grids
WIDTHS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}  #: numbers per cell, of each kind of output
SIDE = 32  #: the input's sides are multiples of it

MIN_SCORE = 0.6  #: lowest score of a face
OVERLAP, INSIDE = 0.3, 0.7  #: overlap of two boxes that are one face: over their union, over the smaller one
# In a face of more than 450 pixels the network finds faces made of its parts. So it also runs on a copy of a quarter of
# the size (a sixteenth of the time), and each pass contributes the faces of the sizes that it is good at.
LARGE, REDUCE = 320, 4  #: the largest face that a pass contributes, in pixels; the factor from pass to pass
SHARED = 0.6  #: of `LARGE`: faces larger than this are also taken from the next pass


class YuNet:
    """Finds faces of `min_face` pixels and more, with five landmarks, by an installed model.

    Raises WeightsError when made without its weights, UsageError without onnxruntime.
    """

    def __init__(self, options: EngineOptions) -> None:
        installed = options.installed
        if installed is None:
            raise WeightsError("YuNet has no weights yet", InstallEngine("yunet"))
        self._options = options
        self._network = YuNetModel(load(installed), options, str(installed.folder / installed.file))
        self.on_gpu = self._network.on_gpu
        self.info = EngineInfo(
            kind="detector",
            name=installed.name,
            weights_sha256=installed.sha256,
            parameters=tuple(sorted([("looks", str(LARGE)), *self._options.detection_parameters()])),
        )

    def detect(self, images: Sequence[RGB]) -> list[list[Detection]]:
        """Faces of each image, best score first."""
        return [self._detect(image) for image in images]

    def _detect(self, image: RGB) -> list[Detection]:
        height, width = image.shape[:2]
        factor = self._options.reduction(image)
        cells = self._detect_at_all_scales(reduced(image, factor))
        cells[:, 1:] *= factor
        corners = np.concatenate([cells[:, 1:3] - cells[:, 3:5] / 2, cells[:, 1:3] + cells[:, 3:5] / 2], axis=1)
        kept = non_maximum_suppression(corners, cells[:, 0], OVERLAP)
        kept = kept[non_maximum_suppression(corners[kept], cells[kept, 0], INSIDE, over="smaller")]
        found = []
        for number in kept:
            score, x, y, w, h, *points = cells[number].tolist()
            box = clipped(Box(x - w / 2, y - h / 2, w, h), width, height)
            if max(w, h) >= self._options.min_face_in(image) and box.w >= 1 and box.h >= 1:
                found.append(Detection(box, score, tuple(zip(points[::2], points[1::2], strict=True))))
        return found

    def _detect_at_all_scales(self, image: RGB) -> Floats:
        """The cells (n, 15) that the network finds in the image and in its smaller copies, in pixels of the image."""
        scale, least, passes = 1, 0.0, []
        while True:
            last = max(image.shape[:2]) <= LARGE * scale
            cells = self._network(reduced(image, scale))
            cells[:, 1:] *= scale
            sides = cells[:, 3:5].max(axis=1)
            passes.append(cells[(sides >= least) & (last | (sides <= LARGE * scale))])
            if last:
                return np.concatenate(passes)
            least, scale = SHARED * LARGE * scale, scale * REDUCE


class YuNetModel:
    """The ONNX model. Raises WeightsError when made, if it is no YuNet."""

    def __init__(self, data: bytes, options: EngineOptions, where: str, *, prepared: bool = True) -> None:
        self._model = OnnxModel(data, options, where, prepared=prepared)
        self.on_gpu = self._model.on_gpu
        names = [one.name for one in self._model.outputs]
        self._places = {}
        for kind in WIDTHS:
            for stride in STRIDES:
                if (name := f"{kind}_{stride}") not in names:
                    raise WeightsError(f"{where} is no YuNet: it has no output called {name}")
                self._places[kind, stride] = names.index(name)
        if [one.shape[1:] for one in self._model.inputs] != [(3, None, None)]:
            raise WeightsError(f"{where} is no YuNet for pictures of any size: use yunet_n_dynamic.onnx")

    def __call__(self, image: RGB) -> Floats:
        """(n, 15) cells that hold a face: score, box's centre and sides, x and y of five landmarks, in pixels.

        The landmarks come out as the viewer sees them: left eye, right eye, nose tip, mouth's left, right.
        """
        height, width = (math.ceil(side / SIDE) * SIDE for side in image.shape[:2])
        picture = np.zeros((1, 3, height, width), np.float32)
        for place, channel in zip(picture[0], cv2.split(image)[::-1], strict=True):  # blue first
            place[: image.shape[0], : image.shape[1]] = channel
        outputs = self._model(picture)
        return np.concatenate([self._cells(outputs, stride, width // stride) for stride in STRIDES])

    def _cells(self, outputs: list[Floats], stride: int, columns: int) -> Floats:
        classes, objects, boxes, points = (
            outputs[self._places[kind, stride]].reshape(-1, width) for kind, width in WIDTHS.items()
        )
        scores = np.sqrt(classes.clip(0, 1) * objects.clip(0, 1))[:, 0]
        cells = np.flatnonzero(scores > MIN_SCORE)
        corner = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
        return np.concatenate(
            [
                scores[cells, np.newaxis],
                (corner + boxes[cells, :2]) * stride,
                np.exp(boxes[cells, 2:]) * stride,
                (np.tile(corner, 5) + points[cells]) * stride,
            ],
            axis=1,
        )


def prepare(path: Path, card: Card | None) -> PreparedWeights:
    """A model that is a YuNet and has run on a grey image. Raises UsageError, WeightsError."""
    if card is not None:
        raise UsageError("YuNet needs no card: leave --card out")
    data = read(path)
    run_isolated(_check_model, data, str(path), where=str(path), library=RUNTIME)
    return PreparedWeights(data, ".onnx")


def _check_model(data: bytes, where: str) -> None:
    options = EngineOptions(device="cpu")
    YuNetModel(data, options, where, prepared=False)  # a model that is no YuNet never runs
    cells = YuNetModel(data, options, where)(np.full((64, 96, 3), 127, np.uint8))
    if not np.isfinite(cells).all():
        raise WeightsError(f"{where} yields numbers that are not finite")


ENGINE = EngineSpec(
    "detector",
    "yunet",
    "YuNet: faces of any pose from 20 pixels, with landmarks",
    YuNet,
    prepare,
    how=InstallEngine("yunet"),
    gpu=True,
    needs=(RUNTIME,),
)
