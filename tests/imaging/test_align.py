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
from phototag.imaging.warp import affine, similarity, warp
from phototag.types import RGB, Box, Chips, Point
from phototag.weights import PackagedWeights


@pytest.fixture(scope="module")
def portrait() -> RGB:
    path = files("phototag.workflows.demo") / "portraits" / "eileen_collins.jpg"
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


OPENFACE = {"openface-outer-eyes-nose": (36, 45, 33), "openface-inner-eyes-bottom-lip": (39, 42, 57)}


def predicted(image: RGB, where: Box) -> np.ndarray:
    """dlib's 68 points."""
    predictor = dlib.shape_predictor(str(module.PREDICTOR_68.path()))
    left, top = int(where.x), int(where.y)
    shape = predictor(image, dlib.rectangle(left, top, left + int(where.w) - 1, top + int(where.h) - 1))
    return np.array([(point.x, point.y) for point in shape.parts()], float)


@pytest.mark.parametrize("alignment", OPENFACE)
def test_openface_lays_three_points_on_its_template(alignment: str, portrait: RGB, box: Box) -> None:
    # OpenFace's mean face (align_dlib.py): its outermost points, and the three.
    low, high = np.array((0.0792396913815, 0.182360984545)), np.array((0.971193274221, 1.06080371126))
    mean_face = {
        36: (0.252418718401, 0.331052263829),
        45: (0.782865376271, 0.321305281656),
        33: (0.520712933176, 0.634268222208),
        39: (0.403718978315, 0.33867711083),
        42: (0.631326076346, 0.334136672344),
        57: (0.525398405766, 0.841706377792),
    }
    indices = OPENFACE[alignment]
    template = [(np.array(mean_face[index]) - low) / (high - low) * 96 for index in indices]
    points = predicted(portrait, box)[list(indices)]
    for point, place in zip(points, template, strict=True):
        spotted = np.zeros_like(portrait)
        x, y = point.astype(int)
        spotted[y - 2 : y + 3, x - 2 : x + 3] = 255
        spot = warp(spotted, affine(points, np.array(template)), 96)[..., 0].astype(float)
        rows, columns = np.indices(spot.shape)
        centre = ((columns * spot).sum() / spot.sum(), (rows * spot).sum() / spot.sum())
        assert np.allclose(centre, place, atol=0.1)
    [chip] = align(portrait, [box], alignment=alignment, size=96)
    expected = warp(portrait, affine(points, np.array(template)), 96)
    assert np.abs(chip.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("alignment", OPENFACE)
def test_openface_levels_a_tilted_face(alignment: str, portrait: RGB, box: Box) -> None:
    tilted = np.asarray(Image.fromarray(portrait).rotate(15, Image.Resampling.BICUBIC))
    [best, *_] = dlib.get_frontal_face_detector()(tilted, 1)
    where = Box(best.left(), best.top(), best.width(), best.height())
    chips = [align(image, [one], alignment=alignment, size=96)[0] for image, one in ((portrait, box), (tilted, where))]
    assert likeness(*chips) > 0.9


def test_three_points_go_where_they_must_and_a_line_is_only_turned() -> None:
    points, others = np.array([(10.0, 10), (50, 12), (30, 60)]), np.array([(1.0, 2), (80, 4), (33, 70)])
    matrix = affine(points, others)
    assert np.allclose(points @ matrix[:, :2].T + matrix[:, 2], others)
    line = np.array([(10.0, 10), (20, 20), (30, 30)])
    assert np.array_equal(affine(line, others), similarity(line, others))


def test_a_box_is_cut_out_and_stretched(portrait: RGB) -> None:
    where = Box(40.4, 30.2, 80, 120)
    [chip] = align(portrait, [where], alignment="box-160", size=160)
    expected = Image.fromarray(portrait[30:150, 40:120]).resize((160, 160), Image.Resampling.BICUBIC)
    assert np.array_equal(chip, np.asarray(expected))


def test_a_box_is_clipped_at_the_edges_and_may_lie_outside(portrait: RGB) -> None:
    height, width = portrait.shape[:2]
    boxes = [Box(-30, -20, 100, 90), Box(width - 50, height - 60, 200, 300), Box(-90, 0, 50, 50), Box(5, 5, 0, 0)]
    chips = align(portrait, boxes, alignment="box-160", size=160, landmarks=[()] * 4)
    for chip, part in zip(chips, (portrait[:70, :70], portrait[-60:, -50:]), strict=False):
        assert np.array_equal(chip, np.asarray(Image.fromarray(part).resize((160, 160), Image.Resampling.BICUBIC)))
    assert not chips[2:].any()


@pytest.mark.parametrize("alignment", module.ALIGNMENTS)
@pytest.mark.parametrize(
    "where", [Box(0, 0, 1, 1), Box(0, 0, 0, 0), Box(-900, -900, 20, 20), Box(0.4, 0.4, 5000, 5000)]
)
def test_every_alignment_makes_something_of_odd_boxes(alignment: str, where: Box, portrait: RGB) -> None:
    for landmarks in ((), ((50.0, 50.0),) * 5):
        chips = align(portrait, [where, where], alignment=alignment, size=64, landmarks=[landmarks] * 2)
        assert chips.shape == (2, 64, 64, 3)
        assert chips.dtype == np.uint8
    assert align(portrait, [], alignment=alignment, size=64).shape == (0, 64, 64, 3)
