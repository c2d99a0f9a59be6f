"""The rebuilt network against dlib itself, the cache, and weights that aren't ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dlib
import numpy as np
import pytest

from phototag.engines.embedders import dlib_resnet
from phototag.engines.embedders.dlib_resnet import WEIGHTS, DlibResNet
from phototag.engines.formats import dlib_dat
from phototag.engines.spec import EngineOptions
from phototag.errors import WeightsError
from phototag.types import Chips
from phototag.weights import PackagedWeights
from tests.engines.conftest import Make


def test_the_same_numbers_as_dlib(resnet: DlibResNet, chips: Chips) -> None:
    theirs = dlib.face_recognition_model_v1(str(WEIGHTS.path()))
    expected = np.array([theirs.compute_face_descriptor(chip) for chip in chips])
    assert np.abs(resnet.descriptors(chips) - expected).max() < 1e-4
    assert resnet.descriptors(chips[:0]).shape == (0, 128)


def test_a_face_and_its_mirror_image_are_one(resnet: DlibResNet, chips: Chips) -> None:
    assert np.allclose(resnet.embed(chips), resnet.embed(chips[:, :, ::-1]), atol=1e-5)


def test_eight_bits_say_nearly_the_same(engine: Make, resnet: DlibResNet, chips: Chips) -> None:
    quick = engine("dlib-resnet-int8")
    off = np.linalg.norm(quick.embed(chips) - resnet.embed(chips), axis=1)
    assert 0 < off.max() < 0.03
    assert quick.info.thresholds == resnet.info.thresholds
    assert quick.info != resnet.info  # but vectors of the two are never compared


def test_a_warm_cache_needs_neither_tensorflow_nor_the_weights(resnet: DlibResNet) -> None:
    script = (
        "import sys; import numpy as np;"
        "from phototag.engines.embedders import dlib_resnet as engine;"
        "from phototag.engines.spec import EngineOptions;"
        "engine.read_network = None;"
        "made = engine.ENGINE.create(EngineOptions());"
        "assert made.embed(np.zeros((1, 150, 150, 3), np.uint8)).shape == (1, 128);"
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
    assert answer.stderr == ""


def test_a_flipped_byte_is_refused_before_parsing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(WEIGHTS.path().read_bytes())
    data[len(data) // 2] ^= 1
    tampered = tmp_path / "weights.dat"
    tampered.write_bytes(data)
    monkeypatch.setattr(PackagedWeights, "path", lambda self: tampered)
    monkeypatch.setenv("PHOTOTAG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(dlib_resnet, "read_network", lambda data: pytest.fail("it was parsed"))
    with pytest.raises(WeightsError, match="SHA-256"):
        DlibResNet(EngineOptions())
    assert not (tmp_path / "cache").exists()


def test_all_parameters_are_read() -> None:
    layers = dlib_dat.read_network(WEIGHTS.load())
    convs = [layer for layer in layers if isinstance(layer, dlib_dat.Conv)]
    assert len(convs) == 29
    assert convs[0].filters.shape == (7, 7, 3, 32)
    assert isinstance(layers[0], dlib_dat.Input)
    assert layers[0].mean == pytest.approx((122.782, 117.001, 104.298), abs=1e-3)
    assert isinstance(layers[-1], dlib_dat.Dense)
    assert layers[-1].matrix.shape == (256, 128)


def _replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(old, new, 1)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:1_000_000],
        lambda data: data + b"\x01",
        lambda data: data + data[:400],
        lambda data: b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        _replaced(b"\x05con_4", b"\x05con_5"),
        _replaced(b"\x05con_4", b"\x40con_4"),
        _replaced(b"loss_metric_2", b"loss_metric_3"),
        _replaced(b"\x01\x96\x01\x96", b"\x01\x96\x01\x97"),  # input of 150 × 151
        _replaced(b"\x02\x80\x12", b"\x08" + b"\xff" * 8),  # a tensor of 2⁶⁴ numbers
        _replaced(b"\x02\x80\x12", b"\x02\x81\x12"),  # one number too many
    ],
)
def test_anything_unexpected_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    data = WEIGHTS.load()
    spoilt = spoil(data)
    assert spoilt != data
    with pytest.raises(WeightsError):
        dlib_dat.read_network(spoilt)


def test_a_weight_that_is_not_a_number_is_refused() -> None:
    data = bytearray(WEIGHTS.load())
    first = data.index(b"\x05con_4") + 6 + 2 + 3 + 6
    data[first : first + 4] = np.float32("nan").tobytes()
    with pytest.raises(WeightsError, match="not finite"):
        dlib_dat.read_network(bytes(data))
