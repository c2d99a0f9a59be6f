"""How an edited picture lies on the one before, and whether what was somewhere is still there."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.imaging.registration import Transform, correlates_within, register
from phototag.types import RGB, Box

WHERE = Box(120, 80, 60, 60)
HERE = Transform(np.array([[1.0, 0, 0], [0, 1.0, 0]]), True)


def ground(seed: int, size: tuple[int, int] = (300, 400)) -> RGB:
    """A coarse pattern like no other."""
    blocks = np.random.default_rng(seed).integers(0, 80, (size[0] // 10, size[1] // 10))
    return np.kron(blocks, np.ones((10, 10)))[..., None].repeat(3, 2).astype(np.uint8)


def with_face(picture: RGB, box: Box = WHERE) -> RGB:
    """A bright square with eyes."""
    made = picture.copy()
    x, y = int(box.x), int(box.y)
    made[y : y + 60, x : x + 60] = (200, 160, 140)
    for eye in (12, 40):
        made[y + 14 : y + 24, x + eye : x + eye + 8] = 20
    return made


def test_a_crop_lies_where_it_was_cut() -> None:
    picture = with_face(ground(1))
    found = register(picture, picture[50:280, 70:390])
    assert found is not None and found.sure
    box = found.box(WHERE)
    assert box.iou(Box(50, 30, 60, 60)) > 0.9


def test_faces_alone_do_not_lay_two_pictures_on_each_other() -> None:
    """Two photos may show the same person, or people who look alike."""
    one, other = with_face(ground(1)), with_face(ground(2), Box(200, 100, 60, 60))
    assert register(one, other, [(WHERE, Box(200, 100, 60, 60))]) is None


def test_on_a_plain_ground_faces_do() -> None:
    plain = np.full((300, 400, 3), 40, np.uint8)
    found = register(with_face(plain), with_face(plain, Box(200, 100, 60, 60)), [(WHERE, Box(200, 100, 60, 60))])
    assert found is not None


def test_what_is_there_still_is_told_from_what_covers_it() -> None:
    picture = with_face(ground(1))
    brighter = np.clip(picture.astype(np.float64) * 1.3 + 10, 0, 255).astype(np.uint8)
    for same in (picture, brighter, np.roll(picture, (2, -2), (0, 1))):
        assert correlates_within(picture, same, HERE, WHERE)
    painted, pasted = picture.copy(), picture.copy()
    painted[70:150, 110:190] = 90
    pasted[80:140, 120:180] = ground(3)[:60, :60]
    for covered in (painted, pasted):
        assert not correlates_within(picture, covered, HERE, WHERE)


@pytest.mark.parametrize(("shade", "same"), [(100, True), (115, True), (180, False)])
def test_plain_places_are_alike_in_one_colour(shade: int, same: bool) -> None:
    one, other = np.full((300, 400, 3), 100, np.uint8), np.full((300, 400, 3), shade, np.uint8)
    assert correlates_within(one, other, HERE, WHERE) == same


def test_a_place_outside_the_picture_is_like_nothing() -> None:
    picture = with_face(ground(1))
    assert not correlates_within(picture, picture, HERE, Box(500, 80, 60, 60))
