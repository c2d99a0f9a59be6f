"""MTCNN (Zhang, Zhang, Li, Qiao 2016): three networks, each looking closer at what the last one proposed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from phototag.engines import mtcnn_networks, pyramid
from phototag.engines.boxes import Corners, Scores, clipped, squared, suppress
from phototag.engines.crops import Sampler
from phototag.engines.litert import Network
from phototag.engines.registry import EngineOptions, EngineSpec
from phototag.types import RGB, Box, Detection, EngineInfo

CASCADE = "1"  #: to be raised whenever the same networks are made to find other faces
CELL = 12  #: pixels that one cell of P-Net's output has seen, every
STRIDE = 2  #: pixels
FACTOR = 0.709  #: between levels of the pyramid: half the area
BAND = 256  #: rows of the atlas at a time: what P-Net makes of them stays in the processor's cache

# A face's least probability for P-Net, R-Net, O-Net's first look, and the mean of its two looks. The mtcnn
# package proposes from 0.6 with more overlap (0.5): the same faces in the end from 30 % more crops.
PROPOSE, REFINE, GLANCE, ACCEPT = 0.65, 0.7, 0.5, 0.75

Points: TypeAlias = npt.NDArray[np.floating[Any]]  #: (n, 2, 5): x and y of the landmarks


class Mtcnn:
    """Finds faces of `min_face` pixels and more, with five landmarks.

    Raises WeightsError when made without its weights. Not for use from several threads at once.
    """

    def __init__(self, options: EngineOptions) -> None:
        self._min_face = options.min_face
        self._pnet = Network(mtcnn_networks.pnet(), options.threads)
        self._rnet = Network(mtcnn_networks.rnet(), options.threads, batch=32)
        self._onet = Network(mtcnn_networks.onet(), options.threads, batch=8)

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            kind="detector",
            name="mtcnn",
            weights_sha256=mtcnn_networks.SHA256,
            parameters=(("cascade", CASCADE), ("min_face", str(self._min_face))),
        )

    def detect(self, images: Sequence[RGB]) -> list[list[Detection]]:
        """Faces of each image, best score first."""
        return [self._detect(image) for image in images]

    def _detect(self, image: RGB) -> list[Detection]:
        height, width = image.shape[:2]
        proposals = self._propose(image)
        if not len(proposals):
            return []
        sampler = Sampler(image)
        refined = self._refine(sampler, proposals)
        found = []
        for corners, score, points in zip(*self._accept(sampler, refined), strict=True):
            left, top, right, bottom = corners.tolist()
            box = clipped(Box(left, top, right - left, bottom - top), width, height)
            if box.w >= 1 and box.h >= 1:
                found.append(Detection(box, float(score), tuple((x, y) for x, y in points.T.tolist())))
        return found

    def _propose(self, image: RGB) -> Corners:
        """P-Net over the pyramid: squares that may hold a face."""
        height, width = image.shape[:2]
        sizes = pyramid.sizes(width, height, CELL / self._min_face, FACTOR, CELL)
        if not sizes:
            return np.empty((0, 4), np.float32)
        levels, atlas_height = pyramid.pack(sizes)
        cells = self._cells(pyramid.atlas(image, levels, atlas_height))
        proposals = []
        for level in levels:
            rows = slice(level.y // STRIDE, (level.y + level.height - CELL) // STRIDE + 1)
            columns = slice(level.x // STRIDE, (level.x + level.width - CELL) // STRIDE + 1)
            boxes, scores = _boxes_of(cells[rows, columns])
            scale = np.array([width / level.width, height / level.height] * 2, np.float32)
            proposals.append(boxes[suppress(boxes, scores, 0.4)] * scale)
        return squared(np.concatenate(proposals))

    def _cells(self, atlas: RGB) -> npt.NDArray[np.float32]:
        """P-Net's output (rows, columns, 5) for a picture with even sides, computed in equal bands."""
        seam = CELL - STRIDE  # rows that neighbouring bands share
        height = len(atlas) - seam
        count = math.ceil(height / BAND)
        step = math.ceil(height / count / STRIDE) * STRIDE
        atlas = np.pad(atlas, ((0, count * step - height), (0, 0), (0, 0)))
        bands = [self._pnet(atlas[np.newaxis, at : at + step + seam])[0] for at in range(0, count * step, step)]
        return np.concatenate(bands)

    def _refine(self, sampler: Sampler, boxes: Corners) -> Corners:
        """R-Net: better squares, fewer of them."""
        output = self._rnet(sampler.crops(boxes, 24))
        keep = output[:, 0] > _logit(REFINE)
        boxes, scores = _moved(boxes[keep], output[keep, 1:5]), output[keep, 0]
        return squared(boxes[suppress(boxes, scores, 0.7)])

    def _accept(self, sampler: Sampler, boxes: Corners) -> tuple[Corners, Scores, Points]:
        """O-Net, twice: the faces' boxes, scores, and landmarks (n, 2, 5), best first.

        The second look is at the box that the first one found. True faces look better there, chance
        resemblances worse: with the mean of both scores there are fewer false faces at the same recall.
        """
        boxes, first, _ = self._look(sampler, boxes)
        keep = np.flatnonzero(first > GLANCE)
        keep = keep[suppress(boxes[keep], first[keep], 0.7, over="smaller")]
        boxes, second, points = self._look(sampler, squared(boxes[keep]))
        scores = (first[keep] + second) / 2
        keep = np.flatnonzero(scores > ACCEPT)
        keep = keep[suppress(boxes[keep], scores[keep], 0.7, over="smaller")]
        return boxes[keep], scores[keep], points[keep]

    def _look(self, sampler: Sampler, boxes: Corners) -> tuple[Corners, Scores, Points]:
        """What O-Net makes of each square: a better box, a score, landmarks."""
        output = self._onet(sampler.crops(boxes, 48))
        sides = (boxes[:, 2:] - boxes[:, :2] + 1)[:, :, np.newaxis]
        points = boxes[:, :2, np.newaxis] + sides * output[:, 5:].reshape(-1, 2, 5) - 1
        scores: Scores = 1 / (1 + np.exp(-output[:, 0]))
        return _moved(boxes, output[:, 1:5]), scores, points


ENGINE = EngineSpec("detector", "mtcnn", "MTCNN: faces of any pose from 20 pixels, with landmarks", Mtcnn)


def _boxes_of(cells: npt.NDArray[np.float32]) -> tuple[Corners, Scores]:
    """Boxes in pixels of the level, and logits, of the cells that may hold a face."""
    rows, columns = np.nonzero(cells[:, :, 0] > _logit(PROPOSE))
    found = cells[rows, columns]
    # The authors counted pixels from 1, and the networks were taught so: a cell's box is 11 wide.
    first = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE + 1
    return np.concatenate([first, first + CELL - 1], axis=1) + found[:, 1:5] * (CELL - 1), found[:, 0]


def _moved(boxes: Corners, offsets: Corners) -> Corners:
    """Boxes shifted by offsets in units of their sides; the networks count a side's pixels inclusively."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    moved: Corners = boxes + offsets * np.concatenate([sides, sides], axis=1)
    return moved


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
