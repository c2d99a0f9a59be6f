"""What every engine promises, whoever wrote it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from phototag.engines import plugins
from phototag.types import RGB, Chips, Detection, Embedder
from tests.engines.conftest import Make

READY = [spec for spec in plugins.available() if spec.prepare is None]
# Families are engines only with weights that the user brings: here, made-up ones or those of the research data.
DETECTORS = [*(spec.name for spec in READY if spec.kind == "detector"), pytest.param("yunet", marks=pytest.mark.data)]
TRAINED = [spec.name for spec in READY if spec.kind == "embedder"]
BROUGHT = ["onnx", "openface", "facenet", "projection", pytest.param("mobilefacenet", marks=pytest.mark.data)]
EMBEDDERS = [*TRAINED, *BROUGHT]
EMPTY = [(180, 240), (1, 1), (8, 3000), (3000, 8), (1, 500), (13, 13), (50, 90)]


@pytest.fixture(scope="module")
def small(portraits: list[RGB]) -> list[RGB]:
    """The portraits so small that a slow engine takes a second for both; their faces have 80 pixels."""
    sizes = [(210, 225), (205, 235)]
    return [np.asarray(Image.fromarray(portrait).resize(size)) for portrait, size in zip(portraits, sizes, strict=True)]


def close(found: list[Detection], others: list[Detection]) -> bool:
    def numbers(face: Detection) -> list[float]:
        box = face.box
        return [box.x, box.y, box.w, box.h, face.score, *np.ravel(face.landmarks)]

    return len(found) == len(others) and all(
        np.allclose(numbers(one), numbers(two), rtol=0, atol=1e-5) for one, two in zip(found, others, strict=True)
    )


def fitted(chips: Chips, embedder: Embedder) -> Chips:
    """The chips in the size that an embedder takes."""
    size = embedder.info.chip_size
    return np.stack([np.asarray(Image.fromarray(chip).resize((size, size))) for chip in chips])


@pytest.mark.parametrize("name", DETECTORS)
def test_detector_says_who_it_is(name: str, engine: Make) -> None:
    info = engine(name).info
    assert (info.kind, info.name) == ("detector", name)
    assert info == engine(name).info
    assert list(info.parameters) == sorted(info.parameters)


@pytest.mark.parametrize("name", DETECTORS)
def test_one_face_in_each_portrait(name: str, engine: Make, small: list[RGB]) -> None:
    for portrait, faces in zip(small, engine(name).detect(small), strict=True):
        height, width = portrait.shape[:2]
        best = faces[0].box
        assert best.w > width / 8
        assert abs(best.x + best.w / 2 - width / 2) < width / 4
        assert best.y + best.h / 2 < height * 0.6


@pytest.mark.parametrize("name", DETECTORS)
def test_detector_is_deterministic_and_a_batch_equals_its_singles(name: str, engine: Make, small: list[RGB]) -> None:
    detector = engine(name)
    batch = detector.detect([*small, small[0][::2, ::2].copy()])
    again = detector.detect([*small, small[0][::2, ::2].copy()])
    assert batch == again
    singles = [detector.detect([image])[0] for image in [*small, small[0][::2, ::2].copy()]]
    assert all(close(one, two) for one, two in zip(batch, singles, strict=True))
    assert detector.detect([]) == []


@pytest.mark.parametrize("name", DETECTORS)
def test_boxes_lie_inside_and_best_comes_first(name: str, engine: Make, small: list[RGB]) -> None:
    # Cut through the face, so that a careless box would reach outside; views, not whole arrays of their own.
    halves = [half for image in small for half in (image[:, : image.shape[1] // 2], image[60:])]
    for image, faces in zip(halves, engine(name).detect(halves), strict=True):
        height, width = image.shape[:2]
        for face in faces:
            box = face.box
            assert 0 <= box.x < box.x + box.w <= width
            assert 0 <= box.y < box.y + box.h <= height
            assert 0 <= face.score <= 1
            assert len(face.landmarks) in (0, 5)
            assert np.isfinite([box.x, box.y, box.w, box.h, face.score, *np.ravel(face.landmarks)]).all()
        assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("shape", EMPTY)
def test_nothing_is_found_where_there_is_nothing(name: str, shape: tuple[int, int], engine: Make) -> None:
    black = np.zeros((*shape, 3), np.uint8)
    assert engine(name).detect([black, black + 255]) == [[], []]


@pytest.mark.parametrize("name", EMBEDDERS)
def test_embedder_says_who_it_is(name: str, engine: Make) -> None:
    info = engine(name).info
    assert (info.kind, info.name) == ("embedder", name)
    assert len(info.weights_sha256) == 64
    assert info.alignment
    assert list(info.parameters) == sorted(info.parameters)
    assert info.thresholds is not None
    assert 0 < info.thresholds.join <= info.thresholds.split < 2


@pytest.mark.parametrize("name", EMBEDDERS)
def test_vectors_are_finite_of_unit_length_and_not_all_alike(name: str, engine: Make, chips: Chips) -> None:
    embedder = engine(name)
    vectors = embedder.embed(fitted(chips, embedder))
    assert vectors.shape == (len(chips), embedder.info.dim)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.ptp(vectors, axis=0).max() > 0.01


@pytest.mark.parametrize("name", TRAINED)
def test_people_are_told_apart(name: str, engine: Make, chips: Chips) -> None:
    embedder = engine(name)
    vectors = embedder.embed(chips)
    distances = np.linalg.norm(vectors[:, np.newaxis] - vectors, axis=2)
    same = distances.reshape(2, 5, 2, 5)[[0, 1], :, [0, 1], :]
    different = distances[:5, 5:]
    assert same.max() < embedder.info.thresholds.same < different.min()


@pytest.mark.parametrize("name", EMBEDDERS)
def test_embedder_is_deterministic_and_a_batch_equals_its_singles(name: str, engine: Make, chips: Chips) -> None:
    embedder = engine(name)
    many = fitted(np.concatenate([chips, chips]), embedder)  # more than one of its own batches
    vectors = embedder.embed(many)
    assert np.array_equal(vectors, embedder.embed(many))
    singles = np.concatenate([embedder.embed(many[at : at + 1]) for at in range(len(many))])
    assert np.abs(vectors - singles).max() < 1e-5


@pytest.mark.parametrize("name", EMBEDDERS)
def test_flat_chips_give_finite_vectors_and_no_chips_none(name: str, engine: Make) -> None:
    embedder = engine(name)
    size = embedder.info.chip_size
    flat = np.stack([np.full((size, size, 3), value, np.uint8) for value in (0, 255)])
    assert np.isfinite(embedder.embed(flat)).all()
    assert embedder.embed(np.empty((0, size, size, 3), np.uint8)).shape == (0, embedder.info.dim)
