"""MTCNN (Zhang, Zhang, Li, Qiao 2016): three networks, each looking closer at what the last one proposed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from phototag.engines.detectors import mtcnn_networks, mtcnn_weights, pyramid
from phototag.engines.detectors.boxes import Corners, Scores, clipped, squared, suppress
from phototag.engines.detectors.patches import crops
from phototag.engines.runtimes.litert import Network
from phototag.engines.spec import EngineOptions, EngineSpec
from phototag.types import RGB, Box, Detection, EngineInfo

CASCADE = "3"  #: to be raised whenever the same networks are made to find other faces
CELL = 12  #: pixels that one cell of P-Net's output has seen, every
STRIDE = 2  #: pixels
SEAM = CELL - STRIDE  #: pixels that neighbouring tiles share

# A face's least probability for P-Net's glance, P-Net, R-Net, and O-Net's first look.
# The mtcnn package looks at twice as many sizes and proposes from 0.6: with 0.5 we find the same faces, of
# all sizes, in half of the time.
NOTICE, PROPOSE, REFINE, GLANCE = 0.2, 0.5, 0.6, 0.3
# And for the mean of O-Net's three looks, at faces whose longer side has at least so many pixels (as `min_face`
# counts them), and at smaller ones, for which there are far more places to be mistaken. Measured: of 66 true faces
# none has less than .89, of 2,000 of 18 to 60 pixels one in 500 has less than .78.
LARGE, ACCEPT_LARGE, ACCEPT_SMALL = 64, 0.5, 0.78

Floats: TypeAlias = npt.NDArray[np.float32]
Places: TypeAlias = npt.NDArray[np.intp]  #: (n, 2): row and column of a cell
Points: TypeAlias = npt.NDArray[np.floating[Any]]  #: (n, 2, 5): x and y of the landmarks


class Mtcnn:
    """Finds faces of `min_face` pixels and more, with five landmarks.

    Raises WeightsError when made without its weights. Not for use from several threads at once.
    """

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._texture = Network(mtcnn_networks.PNET_TEXTURE.load(), options.threads)
        self._glance = Network(mtcnn_networks.PNET_GLANCE.load(), options.threads)
        self._closer = Network(mtcnn_networks.PNET_VERDICT.load(), options.threads, batch=256)
        self._rnet = Network(mtcnn_networks.RNET.load(), options.threads, batch=8)
        self._onet = Network(mtcnn_networks.ONET.load(), options.threads, batch=2)

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            kind="detector",
            name="mtcnn",
            weights_sha256=mtcnn_weights.SHA256,
            parameters=(("cascade", CASCADE), *self._options.detection_parameters()),
        )

    def detect(self, images: Sequence[RGB]) -> list[list[Detection]]:
        """Faces of each image, best score first."""
        return [self._detect(image) for image in images]

    def _detect(self, image: RGB) -> list[Detection]:
        height, width = image.shape[:2]
        min_face = self._options.min_face_in(image)
        proposals = self._propose(image, CELL / min_face)
        if not len(proposals):
            return []
        found = []
        for corners, score, points in zip(*self._accept(image, self._refine(image, proposals)), strict=True):
            left, top, right, bottom = corners.tolist()
            box = clipped(Box(left, top, right - left, bottom - top), width, height)
            if box.w >= 1 and box.h >= 1:
                found.append(Detection(box, float(score), tuple((x, y) for x, y in points.T.tolist())))
        return found

    def _propose(self, image: RGB, scale: float) -> Corners:
        """P-Net over the pyramid: squares that may hold a face."""
        atlas = pyramid.atlas(image, scale, CELL, mtcnn_networks.TILE[1] - SEAM)
        if atlas is None:
            return np.empty((0, 4), np.float32)
        places, cells = self._cells(atlas.rgb)
        proposals = []
        for level in atlas.levels:
            # The cells whose pixels are all of this level.
            first = np.array([level.y, level.x]) // STRIDE
            last = np.array([level.y + level.height - CELL, level.x + level.width - CELL]) // STRIDE
            inside = ((places >= first) & (places <= last)).all(axis=1)
            boxes, scores = _boxes_of(places[inside] - first, cells[inside])
            proposals.append(boxes[suppress(boxes, scores, 0.4)] * np.array(level.scale * 2, np.float32))
        return squared(np.concatenate(proposals))

    def _cells(self, atlas: RGB) -> tuple[Places, Floats]:
        """P-Net's output (n, 5) for the cells at (row, column) that may hold a face.

        P-Net is costly for its last layers, and a face shows in cells side by side. So only every other
        cell of every other row is seen to its end, and then what surrounds those that look like something:
        that finds the same faces for half of the work. In tiles, which share a seam.
        """
        down, across = (side - SEAM for side in mtcnn_networks.TILE)
        height, width = (
            math.ceil((side - SEAM) / step) * step for side, step in zip(atlas.shape, (down, across), strict=False)
        )
        missing = (height + SEAM - atlas.shape[0], width + SEAM - atlas.shape[1])
        atlas = np.pad(atlas, ((0, missing[0]), (0, missing[1]), (0, 0)))
        found = []
        for top in range(0, height, down):
            for left in range(0, width, across):
                tile = atlas[np.newaxis, top : top + down + SEAM, left : left + across + SEAM]
                places, patches = self._noticed(np.ascontiguousarray(tile))
                found.append((places + np.array([top, left]) // STRIDE, patches))
        places, patches = (np.concatenate(parts) for parts in zip(*found, strict=True))
        cells = self._closer(patches).reshape(-1, 5)
        face = cells[:, 0] > _logit(PROPOSE)
        return places[face], cells[face]

    def _noticed(self, tile: npt.NDArray[np.uint8]) -> tuple[Places, Floats]:
        """The cells of a tile that deserve a closer look, and what P-Net's second half sees of each (n, 3, 3, 16)."""
        texture = self._texture(tile)
        noticed = self._glance(texture)[0, :, :, 0] > _logit(NOTICE)
        _, height, width, depth = texture.shape
        rows, columns = np.nonzero(_around(noticed, height - 2, width - 2))
        # A patch is three rows of three places whose numbers lie side by side.
        views = sliding_window_view(texture.reshape(height, width * depth), (3, 3 * depth))[:, ::depth]
        return np.stack([rows, columns], axis=1), views[rows, columns].reshape(-1, 3, 3, depth)

    def _refine(self, image: RGB, boxes: Corners) -> Corners:
        """R-Net: better squares, fewer of them."""
        output = self._rnet(crops(image, boxes, 24))
        keep = output[:, 0] > _logit(REFINE)
        boxes, scores = _moved(boxes[keep], output[keep, 1:5]), output[keep, 0]
        return squared(boxes[suppress(boxes, scores, 0.7)])

    def _accept(self, image: RGB, boxes: Corners) -> tuple[Corners, Scores, Points]:
        """O-Net, three times: the faces' boxes, scores, and landmarks (n, 2, 5), best first.

        Each look is at the box that the last one found. True faces look better there, chance resemblances
        worse: with the mean of the scores there are fewer false faces at the same recall. And the mean of
        the last two looks' landmarks is steadier: true accepts at 0.1 % false ones rise from .944 to .947.
        """
        boxes, first, _ = self._look(image, boxes)
        keep = np.flatnonzero(first > GLANCE)
        keep = keep[suppress(boxes[keep], first[keep], 0.7, over="smaller")]
        before, second, points = self._look(image, squared(boxes[keep]))
        after, third, again = self._look(image, squared(before))
        boxes, points, scores = (before + after) / 2, (points + again) / 2, (first[keep] + second + third) / 3
        large = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= LARGE * self._options.scale(image)
        keep = np.flatnonzero(scores > np.where(large, ACCEPT_LARGE, ACCEPT_SMALL))
        keep = keep[suppress(boxes[keep], scores[keep], 0.7, over="smaller")]
        return boxes[keep], scores[keep], points[keep]

    def _look(self, image: RGB, boxes: Corners) -> tuple[Corners, Scores, Points]:
        """What O-Net makes of each square: a better box, a score, landmarks."""
        output = self._onet(crops(image, boxes, 48))
        sides = (boxes[:, 2:] - boxes[:, :2] + 1)[:, :, np.newaxis]
        points = boxes[:, :2, np.newaxis] + sides * output[:, 5:].reshape(-1, 2, 5) - 1
        scores: Scores = 1 / (1 + np.exp(-output[:, 0]))
        return _moved(boxes, output[:, 1:5]), scores, points


ENGINE = EngineSpec("detector", "mtcnn", "MTCNN: faces of any pose from 20 pixels, with landmarks", Mtcnn)


def _around(noticed: npt.NDArray[np.bool_], rows: int, columns: int) -> npt.NDArray[np.bool_]:
    """The cells noticed and their eight neighbours, of a plane in which every other cell was looked at."""
    near = np.zeros((2 * noticed.shape[0] + 1, 2 * noticed.shape[1] + 1), np.bool_)  # by one up and to the left
    for down in range(3):
        for across in range(3):
            near[down : down + 2 * len(noticed) : 2, across : across + 2 * noticed.shape[1] : 2] |= noticed
    return near[1 : rows + 1, 1 : columns + 1]


def _boxes_of(places: Places, cells: Floats) -> tuple[Corners, Scores]:
    """Boxes in pixels of the level, and logits, of cells at (row, column)."""
    # The authors counted pixels from 1, and the networks were taught so: a cell's box is 11 wide.
    first = places[:, ::-1].astype(np.float32) * STRIDE + 1
    return np.concatenate([first, first + CELL - 1], axis=1) + cells[:, 1:5] * (CELL - 1), cells[:, 0]


def _moved(boxes: Corners, offsets: Corners) -> Corners:
    """Boxes shifted by offsets in units of their sides; the networks count a side's pixels inclusively."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    moved: Corners = boxes + offsets * np.concatenate([sides, sides], axis=1)
    return moved


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
