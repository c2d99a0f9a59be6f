"""The cascade: its pictures and crops, its weights, and the package's own answers."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phototag.engines.detectors import mtcnn_networks, mtcnn_weights, pyramid
from phototag.engines.detectors.mtcnn import SEAM, Mtcnn
from phototag.engines.detectors.mtcnn_networks import TILE
from phototag.engines.detectors.patches import OUTSIDE, resample_squares
from phototag.engines.runtimes.litert import LiteRTNetwork
from phototag.engines.spec import EngineOptions
from phototag.errors import WeightsError
from phototag.types import RGB, Box
from phototag.weights import PackagedWeights


@pytest.mark.parametrize(("width", "height"), [(1280, 960), (960, 1280), (250, 250), (3000, 40), (37, 53)])
def test_levels_fit_their_atlas_without_touching(width: int, height: int) -> None:
    atlas = pyramid.build_atlas(np.full((height, width, 3), 255, np.uint8), 12 / 20, 12)
    assert atlas is not None
    taken = np.zeros(atlas.rgb.shape[:2], int)
    for level in atlas.levels:
        assert not (level.x % 2 or level.y % 2)
        assert min(level.width, level.height) >= 12
        assert level.width * level.scale[0] == pytest.approx(width, abs=level.scale[0])
        assert level.height * level.scale[1] == pytest.approx(height, abs=level.scale[1])
        taken[level.y : level.y + level.height, level.x : level.x + level.width] += 1
    assert taken.max() == 1
    assert np.array_equal(taken == 1, atlas.rgb[:, :, 0] == 255)
    sides = [level.width for level in atlas.levels]
    assert all(0.5 <= small / large < 0.53 for large, small in pairwise(sides) if small > 20)


@pytest.mark.parametrize("size", [(60, 80), (61, 81), (7, 1), (1, 1)])
@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_a_reduced_picture_is_pillows(size: tuple[int, int], factor: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    for view in (image, image[::-1], image[..., ::-1]):
        expected = np.asarray(Image.fromarray(view).reduce(factor))
        assert np.array_equal(pyramid.reduced(view, factor), expected)


def test_a_picture_smaller_than_a_cell_has_no_levels() -> None:
    assert pyramid.build_atlas(np.zeros((19, 300, 3), np.uint8), 12 / 20, 12) is None


def test_each_level_shows_the_whole_picture() -> None:
    image = np.zeros((301, 403, 3), np.uint8)
    image[:150, :200] = (255, 0, 0)
    image[150:, 200:] = (0, 0, 255)
    atlas = pyramid.build_atlas(image, 0.6, 12)
    assert atlas is not None
    for level in atlas.levels:
        shown = atlas.rgb[level.y : level.y + level.height, level.x : level.x + level.width]
        assert shown[0, 0].tolist() == [255, 0, 0]
        assert shown[-1, -1].tolist() == [0, 0, 255]
        assert shown[0, -1].tolist() == shown[-1, 0].tolist() == [0, 0, 0]


def test_the_coarse_pass_and_tiles_find_what_the_fine_pass_finds_everywhere(mtcnn: Mtcnn, portraits: list[RGB]) -> None:
    picture = np.asarray(Image.fromarray(portraits[0]).resize((240, 700)))
    step = TILE[0] - SEAM
    fine = LiteRTNetwork(mtcnn_networks.PNET_FINE.load(), 2)
    every = np.zeros((math.ceil(len(picture) / step) * step // 2, TILE[1] // 2 - 5, 5), np.float32)
    for top in range(0, len(picture), step):
        tile = np.zeros((1, *TILE, 3), np.uint8)
        part = picture[top : top + TILE[0]]
        tile[0, : len(part), : part.shape[1]] = part
        features = mtcnn._pnet_features(tile)
        for down in range(2):
            for across in range(2):
                cells = fine(features[:, down:, across:])[0]
                every[top // 2 + down : (top + step) // 2 : 2, across::2] = cells
    places, cells = mtcnn._cells(picture)
    rows, columns = places.T
    found = cells
    assert len(found) > 10
    assert np.allclose(found, every[rows, columns], atol=1e-4)
    missed = every[:, :, 0] > np.log(0.5 / 0.5)
    missed[rows, columns] = False
    assert missed.sum() < len(found) / 5  # likely cells whose neighbours are all unlikely


def test_crops_are_sampled_between_pixels() -> None:
    # A ramp: bilinear samples of it are the ramp itself.
    columns, rows = np.meshgrid(np.arange(100), np.arange(80))
    ramp = np.stack([columns, rows, columns + rows], axis=2).astype(np.uint8)
    [crop] = resample_squares(ramp, np.array([[10.0, 20.0, 33.5, 40.0]]), 24)
    x = np.linspace(10, 33.5, 24) * 99 / 100
    y = np.linspace(20, 40, 24) * 79 / 80
    assert np.allclose(crop[:, :, 0], x[np.newaxis], atol=0.6)  # whole grey levels
    assert np.allclose(crop[:, :, 1], y[:, np.newaxis], atol=0.6)
    assert np.allclose(crop[:, :, 2], x[np.newaxis] + y[:, np.newaxis], atol=0.6)


def test_crops_beyond_the_edge_are_grey_there() -> None:
    [crop] = resample_squares(np.full((50, 50, 3), 200, np.uint8), np.array([[-25.0, 0.0, 25.0, 49.0]]), 24)
    assert (crop[:, :11] == OUTSIDE).all()
    assert (crop[:, 13:] == 200).all()


def test_the_least_face_is_measured_in_a_picture_of_the_side_that_was_asked_for(portraits: list[RGB]) -> None:
    large = np.zeros((1000, 1000, 3), np.uint8)
    large[:512, :512] = np.asarray(Image.fromarray(portraits[0]).resize((512, 512)))
    [face] = Mtcnn(EngineOptions(min_face=20)).detect([large])[0]
    least = int(max(face.box.w, face.box.h))  # at 500 pixels half as large
    assert Mtcnn(EngineOptions(min_face=least, image_side=500)).detect([large]) == [[]]
    assert len(Mtcnn(EngineOptions(min_face=least // 4, image_side=500)).detect([large])[0]) == 1


def test_landmarks_are_in_the_viewers_order(mtcnn: Mtcnn, portraits: list[RGB]) -> None:
    for portrait in portraits:
        best = mtcnn.detect([portrait])[0][0]
        left_eye, right_eye, nose, left_mouth, right_mouth = best.landmarks
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
        assert all(0 < x - best.box.x < best.box.w and 0 < y - best.box.y < best.box.h for x, y in best.landmarks)


@pytest.mark.parametrize("min_face", [12, 40, 80])
def test_any_least_size_finds_the_large_face(min_face: int, mtcnn: Mtcnn, portraits: list[RGB]) -> None:
    [expected] = mtcnn.detect([portraits[0]])[0][:1]
    [found] = Mtcnn(EngineOptions(min_face=min_face)).detect([portraits[0]])[0][:1]
    assert found.box.iou(expected.box) > 0.8


def test_small_faces_are_found_down_to_the_least_size(portraits: list[RGB]) -> None:
    def heights(min_face: int) -> list[float]:
        detector = Mtcnn(EngineOptions(min_face=min_face))
        return [face.box.h for face in detector.detect([canvas])[0]]

    canvas = np.full((300, 300, 3), 90, np.uint8)
    small = Image.fromarray(portraits[0])
    small.thumbnail((90, 90))
    canvas[100 : 100 + small.height, 100 : 100 + small.width] = np.asarray(small)
    assert len(heights(20)) == 1
    assert heights(120) == []


@pytest.mark.parametrize("name", ["pnet", "rnet", "onet"])
def test_a_flipped_byte_is_refused_before_anything_is_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = PackagedWeights.path
    target = f"{name}.lz4"

    def path(weights: PackagedWeights) -> Path:
        if not weights.file.endswith(target):
            return real(weights)
        data = bytearray(real(weights).read_bytes())
        data[-100] ^= 1
        (tmp_path / target).write_bytes(data)
        return tmp_path / target

    monkeypatch.setattr(PackagedWeights, "path", path)
    stored = {"pnet": mtcnn_weights.PNET, "rnet": mtcnn_weights.RNET, "onet": mtcnn_weights.ONET}[name]
    with pytest.raises(WeightsError, match="SHA-256"):
        stored.read()


def test_nothing_in_the_current_directory_is_touched(mtcnn: Mtcnn, tmp_path: Path) -> None:
    """With a cold cache and payloads where the mtcnn package would look first."""
    payload = f"cposix\nsystem\n(Vtouch {tmp_path / 'executed'}\ntR.".encode()
    (tmp_path / "here").mkdir()
    for name in ("pnet.lz4", "rnet.lz4", "onet.lz4"):
        (tmp_path / "here" / name).write_bytes(payload)
    script = (
        "import sys; touched = [];"
        "sys.addaudithook(lambda event, details: touched.append((event, details))"
        " if event == 'open' and str(details[0]).startswith(sys.argv[1]) or event == 'pickle.find_class'"
        " and 'joblib' in str(details) else None);"
        "from phototag.engines.registry import make_detector; from phototag.engines.spec import EngineOptions;"
        "make_detector('mtcnn', EngineOptions());"
        "print(touched, 'mtcnn' in sys.modules)"
    )
    environment = {**os.environ, "PHOTOTAG_CACHE": str(tmp_path / "cache")}
    answer = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "here")],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path / "here",
        env=environment,
    )
    assert answer.stdout.strip() == "[] False"
    assert answer.stderr == ""
    assert not (tmp_path / "executed").exists()
    assert len(list((tmp_path / "cache").iterdir())) == 5


@pytest.mark.data
def test_finds_what_the_package_finds(
    data: Path, mtcnn: Mtcnn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the package looks for weights here first
    from mtcnn import MTCNN

    theirs = MTCNN()
    wanted = hits = extra = 0
    for name in ("album/group/bbt2.jpg", "album/group/bbt4.jpg", "face-boxes/2008_002470.jpg"):
        image = np.asarray(Image.open(data / name).convert("RGB"))
        expected = [Box(*map(float, face["box"])) for face in theirs.detect_faces(image)]
        found = [face.box for face in mtcnn.detect([image])[0]]
        wanted += len(expected)
        hits += sum(any(box.iou(one) >= 0.5 for one in found) for box in expected)
        extra += sum(all(box.iou(one) < 0.5 for one in expected) for box in found)
    assert wanted >= 12
    assert hits == wanted
    assert extra <= 1
