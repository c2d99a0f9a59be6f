"""YuNet (Wu, Peng, Yu 2023): one small network that sees boxes and landmarks in one pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from phototag.engines.apart import tried
from phototag.engines.boxes import Corners, clipped, overlap, suppress
from phototag.engines.card import Card
from phototag.engines.onnx import RUNTIME, Floats, Model, read
from phototag.engines.pyramid import resized
from phototag.engines.registry import EngineOptions, EngineSpec
from phototag.engines.shelf import Prepared, load
from phototag.errors import UsageError, WeightsError
from phototag.types import RGB, Box, Detection, EngineInfo

STRIDES = (8, 16, 32)  #: pixels between the cells of the three grids
WIDTHS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}  #: numbers a cell, of each kind of output
SIDE = 32  #: the picture's sides are multiples of it

CASCADE = "1"  #: to be raised whenever the same network is made to find other faces
SMALLEST = 10  #: the smallest face in the glance, in pixels
NOTICE, ACCEPT = 0.3, 0.7  #: a face's least score, in the glance and in the closer look
OVERLAP, INSIDE = 0.3, 0.7  #: of two boxes that are one face: over their union, over the smaller one
# In a face of more than 450 pixels the network sees faces made of its parts. So the glance is also at a copy of a
# quarter of the size (a sixteenth of the time), and each size is believed where it is good.
LARGE, REDUCE = 320, 4  #: the largest face that is believed, in pixels; the step from size to size
SHARED = 0.6  #: of `LARGE`: from here on the next size is believed too
FACE, CLOSE = 72, 128  #: in the closer look: a face's size, and the side of the square around it, in pixels
SAME, ALIKE = 0.4, 0.6  #: overlap of a face with what was noticed, and of its cells with the best of them
BATCH = 8  #: squares at a time

Images: TypeAlias = npt.NDArray[np.uint8]  #: (n, height, width, 3)
Cells: TypeAlias = Floats  #: (n, 15): score, box's centre and sides, x and y of five landmarks, in pixels


class YuNet:
    """Finds faces of `min_face` pixels and more, with five landmarks, by a model from the shelf.

    A glance at a copy of half the size notices what may be faces, and a closer look at each, in one size, tells: that
    takes a third of the time of one look at the whole picture, and yields fewer false faces and better landmarks.
    Raises WeightsError when made without its weights, UsageError without onnxruntime.
    """

    def __init__(self, options: EngineOptions) -> None:
        shelved = options.shelved
        if shelved is None:
            raise WeightsError("YuNet has no weights yet: `phototag engines install yunet`")
        self._options = options
        self._network = Network(load(shelved), options, str(shelved.folder / shelved.file))
        self.info = EngineInfo(
            kind="detector",
            name=shelved.name,
            weights_sha256=shelved.sha256,
            parameters=(("cascade", CASCADE), *self._options.sought()),
        )

    def detect(self, images: Sequence[RGB]) -> list[list[Detection]]:
        """Faces of each image, best score first."""
        return [self._detect(image) for image in images]

    def _detect(self, image: RGB) -> list[Detection]:
        height, width = image.shape[:2]
        noticed = self._glance(image)
        cells = self._closer(image, noticed[suppress(_corners(noticed), noticed[:, 0], OVERLAP)])
        cells = cells[suppress(_corners(cells), cells[:, 0], OVERLAP)]
        cells = cells[suppress(_corners(cells), cells[:, 0], INSIDE, over="smaller")]
        found = []
        for score, x, y, w, h, *points in cells.tolist():
            box = clipped(Box(x - w / 2, y - h / 2, w, h), width, height)
            if max(w, h) >= self._options.smallest(image) and box.w >= 1 and box.h >= 1:
                found.append(Detection(box, score, tuple(zip(points[::2], points[1::2], strict=True))))
        return found

    def _glance(self, image: RGB) -> Cells:
        """What may be a face, in pixels of the image."""
        shown = _reduced(image, max(1.0, self._options.smallest(image) / SMALLEST))
        least, looks = 0.0, []
        while True:
            last = max(shown.shape[:2]) <= LARGE
            _, cells = self._network(shown[np.newaxis], NOTICE)
            sides = cells[:, 3:5].max(axis=1)
            scale = np.divide(image.shape[1::-1], shown.shape[1::-1], dtype=np.float32)
            looks.append(_placed(cells[(sides >= least) & (last | (sides <= LARGE))], np.zeros(2, np.float32), scale))
            if last:
                return np.concatenate(looks)
            shown, least = _reduced(shown, REDUCE), SHARED * LARGE / REDUCE

    def _closer(self, image: RGB, noticed: Cells) -> Cells:
        """The faces among what was noticed: the best cell's box, and landmarks that are the mean of all that see it."""
        faces = [np.empty((0, 15), np.float32)]
        for at in range(0, len(noticed), BATCH):
            batch = noticed[at : at + BATCH]
            squares, starts, scales = map(np.stack, zip(*(_square(image, cell) for cell in batch), strict=True))
            owners, cells = self._network(squares, ACCEPT)
            cells = _placed(cells, starts[owners], scales[owners])
            same = overlap(_corners(cells), _corners(batch), "union")[np.arange(len(cells)), owners]
            for number in range(len(batch)):
                own = (owners == number) & (same > SAME)
                if own.any():
                    best = cells[np.argmax(own * same * cells[:, 0])]
                    alike = cells[own & (overlap(_corners(cells), _corners(best[np.newaxis]), "union")[:, 0] > ALIKE)]
                    points = np.average(alike[:, 5:], axis=0, weights=alike[:, 0])
                    faces.append(np.append(best[:5], points)[np.newaxis])
        return np.concatenate(faces)


class Network:
    """The model, once it is known to be a YuNet. Raises WeightsError if it isn't."""

    def __init__(self, data: bytes, options: EngineOptions, where: str, *, prepared: bool = True) -> None:
        self._model = Model(data, options, where, prepared=prepared)
        names = [one.name for one in self._model.outputs]
        self._places = {}
        for kind in WIDTHS:
            for stride in STRIDES:
                if (name := f"{kind}_{stride}") not in names:
                    raise WeightsError(f"{where} is no YuNet: it has no output called {name}")
                self._places[kind, stride] = names.index(name)
        if [one.shape[1:] for one in self._model.inputs] != [(3, None, None)]:
            raise WeightsError(f"{where} is no YuNet for pictures of any size: use yunet_n_dynamic.onnx")

    def __call__(self, images: Images, least: float) -> tuple[npt.NDArray[np.intp], Cells]:
        """The cells of images (n, height, width, 3) that hold a face with at least this score, and whose they are.

        The landmarks come out as the viewer sees them: left eye, right eye, nose tip, mouth's left, right.
        """
        count, *sides = images.shape[:3]
        height, width = (math.ceil(side / SIDE) * SIDE for side in sides)
        pictures = np.zeros((count, 3, height, width), np.float32)
        pictures[:, :, : sides[0], : sides[1]] = images[..., ::-1].transpose(0, 3, 1, 2)
        outputs = self._model(pictures)
        found = [self._cells(outputs, stride, height // stride, width // stride, least) for stride in STRIDES]
        owners, cells = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return owners, cells

    def _cells(
        self, outputs: list[Floats], stride: int, rows: int, columns: int, least: float
    ) -> tuple[npt.NDArray[np.intp], Cells]:
        classes, objects, boxes, points = (
            outputs[self._places[kind, stride]].reshape(-1, width) for kind, width in WIDTHS.items()
        )
        scores = np.sqrt(classes.clip(0, 1) * objects.clip(0, 1))[:, 0]
        cells = np.flatnonzero(scores > least)
        owners, places = np.divmod(cells, rows * columns)
        corner = np.stack([places % columns, places // columns], axis=1).astype(np.float32)
        return owners, np.concatenate(
            [
                scores[cells, np.newaxis],
                (corner + boxes[cells, :2]) * stride,
                np.exp(boxes[cells, 2:]) * stride,
                (np.tile(corner, 5) + points[cells]) * stride,
            ],
            axis=1,
        )


def _corners(cells: Cells) -> Corners:
    return np.concatenate([cells[:, 1:3] - cells[:, 3:5] / 2, cells[:, 1:3] + cells[:, 3:5] / 2], axis=1)


def _placed(cells: Cells, start: Floats, scale: Floats) -> Cells:
    """Cells of a part of an image, in pixels of the whole: where the part begins, and how many one of its pixels is."""
    pairs = cells[:, 1:].reshape(-1, 7, 2) * scale.reshape(-1, 1, 2)
    pairs[:, [0, 2, 3, 4, 5, 6]] += start.reshape(-1, 1, 2)  # all but the sides
    return np.concatenate([cells[:, :1], pairs.reshape(-1, 14)], axis=1)


def _reduced(image: RGB, factor: float) -> RGB:
    height, width = (max(1, round(side / factor)) for side in image.shape[:2])
    return image if factor == 1 else resized(image, (width, height))


def _square(image: RGB, cell: Floats) -> tuple[RGB, Floats, Floats]:
    """A square around what was noticed, black beyond the image; where it begins and how many pixels one of its is."""
    wanted = math.sqrt(cell[3] * cell[4]) * CLOSE / FACE
    side = max(1, round(min(wanted, 2 * max(image.shape[:2]))))
    left, top = (round(float(middle) - side / 2) for middle in cell[1:3])
    part = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    above, before = max(-top, 0), max(-left, 0)
    below, after = side - above - part.shape[0], side - before - part.shape[1]
    square = cv2.copyMakeBorder(part, above, below, before, after, cv2.BORDER_CONSTANT).astype(np.uint8, copy=False)
    return resized(square, (CLOSE, CLOSE)), np.array([left, top], np.float32), np.full(2, side / CLOSE, np.float32)


def prepare(path: Path, card: Card | None) -> Prepared:
    """A YuNet that has looked at a grey picture. Raises UsageError, WeightsError."""
    if card is not None:
        raise UsageError("YuNet needs no card: leave --card out")
    data = read(path)
    tried(_try, data, str(path), where=str(path), library=RUNTIME)
    return Prepared(data, ".onnx")


def _try(data: bytes, where: str) -> None:
    options = EngineOptions(device="cpu")
    Network(data, options, where, prepared=False)  # what doesn't fit is never run
    _, cells = Network(data, options, where)(np.full((1, 64, 96, 3), 127, np.uint8), least=0)
    if not np.isfinite(cells).all():
        raise WeightsError(f"{where} yields numbers that are not finite")


ENGINE = EngineSpec(
    "detector",
    "yunet",
    "YuNet: faces of any pose from 20 pixels, with landmarks",
    YuNet,
    prepare,
    how="phototag engines install yunet",
    gpu=True,
    needs=(RUNTIME,),
)
