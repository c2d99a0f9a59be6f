"""dlib's network detector behind our protocol."""

from __future__ import annotations

from pathlib import Path

import dlib
import numpy as np
import pytest
from PIL import Image

from phototag.engines.detectors import dlib_cnn
from phototag.engines.detectors.dlib_cnn import WEIGHTS, DlibCnn
from phototag.engines.spec import EngineOptions
from phototag.errors import WeightsError
from phototag.types import RGB
from phototag.weights import PackagedWeights
from tests.engines.conftest import Make


@pytest.fixture(scope="module")
def portrait(portraits: list[RGB]) -> RGB:
    """A face of 80 pixels, in a picture that takes half a second."""
    return np.asarray(Image.fromarray(portraits[1]).resize((205, 235)))


def test_it_finds_what_dlib_finds(portrait: RGB, engine: Make) -> None:
    [theirs] = dlib.cnn_face_detection_model_v1(str(WEIGHTS.path()))(portrait, 0)
    [ours] = engine("dlib-cnn").detect([portrait])[0]
    assert (ours.box.x, ours.box.y) == (theirs.rect.left(), theirs.rect.top())
    assert (ours.box.w, ours.box.h) == (theirs.rect.width(), theirs.rect.height())
    assert 0.9 < ours.score < 1


def test_a_large_image_is_shown_smaller_and_its_boxes_are_its_own(
    portrait: RGB, engine: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    [one] = engine("dlib-cnn").detect([portrait])[0]
    monkeypatch.setattr(dlib_cnn, "LARGEST", 235)
    [two] = engine("dlib-cnn").detect([np.kron(portrait, np.ones((3, 3, 1), np.uint8))])[0]
    assert one.box.scaled(3).iou(two.box) > 0.9


def test_small_faces_are_left_out_on_demand(portrait: RGB) -> None:
    assert DlibCnn(EngineOptions(min_face=81)).detect([portrait]) == [[]]


def test_its_weights_are_part_of_its_identity(engine: Make) -> None:
    info = engine("dlib-cnn").info
    assert info.weights_sha256 == WEIGHTS.sha256
    assert dict(info.parameters).keys() == {"dlib", "image_side", "largest", "min_face"}


def test_tampered_weights_are_refused_before_dlib_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(WEIGHTS.path().read_bytes())
    data[1000] ^= 1
    tampered = tmp_path / "mmod.dat"
    tampered.write_bytes(data)
    monkeypatch.setattr(PackagedWeights, "path", lambda self: tampered)
    monkeypatch.setattr(dlib, "cnn_face_detection_model_v1", lambda path: pytest.fail("dlib read it"))
    with pytest.raises(WeightsError, match="SHA-256"):
        DlibCnn(EngineOptions())
