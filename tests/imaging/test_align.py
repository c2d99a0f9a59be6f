"""Chips as dlib cuts them, wherever the face lies."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import dlib
import numpy as np
import pytest
from PIL import Image

from phototag.errors import WeightsError
from phototag.imaging import align as module
from phototag.imaging.align import align, five_points
from phototag.types import RGB, Box, Chips, Point
from phototag.weights import PackagedWeights


@pytest.fixture(scope="module")
def portrait() -> RGB:
    path = files("phototag.imaging") / "portraits" / "eileen_collins.jpg"
    return np.asarray(Image.open(str(path)).convert("RGB"))


@pytest.fixture(scope="module")
def box(portrait: RGB) -> Box:
    [best, *_] = dlib.get_frontal_face_detector()(portrait, 1)
    return Box(best.left(), best.top(), best.width(), best.height())


def cut(image: RGB, *boxes: Box, landmarks: tuple[tuple[Point, ...], ...] = ()) -> Chips:
    return align(image, boxes, alignment="dlib-5-point", size=150, landmarks=landmarks)


def likeness(one: RGB, two: RGB) -> float:
    return float(np.corrcoef(one.ravel(), two.ravel())[0, 1])


def test_a_box_of_dlibs_gives_dlibs_chip(portrait: RGB, box: Box) -> None:
    predictor = dlib.shape_predictor(str(module.PREDICTOR.path()))
    rectangle = dlib.rectangle(int(box.x), int(box.y), int(box.x + box.w) - 1, int(box.y + box.h) - 1)
    expected = dlib.get_face_chip(portrait, predictor(portrait, rectangle), size=150, padding=0.25)
    [chip] = cut(portrait, box)
    assert chip.shape == (150, 150, 3)
    assert np.array_equal(chip, expected)


def test_eyes_are_level_in_the_chip_of_a_tilted_face(portrait: RGB, box: Box) -> None:
    tilted = np.asarray(Image.fromarray(portrait).rotate(15, Image.Resampling.BICUBIC))
    [best, *_] = dlib.get_frontal_face_detector()(tilted, 1)
    where = Box(best.left(), best.top(), best.width(), best.height())
    upright, turned = cut(portrait, box)[0], cut(tilted, where)[0]
    assert likeness(upright, turned) > 0.9


def test_landmarks_say_more_than_the_box(portrait: RGB, box: Box) -> None:
    points = five_points(portrait, box)
    right_eye, left_eye = np.mean(points[0:2], axis=0), np.mean(points[2:4], axis=0)
    eyes = sorted([tuple(right_eye), tuple(left_eye)])
    down = np.array(points[4]) - np.mean(eyes, axis=0)
    mouths = [tuple(np.array(eye) * 0.85 + np.mean(eyes, axis=0) * 0.15 + 1.7 * down) for eye in eyes]
    landmarks = (eyes[0], eyes[1], points[4], mouths[0], mouths[1])
    off = Box(box.x + box.w * 0.4, box.y - box.h * 0.4, box.w * 0.7, box.h * 1.6)
    assert likeness(cut(portrait, off, landmarks=(landmarks,))[0], cut(portrait, box)[0]) > 0.95
    assert likeness(cut(portrait, off, landmarks=((),))[0], cut(portrait, box)[0]) < 0.9


def test_five_points_are_two_eyes_above_a_nose(portrait: RGB, box: Box) -> None:
    points = five_points(portrait, box)
    assert len(points) == 5
    eyes, nose = points[:4], points[4]
    assert all(eye[1] < nose[1] for eye in eyes)
    assert min(eye[0] for eye in eyes) < nose[0] < max(eye[0] for eye in eyes)
    assert all(box.x <= x <= box.x + box.w and box.y <= y <= box.y + box.h for x, y in points)


def test_a_face_cut_off_by_the_edge(portrait: RGB, box: Box) -> None:
    left = int(box.x + box.w * 0.4)
    half = portrait[:, left:].copy()
    [chip] = cut(half, Box(box.x - left, box.y, box.w, box.h))
    assert chip.shape == (150, 150, 3)
    assert (chip == 0).all(axis=2).mean() > 0.1  # beyond the edge
    assert chip.std() > 20  # and half a face


@pytest.mark.parametrize(
    "where", [Box(0, 0, 1, 1), Box(0, 0, 0, 0), Box(-900, -900, 20, 20), Box(0.4, 0.4, 5000, 5000)]
)
def test_odd_boxes_give_chips_too(where: Box, portrait: RGB) -> None:
    assert cut(portrait, where).shape == (1, 150, 150, 3)


def test_landmarks_all_in_one_point(portrait: RGB, box: Box) -> None:
    assert cut(portrait, box, landmarks=(((50.0, 50.0),) * 5,)).shape == (1, 150, 150, 3)


def test_many_boxes_none_and_another_size(portrait: RGB, box: Box) -> None:
    shifted = Box(box.x + 5, box.y, box.w, box.h)
    both = cut(portrait, box, shifted)
    assert np.array_equal(both[1], cut(portrait, shifted)[0])
    assert cut(portrait).shape == (0, 150, 150, 3)
    assert align(portrait, [box], alignment="dlib-5-point", size=96).shape == (1, 96, 96, 3)


def test_a_view_of_a_larger_picture(portrait: RGB, box: Box) -> None:
    wide = np.concatenate([portrait, portrait], axis=1)
    view = wide[:, : portrait.shape[1]]
    assert not view.flags.c_contiguous
    assert np.array_equal(cut(view, box), cut(portrait, box))
    assert five_points(view, box) == five_points(portrait, box)


def test_an_unknown_alignment_is_refused(portrait: RGB, box: Box) -> None:
    with pytest.raises(ValueError, match="no alignment is called 'sideways'"):
        align(portrait, [box], alignment="sideways", size=150)


def test_a_tampered_predictor_is_refused_before_dlib_reads_it(
    portrait: RGB, box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(module.PREDICTOR.path().read_bytes())
    data[1000] ^= 1
    tampered = tmp_path / "predictor.dat"
    tampered.write_bytes(data)
    monkeypatch.setattr(PackagedWeights, "path", lambda self: tampered)
    monkeypatch.setattr(dlib, "shape_predictor", lambda path: pytest.fail("dlib read it"))
    module._predictor.cache_clear()
    with pytest.raises(WeightsError, match="SHA-256"):
        cut(portrait, box)
