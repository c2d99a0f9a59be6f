"""dlib's frontal face detector: histograms of oriented gradients under a sliding window."""

from __future__ import annotations

import math
from collections.abc import Sequence

from phototag.engines.detectors.boxes import clipped
from phototag.engines.detectors.pyramid import reduced
from phototag.engines.spec import EngineOptions, EngineSpec
from phototag.types import RGB, Box, Detection, EngineInfo

#: The window finds faces from 80 pixels; smaller images are doubled first, to find them from 40.
UPSAMPLED_UP_TO = 1300


class DlibHog:
    """Finds upright faces seen from the front; gives no landmarks."""

    def __init__(self, options: EngineOptions) -> None:
        import dlib

        self._detector = dlib.get_frontal_face_detector()
        self._version: str = dlib.__version__
        self._options = options

    @property
    def info(self) -> EngineInfo:
        parameters = (("dlib", self._version), *self._options.detection_parameters())
        return EngineInfo(kind="detector", name="dlib-hog", weights_sha256="", parameters=parameters)

    def detect(self, images: Sequence[RGB]) -> list[list[Detection]]:
        """Faces of each image, best score first."""
        return [self._detect(image) for image in images]

    def _detect(self, image: RGB) -> list[Detection]:
        height, width = image.shape[:2]
        factor = self._options.reduction(image)
        shown = reduced(image, factor)
        upsample = int(max(shown.shape) <= UPSAMPLED_UP_TO)
        rectangles, margins, _ = self._detector.run(shown, upsample, 0.0)
        found = []
        for rectangle, margin in zip(rectangles, margins, strict=True):
            box = Box(rectangle.left(), rectangle.top(), rectangle.width(), rectangle.height())
            box = clipped(box.scaled(factor), width, height)
            if min(box.w, box.h) >= self._options.min_face_in(image):
                # The margin of a linear classifier, from 0 to about 3, as something like a probability.
                found.append(Detection(box, score=1 / (1 + math.exp(-2 * margin))))
        return sorted(found, key=lambda face: -face.score)


ENGINE = EngineSpec("detector", "dlib-hog", "dlib's HOG: quick, frontal faces from 40 pixels", DlibHog)
