"""Similarity transforms, and chips cut by them."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.imaging.align import ALIGNMENTS, ARCFACE, align
from phototag.imaging.warp import similarity, warp
from phototag.types import RGB, Box

POINTS = np.array([(10.0, 20.0), (40.0, 22.0), (25.0, 35.0), (14.0, 50.0), (37.0, 51.0)])


def turned(degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    angle = np.radians(degrees)
    turn = scale * np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    return np.column_stack([turn, shift])


def ramp(height: int, width: int) -> RGB:
    """Red says the column, green the row."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([columns, rows, np.full_like(rows, 200)], axis=2).astype(np.uint8)


@pytest.mark.parametrize("degrees", [0, 30, 90, -170])
@pytest.mark.parametrize("scale", [0.2, 1.0, 7.0])
def test_a_similarity_is_found_again(degrees: float, scale: float) -> None:
    matrix = turned(degrees, scale, (3, -8))
    found = similarity(POINTS, POINTS @ matrix[:, :2].T + matrix[:, 2])
    assert np.allclose(found, matrix)


def test_it_is_the_nearest_and_never_a_mirror() -> None:
    others = POINTS * (-1, 1) + np.random.default_rng(0).normal(size=POINTS.shape)

    def error(matrix: np.ndarray) -> float:
        return float(((POINTS @ matrix[:, :2].T + matrix[:, 2] - others) ** 2).sum())

    found = similarity(POINTS, others)
    assert np.linalg.det(found[:, :2]) > 0
    for change in np.random.default_rng(1).normal(scale=1e-3, size=(50, 4)):
        a, b, x, y = change
        assert error(found + np.array([(a, -b, x), (b, a, y)])) >= error(found)


def test_points_that_tell_nothing() -> None:
    same = np.ones((5, 2))
    assert np.allclose(similarity(same, POINTS)[:, :2], np.eye(2))
    assert np.isfinite(warp(ramp(50, 50), similarity(same, POINTS), 20)).all()


@pytest.mark.parametrize("matrix", [turned(0, 1, (-7, -9)), turned(0, 1, (-7.5, -9.25)), turned(25, 1.3, (4, -30))])
def test_each_pixel_comes_from_its_place(matrix: np.ndarray) -> None:
    chip = warp(ramp(100, 120), matrix, 40).astype(float)
    columns, rows = np.meshgrid(np.arange(40), np.arange(40))
    places = (np.stack([columns, rows], axis=2) - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    inside = (places > 1).all(axis=2) & (places < (118, 98)).all(axis=2)
    assert inside.sum() > 300
    assert np.abs(chip[..., :2] - places)[inside].max() <= 1


def test_a_fine_image_is_averaged() -> None:
    checks = np.indices((800, 800)).sum(axis=0) % 2 * 255
    chip = warp(np.repeat(checks[..., np.newaxis], 3, axis=2).astype(np.uint8), turned(10, 0.1, (10, 0)), 50)
    assert np.abs(chip[10:40, 20:40].astype(int) - 127).max() < 30
    fine = ramp(250, 250)
    large = np.repeat(np.repeat(fine, 8, axis=0), 8, axis=1)
    matrix = turned(12, 0.8, (-20, -30))
    smaller = np.column_stack([matrix[:, :2] / 8, matrix[:, 2] - matrix[:, :2] @ (3.5, 3.5) / 8])
    assert np.abs(warp(large, smaller, 60).astype(int) - warp(fine, matrix, 60)).max() <= 2


def test_outside_is_black() -> None:
    white = np.full((30, 40, 3), 255, np.uint8)
    chip = warp(white, turned(0, 1, (10, 15)), 64)
    assert chip[15:45, 10:50].min() == 255
    assert chip.sum() == 30 * 40 * 3 * 255
    assert warp(white, turned(0, 1, (500, 0)), 64).max() == 0


@pytest.mark.parametrize("size", [112, 224])
def test_landmarks_land_on_the_template(size: int) -> None:
    """Bright dots at a tilted face's landmarks lie at the template's points in the chip."""
    image = np.zeros((400, 500, 3), np.uint8)
    matrix = turned(-20, 1.9, (190, 80))
    points = np.array(ARCFACE) @ matrix[:, :2].T + matrix[:, 2]
    for x, y in points.round().astype(int):
        image[y - 2 : y + 3, x - 2 : x + 3] = 255
    [chip] = align(
        image,
        [Box(0, 0, 400, 400)],
        alignment="arcface-5-point",
        size=size,
        landmarks=[tuple((float(x), float(y)) for x, y in points)],
    )
    bright = chip[..., 0] > 60
    for x, y in np.array(ARCFACE) * size / 112:
        assert bright[round(y), round(x)]
    rows, columns = np.nonzero(bright)
    nearest = np.min([np.hypot(columns - x, rows - y) for x, y in np.array(ARCFACE) * size / 112], axis=0)
    assert nearest.max() < 4 * size / 112


def test_unknown_alignments_are_named() -> None:
    assert {"dlib-5-point", "arcface-5-point"} <= set(ALIGNMENTS)
    with pytest.raises(ValueError, match="no alignment is called 'by-eye'; known: dlib-5-point, arcface-5-point"):
        align(np.zeros((9, 9, 3), np.uint8), [], alignment="by-eye", size=112)
