"""Engines for drawn photos, found as any package's are: a face is a bright disc, a person its colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from phototag.engines.spec import EngineOptions, EngineSpec
from phototag.types import RGB, Box, Chips, Detection, EngineInfo, Thresholds, Vectors

#: What a channel of a colour may be, and from where on it is a face's.
LEVELS, BRIGHT = (20, 100, 180, 250), 140
_DIM = len(LEVELS) ** 3
_THRESHOLDS = Thresholds(same=0.4, split=0.36, join=0.33, midpoint=0.4, slope=20.0)


class Faces:
    """Finds bright discs."""

    def __init__(self, options: EngineOptions) -> None:
        self.info = EngineInfo("detector", "drawn-faces", "d" * 64, options.detection_parameters())

    def detect(self, images: Sequence[RGB]) -> list[list[Detection]]:
        return [list(map(_face, ndimage.find_objects(ndimage.label(_bright(image))[0]))) for image in images]


def _bright(image: RGB) -> np.ndarray:
    return ndimage.binary_opening(image.max(axis=2) > BRIGHT, iterations=3)


def _face(place: tuple[slice, slice]) -> Detection:
    y, x = place
    return Detection(Box(x.start, y.start, x.stop - x.start, y.stop - y.start), 0.99)


class Colours:
    """Tells people by the colour of their foreheads; the shade sets the faces of one person a little apart."""

    def __init__(self, _options: EngineOptions) -> None:
        self.info = EngineInfo(
            "embedder", "drawn-colours", "e" * 64, (), _DIM, chip_size=32, alignment="box-160", thresholds=_THRESHOLDS
        )

    def embed(self, chips: Chips) -> Vectors:
        size = chips.shape[1]
        colours = chips[:, size // 8 : size // 4, size * 3 // 8 : size * 5 // 8].mean(axis=(1, 2))
        distances = np.abs(colours[:, :, None] - np.array(LEVELS))
        digits = distances.argmin(axis=2)
        vectors = np.zeros((len(chips), _DIM), np.float32)
        vectors[np.arange(len(chips)), digits @ (len(LEVELS) ** np.arange(3))] = 1
        vectors[:, :3] += 0.01 * distances.min(axis=2)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


FACES = EngineSpec("detector", "drawn-faces", "bright discs", Faces)
COLOURS = EngineSpec("embedder", "drawn-colours", "colours", Colours, dim=_DIM, thresholds=_THRESHOLDS)
