"""dlib's max-margin detector (MMOD) with a convolutional network: for those who have a GPU and dlib built for it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from phototag.engines.detectors.boxes import clipped
from phototag.engines.spec import EngineOptions, EngineSpec
from phototag.errors import UsageError
from phototag.types import RGB, Box, Detection, EngineInfo
from phototag.weights import PackagedWeights

WEIGHTS = PackagedWeights(
    "face_recognition_models",
    "models/mmod_human_face_detector.dat",
    "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
)
LARGEST = 1600  #: pixels of the longer side that it is shown: time and memory grow with the area
WINDOW = 80  #: pixels of a side: the smallest box it draws; dlib's pyramid falls over thinner images


class DlibCnn:
    """Finds faces from about 70 pixels, from the side too; gives no landmarks.

    On a CPU an image of 800×592 takes 4.4 s, a hundred times what MTCNN takes; dlib uses a GPU by itself
    where it was built with CUDA, whatever `device` says. Raises WeightsError when made without its weights,
    UsageError for `gpu` where there is none.
    """

    def __init__(self, options: EngineOptions) -> None:
        import dlib

        self.on_gpu = bool(dlib.DLIB_USE_CUDA and dlib.cuda.get_num_devices())
        if options.device == "gpu" and not self.on_gpu:
            raise UsageError(
                "dlib finds no GPU here: leave --device gpu out, or build dlib with CUDA "
                "(`pip uninstall dlib-bin`, then `pip install dlib` where CUDA's compiler is)"
            )
        WEIGHTS.load()  # dlib reads the file itself, but not before its hash is right
        self._detector = dlib.cnn_face_detection_model_v1(str(WEIGHTS.path()))
        self._version: str = dlib.__version__
        self._options = options

    @property
    def info(self) -> EngineInfo:
        parameters = tuple(
            sorted([("dlib", self._version), ("largest", str(LARGEST)), *self._options.detection_parameters()])
        )
        return EngineInfo(kind="detector", name="dlib-cnn", weights_sha256=WEIGHTS.sha256, parameters=parameters)

    def detect(self, images: Sequence[RGB]) -> list[list[Detection]]:
        """Faces of each image, best score first."""
        return [self._detect(image) for image in images]

    def _detect(self, image: RGB) -> list[Detection]:
        height, width = image.shape[:2]
        if min(height, width) < WINDOW / 2:  # not half of the smallest face
            return []
        scale = min(1.0, LARGEST / max(height, width))
        found = []
        for face in self._detector(_shown(image, scale), 0):
            rectangle = face.rect
            box = Box(rectangle.left(), rectangle.top(), rectangle.width(), rectangle.height())
            box = clipped(box.scaled(1 / scale), width, height)
            if min(box.w, box.h) >= max(self._options.min_face_in(image), 1):
                # The margin, about 1 for a clear face and 0 for a doubtful one, as something like a probability.
                found.append(Detection(box, score=1 / (1 + math.exp(-4 * face.confidence))))
        return sorted(found, key=lambda face: -face.score)


def _shown(image: RGB, scale: float) -> RGB:
    if scale < 1:
        size = [max(round(side * scale), 1) for side in (image.shape[1], image.shape[0])]
        image = np.asarray(Image.fromarray(image).resize((size[0], size[1]), Image.Resampling.BOX))
    missing = [max(WINDOW - side, 0) for side in image.shape[:2]]
    return np.pad(image, ((0, missing[0]), (0, missing[1]), (0, 0)))


ENGINE = EngineSpec("detector", "dlib-cnn", "dlib's MMOD network: faces from 70 pixels, for GPUs", DlibCnn, gpu=True)
