"""Quality falls with what makes faces hard to recognise, and with nothing else."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL import ImageFilter

from phototag.imaging.quality import SIZE, WORTH_LEARNING, quality, sharpness
from phototag.types import Box, Detection, Image, Point

#: Where MTCNN sees Grace Hopper.
FACE = Detection(Box(111, 115, 169, 214), 1.0)
FRONTAL = ((-10.0, 0.0), (10.0, 0.0), (0.0, 13.0), (-8.0, 22.0), (8.0, 22.0))


@pytest.fixture(scope="module")
def portrait() -> PIL.Image.Image:
    with PIL.Image.open(str(files("phototag.workflows.demo") / "portraits" / "grace_hopper.jpg")) as picture:
        return picture.convert("RGB")


def seen(picture: PIL.Image.Image, face: Detection = FACE, scale: float = 1.0) -> float:
    return quality(Image(np.asarray(picture), scale), face)


def shrunk(picture: PIL.Image.Image, scale: float) -> float:
    """The quality in a smaller decode of the same photo."""
    size = (round(picture.width * scale), round(picture.height * scale))
    return seen(picture.resize(size, PIL.Image.Resampling.LANCZOS), FACE, scale)


def test_a_good_face(portrait: PIL.Image.Image) -> None:
    assert 0.97 < seen(portrait) <= 1


def test_it_falls_with_size_and_is_a_half_at_sixteen_pixels(portrait: PIL.Image.Image) -> None:
    found = [shrunk(portrait, pixels / FACE.box.w) for pixels in (8, 12, 16, 20, 24, 32, 64)]
    assert found == sorted(found)
    assert found[0] < 0.05
    assert found[2] == pytest.approx(1 / (1 + (SIZE[0] / 16) ** SIZE[1]), abs=0.01)  # its blur doesn't count as well
    assert 0.45 < found[2] < 0.55
    assert found[-1] > 0.97


def test_it_falls_with_blur_of_any_kind(portrait: PIL.Image.Image) -> None:
    half = FACE.box.w / 26
    found = [seen(portrait.filter(ImageFilter.GaussianBlur(half * much))) for much in (2, 1.5, 0.5, 0)]
    assert found == sorted(found)
    assert found[0] < 0.15
    assert 0.2 < found[1] < 0.7
    assert found[2] > 0.9
    pixels = np.asarray(portrait, np.float32)
    for axis in (0, 1):  # the camera moved by a third of the face
        moved = np.mean([np.roll(pixels, step, axis) for step in range(-28, 28)], axis=0)
        assert seen(PIL.Image.fromarray(moved.astype(np.uint8))) < 0.6


def test_light_and_contrast_cost_nothing(portrait: PIL.Image.Image) -> None:
    for other in (portrait.point(lambda v: v * 0.3), portrait.point(lambda v: 128 + v * 0.25)):
        assert seen(other) == pytest.approx(seen(portrait), abs=0.02)


def test_a_large_face_is_looked_at_in_part_and_seen_the_same(portrait: PIL.Image.Image) -> None:
    large = portrait.resize((portrait.width * 6, portrait.height * 6), PIL.Image.Resampling.BICUBIC)
    box = FACE.box.scaled(6)
    assert seen(large, replace(FACE, box=box)) == pytest.approx(seen(portrait), abs=0.02)


def test_score_counts(portrait: PIL.Image.Image) -> None:
    assert seen(portrait, replace(FACE, score=0.6)) == pytest.approx(0.6 * seen(portrait))


def pose(portrait: PIL.Image.Image, landmarks: tuple[Point, ...]) -> float:
    """The share that the pose leaves."""
    return seen(portrait, replace(FACE, landmarks=landmarks)) / seen(portrait)


def with_nose(x: float, y: float) -> tuple[Point, ...]:
    return (*FRONTAL[:2], (x, y), *FRONTAL[3:])


def test_pose_is_where_the_nose_is(portrait: PIL.Image.Image) -> None:
    assert pose(portrait, FRONTAL) > 0.99
    assert pose(portrait, with_nose(5, 13)) > 0.97  # turned a little
    for nose in ((13.5, 13.2), (-13.5, 13.2), (0, 0.15 * 22), (0, 1.05 * 22)):
        assert pose(portrait, with_nose(*nose)) == pytest.approx(0.5, abs=0.01)
    assert pose(portrait, with_nose(25, 13)) < 0.1
    assert pose(portrait, with_nose(13.5, 0.15 * 22)) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("degrees", [10, 90, 180, -37])
def test_a_head_to_one_side_costs_nothing(portrait: PIL.Image.Image, degrees: float) -> None:
    turn = complex(math.cos(math.radians(degrees)), math.sin(math.radians(degrees)))
    for landmarks in (FRONTAL, with_nose(12, 9)):
        turned = tuple((z.real, z.imag) for z in ((complex(*point) * 3 + 40) * turn for point in landmarks))
        assert pose(portrait, turned) == pytest.approx(pose(portrait, landmarks), abs=1e-9)


def test_landmarks_that_no_face_has(portrait: PIL.Image.Image) -> None:
    assert pose(portrait, ((5.0, 5.0),) * 5) == 0
    assert pose(portrait, tuple((float(x), 2.0 * x) for x in range(5))) == 0


@pytest.mark.parametrize(
    "box", [Box(500, 10, 20, 20), Box(-30, -30, 20, 20), Box(0, 0, 1, 1), Box(99.5, 79.5, 0.5, 0.5)]
)
def test_next_to_nothing_is_worth_nothing(box: Box) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (80, 100, 3)).astype(np.uint8)
    assert quality(Image(noise, 1.0), Detection(box, 1.0)) < 0.01


def test_a_face_cut_off_by_the_edge_is_still_seen(portrait: PIL.Image.Image) -> None:
    cut = portrait.crop((150, 150, 512, 600))
    box = FACE.box.moved(-150, -150)
    assert seen(cut, replace(FACE, box=box)) > 0.9


@pytest.mark.parametrize("shape", [(50, 40, 3), (1, 1, 3), (300, 1, 3)])
def test_flat_patches_are_not_sharp(shape: tuple[int, int, int]) -> None:
    for value in (0, 77, 255):
        assert sharpness(np.full(shape, value, np.uint8)) == 0


@pytest.mark.data
def test_annotated_faces_are_worth_learning(data: Path) -> None:
    found = []
    groups = json.loads((data / "album" / "group_annotations.json").read_text())
    for name, faces in groups.items():
        picture = PIL.Image.open(data / "album" / "group" / name).convert("RGB")
        for left, top, right, bottom in (face["box"] for face in faces):
            found.append(seen(picture, Detection(Box(left, top, right - left, bottom - top), 1.0)))
    text = (data / "face-boxes" / "testing.xml").read_text("latin1")
    for name, body in re.findall(r"<image file='([^']+)'[^>]*>(.*?)</image>", text, re.S):
        picture = PIL.Image.open(data / "face-boxes" / name).convert("RGB")
        for box in re.findall(r"<box ([^>]*)", body):
            side = {key: float(value) for key, value in re.findall(r"(\w+)='(-?\d+)'", box)}
            found.append(seen(picture, Detection(Box(side["left"], side["top"], side["width"], side["height"]), 1.0)))
    assert len(found) > 40
    assert min(found) > WORTH_LEARNING
    assert np.median(found) > 0.95
