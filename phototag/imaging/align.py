"""Cuts faces out of a photo and turns them the way an embedder was taught to see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import PIL.Image

from phototag.imaging.warp import affine, similarity, warp
from phototag.types import RGB, Box, Chips, Point
from phototag.weights import PackagedWeights

PREDICTOR = PackagedWeights(
    "face_recognition_models",
    "models/shape_predictor_5_face_landmarks.dat",
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
)
PREDICTOR_68 = PackagedWeights(
    "face_recognition_models",
    "models/shape_predictor_68_face_landmarks.dat",
    "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
)
#: Of the square in which dlib's predictor looks, where the eyes' distance and that from eyes to mouth are a right
#: triangle's legs. Fitted to dlib's boxes on 2,480 photos of LFW it was 1.741; a little less does no worse.
SIDE = 1.671
PADDING = 0.25  #: of the face's size around it, as dlib's ResNet was trained

#: Eyes, nose tip and mouth corners in 112×112 pixels (Deng, Guo, Xue, Zafeiriou 2019, as published with its code).
ARCFACE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
#: dlib's five points in such chips: medians over 2,501 photos of LFW that were laid on the landmarks' template.
ARCFACE_DLIB = ((80.30, 53.22), (66.48, 53.67), (31.20, 53.64), (45.09, 53.81), (56.06, 80.01))

#: Where OpenFace lays three of dlib's 68 points, in sides of the chip: its mean face (align_dlib.py), of which
#: the outermost points touch the chip's edges.
OPENFACE_OUTER = {36: (0.194157, 0.169267), 45: (0.788859, 0.158171), 33: (0.494951, 0.514441)}
OPENFACE_INNER = {39: (0.363785, 0.177947), 42: (0.618963, 0.172778), 57: (0.500204, 0.750584)}


def align(
    image: RGB,
    boxes: Sequence[Box],
    *,
    alignment: str,
    size: int,
    landmarks: Sequence[tuple[Point, ...]] = (),
) -> Chips:
    """One upright square chip of `size` pixels for each box; what lies outside the image is black.

    `landmarks`: the detector's five points of each box, where it gives any. Raises ValueError for an
    unknown `alignment`, WeightsError where the alignment's own weights can't be trusted.
    """
    try:
        cut = _CUTTERS[alignment]
    except KeyError:
        raise ValueError(f"no alignment is called {alignment!r}; known: {', '.join(ALIGNMENTS)}") from None
    if not boxes:
        return np.empty((0, size, size, 3), np.uint8)
    return cut(image, boxes, size, landmarks or [()] * len(boxes))


def _dlib_chips(image: RGB, boxes: Sequence[Box], size: int, landmarks: Sequence[tuple[Point, ...]]) -> Chips:
    import dlib

    image = np.ascontiguousarray(image)  # as dlib needs it
    shapes = dlib.full_object_detections()
    for box, points in zip(boxes, landmarks, strict=True):
        shapes.append(_shape(image, box, points))
    return np.stack(dlib.get_face_chips(image, shapes, size=size, padding=PADDING))


def _arcface_chips(image: RGB, boxes: Sequence[Box], size: int, landmarks: Sequence[tuple[Point, ...]]) -> Chips:
    """The five landmarks, or else dlib's points, laid on the template that ArcFace made customary."""
    chips = []
    for box, points in zip(boxes, landmarks, strict=True):
        template = ARCFACE if points else ARCFACE_DLIB
        matrix = similarity(np.array(points or five_points(image, box)), (np.array(template) + 0.5) * size / 112 - 0.5)
        chips.append(warp(image, matrix, size))
    return np.stack(chips)


def _openface_chips(
    template: dict[int, Point], image: RGB, boxes: Sequence[Box], size: int, landmarks: Sequence[tuple[Point, ...]]
) -> Chips:
    """Three of dlib's 68 points laid on OpenFace's template, which turns, stretches and slants the face."""
    image = np.ascontiguousarray(image)  # as dlib needs it
    chips = []
    for box, points in zip(boxes, landmarks, strict=True):
        shape = _shape(image, box, points, PREDICTOR_68)
        three = np.array([(shape.part(index).x, shape.part(index).y) for index in template], np.float64)
        chips.append(warp(image, affine(three, np.array(list(template.values())) * size), size))
    return np.stack(chips)


def _box_chips(image: RGB, boxes: Sequence[Box], size: int, landmarks: Sequence[tuple[Point, ...]]) -> Chips:
    """What of the box lies inside the image, stretched to a square."""
    height, width = image.shape[:2]
    chips = np.zeros((len(boxes), size, size, 3), np.uint8)
    for chip, box in zip(chips, boxes, strict=True):
        left, right = (min(max(round(x), 0), width) for x in (box.x, box.x + box.w))
        top, bottom = (min(max(round(y), 0), height) for y in (box.y, box.y + box.h))
        if left < right and top < bottom:
            face = PIL.Image.fromarray(np.ascontiguousarray(image[top:bottom, left:right]))
            chip[:] = np.asarray(face.resize((size, size), PIL.Image.Resampling.BICUBIC))
    return chips


def five_points(image: RGB, box: Box, landmarks: tuple[Point, ...] = ()) -> tuple[Point, ...]:
    """dlib's five points of one face: two corners of the right eye, two of the left, the nose's foot."""
    shape = _shape(np.ascontiguousarray(image), box, landmarks)
    return tuple((float(point.x), float(point.y)) for point in shape.parts())


def _shape(image: RGB, box: Box, landmarks: tuple[Point, ...], predictor: PackagedWeights = PREDICTOR) -> Any:
    """A predictor's points, as one of its own objects."""
    return _predictor(predictor)(image, _rectangle(_square_around(landmarks) if landmarks else box))


def _rectangle(box: Box) -> Any:
    import dlib

    left, top = round(box.x), round(box.y)
    return dlib.rectangle(left, top, left + max(round(box.w), 1) - 1, top + max(round(box.h), 1) - 1)


def _square_around(landmarks: tuple[Point, ...]) -> Box:
    """A square such as dlib's detector would have drawn, for which its predictor was trained.

    Over all pairs of LFW's development list, true accepts at 0.1 % false ones (0.01 %) were .937 (.768) with
    boxes of MTCNN as they are, .947 (.786) with dlib's own, .947 (.792) with this square.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = np.array(landmarks)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    side = SIDE * float(np.hypot(*np.linalg.norm([right_eye - left_eye, mouth - eyes], axis=1)))
    x, y = ((eyes + mouth) / 2 - side / 2).tolist()
    return Box(x, y, side, side)


@cache
def _predictor(weights: PackagedWeights) -> Any:
    import dlib

    weights.load()  # dlib reads the file itself, but not before its hash is right
    return dlib.shape_predictor(str(weights.path()))


_CUTTERS: dict[str, Callable[[RGB, Sequence[Box], int, Sequence[tuple[Point, ...]]], Chips]] = {
    "dlib-5-point": _dlib_chips,
    "arcface-5-point": _arcface_chips,
    "openface-outer-eyes-nose": partial(_openface_chips, OPENFACE_OUTER),
    "openface-inner-eyes-bottom-lip": partial(_openface_chips, OPENFACE_INNER),
    "box-160": _box_chips,
}
ALIGNMENTS = tuple(_CUTTERS)  #: the names that `align` knows
