"""MTCNN (Zhang, Zhang, Li, Qiao 2016): a cascade of three networks, each refining the proposals of the one before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from phototag.engines.detectors import mtcnn_networks, mtcnn_weights, pyramid
from phototag.engines.detectors.boxes import Corners, Scores, clipped, non_maximum_suppression, squared
from phototag.engines.detectors.patches import resample_squares
from phototag.engines.runtimes.litert import LiteRTNetwork
from phototag.engines.spec import EngineOptions, EngineSpec
from phototag.types import RGB, Box, Detection, EngineInfo

CASCADE = "3"  #: version of the cascade, to be raised whenever other faces are found with the same networks
CELL = 12  #: side in pixels of what one cell of P-Net's output sees (its receptive field)
STRIDE = 2  #: pixels from cell to cell
SEAM = CELL - STRIDE  #: pixels that neighbouring tiles share

# Lowest probability of a face for P-Net's coarse pass, P-Net, R-Net, and O-Net's first pass. The mtcnn package uses
# twice as many pyramid levels and .6 for P-Net: with .5 the same faces, of all sizes, are found in half of the time.
MIN_COARSE, MIN_PNET, MIN_RNET, MIN_ONET_FIRST = 0.2, 0.5, 0.6, 0.3
# Lowest mean probability of O-Net's three passes: for faces whose longer side has at least LARGE pixels (as `min_face`
# counts them), and for smaller ones, of which there are far more false candidates. Measured: of 66 true faces none has
# less than .89, of 2,000 of 18 to 60 pixels one in 500 has less than .78.
LARGE, MIN_LARGE, MIN_SMALL = 64, 0.5, 0.78

Floats: TypeAlias = npt.NDArray[np.float32]
Places: TypeAlias = npt.NDArray[np.intp]  #: (n, 2): row and column of a cell
Points: TypeAlias = npt.NDArray[np.floating[Any]]  #: (n, 2, 5): x and y of the landmarks


class Mtcnn:
    """Finds faces of `min_face` pixels and more, with five landmarks.

    Raises WeightsError when made without its weights. Not for use from several threads at once.
    """

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._pnet_features = LiteRTNetwork(mtcnn_networks.PNET_FEATURES.load(), options.threads)
        self._pnet_coarse = LiteRTNetwork(mtcnn_networks.PNET_COARSE.load(), options.threads)
        self._pnet_fine = LiteRTNetwork(mtcnn_networks.PNET_FINE.load(), options.threads, batch=256)
        self._rnet = LiteRTNetwork(mtcnn_networks.RNET.load(), options.threads, batch=8)
        self._onet = LiteRTNetwork(mtcnn_networks.ONET.load(), options.threads, batch=2)

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
        """P-Net over the image pyramid: squares that may show a face."""
        atlas = pyramid.build_atlas(image, scale, CELL, mtcnn_networks.TILE[1] - SEAM)
        if atlas is None:
            return np.empty((0, 4), np.float32)
        places, cells = self._cells(atlas.rgb)
        proposals = []
        for level in atlas.levels:
            # The cells that see pixels of this level only.
            first = np.array([level.y, level.x]) // STRIDE
            last = np.array([level.y + level.height - CELL, level.x + level.width - CELL]) // STRIDE
            inside = ((places >= first) & (places <= last)).all(axis=1)
            boxes, scores = _boxes_of(places[inside] - first, cells[inside])
            proposals.append(boxes[non_maximum_suppression(boxes, scores, 0.4)] * np.array(level.scale * 2, np.float32))
        return squared(np.concatenate(proposals))

    def _cells(self, atlas: RGB) -> tuple[Places, Floats]:
        """P-Net's output (n, 5) for the cells at (row, column) that may hold a face.

        P-Net's last layers cost most, and a face shows in several neighbouring cells. So a coarse pass runs them for
        every other cell of every other row only, and a fine pass for the neighbourhood of promising cells: that finds
        the same faces for half of the work. The image is processed in tiles, which share a seam.
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
                places, patches = self._candidate_cells(np.ascontiguousarray(tile))
                found.append((places + np.array([top, left]) // STRIDE, patches))
        places, patches = (np.concatenate(parts) for parts in zip(*found, strict=True))
        cells = self._pnet_fine(patches).reshape(-1, 5)
        face = cells[:, 0] > _logit(MIN_PNET)
        return places[face], cells[face]

    def _candidate_cells(self, tile: npt.NDArray[np.uint8]) -> tuple[Places, Floats]:
        """The cells of a tile that deserve the fine pass, and the features of each (n, 3, 3, 16), its input."""
        features = self._pnet_features(tile)
        chosen = self._pnet_coarse(features)[0, :, :, 0] > _logit(MIN_COARSE)
        _, height, width, depth = features.shape
        rows, columns = np.nonzero(_with_neighbours(chosen, height - 2, width - 2))
        # A patch is three rows of three places whose numbers lie side by side.
        views = sliding_window_view(features.reshape(height, width * depth), (3, 3 * depth))[:, ::depth]
        return np.stack([rows, columns], axis=1), views[rows, columns].reshape(-1, 3, 3, depth)

    def _refine(self, image: RGB, boxes: Corners) -> Corners:
        """R-Net: fewer squares, which fit better."""
        output = self._rnet(resample_squares(image, boxes, 24))
        keep = output[:, 0] > _logit(MIN_RNET)
        boxes, scores = _moved(boxes[keep], output[keep, 1:5]), output[keep, 0]
        return squared(boxes[non_maximum_suppression(boxes, scores, 0.7)])

    def _accept(self, image: RGB, boxes: Corners) -> tuple[Corners, Scores, Points]:
        """O-Net in three passes: the faces' boxes, scores, and landmarks (n, 2, 5), best first.

        Each pass gets the boxes that the one before found. There true faces score higher and chance resemblances
        lower, so that the mean of the scores gives fewer false faces at the same recall. The mean of the last two
        passes' landmarks is steadier: true accepts at 0.1 % false ones rise from .944 to .947.
        """
        boxes, first, _ = self._run_onet(image, boxes)
        keep = np.flatnonzero(first > MIN_ONET_FIRST)
        keep = keep[non_maximum_suppression(boxes[keep], first[keep], 0.7, over="smaller")]
        before, second, points = self._run_onet(image, squared(boxes[keep]))
        after, third, again = self._run_onet(image, squared(before))
        boxes, points, scores = (before + after) / 2, (points + again) / 2, (first[keep] + second + third) / 3
        large = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= LARGE * self._options.scale(image)
        keep = np.flatnonzero(scores > np.where(large, MIN_LARGE, MIN_SMALL))
        keep = keep[non_maximum_suppression(boxes[keep], scores[keep], 0.7, over="smaller")]
        return boxes[keep], scores[keep], points[keep]

    def _run_onet(self, image: RGB, boxes: Corners) -> tuple[Corners, Scores, Points]:
        """O-Net's output for each square: a box that fits better, a score, landmarks (2, 5)."""
        output = self._onet(resample_squares(image, boxes, 48))
        sides = (boxes[:, 2:] - boxes[:, :2] + 1)[:, :, np.newaxis]
        points = boxes[:, :2, np.newaxis] + sides * output[:, 5:].reshape(-1, 2, 5) - 1
        scores: Scores = 1 / (1 + np.exp(-output[:, 0]))
        return _moved(boxes, output[:, 1:5]), scores, points


ENGINE = EngineSpec("detector", "mtcnn", "MTCNN: faces of any pose from 20 pixels, with landmarks", Mtcnn)


def _with_neighbours(chosen: npt.NDArray[np.bool_], rows: int, columns: int) -> npt.NDArray[np.bool_]:
    """The chosen cells and their eight neighbours, of a plane of which every other row and column was tested."""
    near = np.zeros((2 * chosen.shape[0] + 1, 2 * chosen.shape[1] + 1), np.bool_)  # by one up and to the left
    for down in range(3):
        for across in range(3):
            near[down : down + 2 * len(chosen) : 2, across : across + 2 * chosen.shape[1] : 2] |= chosen
    return near[1 : rows + 1, 1 : columns + 1]


def _boxes_of(places: Places, cells: Floats) -> tuple[Corners, Scores]:
    """Boxes in pixels of the level, and logits, of cells at (row, column)."""
    # The networks were trained with pixels counted from 1: a cell's box is 11 wide.
    first = places[:, ::-1].astype(np.float32) * STRIDE + 1
    return np.concatenate([first, first + CELL - 1], axis=1) + cells[:, 1:5] * (CELL - 1), cells[:, 0]


def _moved(boxes: Corners, offsets: Corners) -> Corners:
    """Boxes shifted by offsets in units of their sides; the networks count a side's pixels inclusively."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    moved: Corners = boxes + offsets * np.concatenate([sides, sides], axis=1)
    return moved


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
