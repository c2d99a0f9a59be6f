"""An export from the cache is used only if it is the network that the weights make."""

from __future__ import annotations

import hashlib
import logging
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag import config
from phototag.engines.detectors import mtcnn_networks
from phototag.engines.embedders import dlib_resnet
from phototag.engines.runtimes import exported as exports
from phototag.engines.runtimes.export import quantize_weights, to_litert
from phototag.engines.runtimes.exported import exported
from phototag.engines.runtimes.fingerprint import CLOSE, CLOSE_8_BIT, Check, expected, fingerprint, sample_chips
from phototag.engines.runtimes.litert import LiteRTNetwork
from phototag.engines.spec import EngineOptions

NAME = "net.tflite"


def model(seed: int) -> Any:
    import keras

    keras.utils.set_random_seed(seed)
    chips = keras.Input((16, 16, 3), dtype="uint8")
    x = keras.ops.cast(chips, "float32") / 255
    x = keras.layers.Conv2D(64, 3, activation="relu")(x)
    return keras.Model(chips, keras.layers.Dense(100)(keras.layers.Flatten()(x)))


@pytest.fixture(scope="module")
def ours() -> tuple[bytes, Check]:
    """An export, and what it is checked by."""
    network = model(1)
    chips = sample_chips(16)
    return to_litert(network), Check(chips, fingerprint(network(chips, training=False).numpy()))


@pytest.fixture(scope="module")
def foreign() -> bytes:
    """A network of the same shape with other weights."""
    return to_litert(model(2))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTOTAG_CACHE", str(tmp_path))
    monkeypatch.setattr(exports, "_checked", set())
    return tmp_path / NAME


def forge(path: Path, data: bytes) -> None:
    """Puts a file into the cache as somebody would who knows its format."""
    path.write_bytes(hashlib.sha256(data).digest() + data)


def test_an_export_is_kept_and_used_again(cache: Path, ours: tuple[bytes, Check]) -> None:
    data, check = ours
    assert exported(NAME, lambda: data, check) == data
    assert exported(NAME, lambda: pytest.fail("made again"), check) == data


def test_another_network_in_the_cache_is_noticed_and_replaced(
    cache: Path, ours: tuple[bytes, Check], foreign: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    data, check = ours
    for forged in (foreign, b"no network at all", quantize_weights(foreign)):
        forge(cache, forged)
        with caplog.at_level(logging.WARNING):
            assert exported(NAME, lambda: data, check) == data
        assert caplog.messages == [
            f"{NAME} in {cache.parent} is not the network that its weights make: it is made again"
        ]
        assert cache.read_bytes()[32:] == data
        caplog.clear()


def test_weights_that_are_a_little_different_are_noticed(cache: Path, ours: tuple[bytes, Check]) -> None:
    data, check = ours
    assert not check.passes(lambda chips: LiteRTNetwork(data, 1)(chips) * np.float32(1 + 2 * CLOSE))
    assert check.passes(lambda chips: LiteRTNetwork(data, 1)(chips) * np.float32(1 + CLOSE / 2))


def _answer(outputs: np.ndarray, _chips: np.ndarray) -> np.ndarray:
    return outputs


def _run_in_tensorflow(part: mtcnn_networks.Part, inputs: np.ndarray) -> np.ndarray:
    outputs: np.ndarray = part.model()(inputs, training=False).numpy()
    return outputs


def test_outputs_that_are_no_numbers_or_too_few_do_not_pass(ours: tuple[bytes, Check]) -> None:
    _, check = ours
    for outputs in (np.full((2, 100), np.nan), np.zeros((2, 100)), np.zeros((2, 3)), np.zeros((1, 100))):
        assert not check.passes(partial(_answer, outputs.astype(np.float32)))


def test_without_a_check_only_damage_is_noticed(cache: Path, ours: tuple[bytes, Check], foreign: bytes) -> None:
    forge(cache, foreign)
    assert exported(NAME, lambda: ours[0], None) == foreign
    cache.write_bytes(cache.read_bytes()[:-1])
    assert exported(NAME, lambda: ours[0], None) == ours[0]


def test_a_network_is_checked_once_in_a_process(
    cache: Path, ours: tuple[bytes, Check], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, check = ours
    forge(cache, data)
    opened: list[object] = []
    monkeypatch.setattr(
        exports, "LiteRTNetwork", lambda data, threads: opened.append(data) or LiteRTNetwork(data, threads)
    )
    for _ in range(3):
        exported(NAME, lambda: pytest.fail("made again"), check)
    assert len(opened) == 1


def test_the_fingerprints_that_ship_are_those_of_the_pinned_weights() -> None:
    assert Check(sample_chips(dlib_resnet.CHIP_SIZE), expected("dlib-resnet")).passes(
        lambda chips: dlib_resnet.model()(chips, training=False).numpy()
    )
    for part in mtcnn_networks.PARTS:
        check = Check(part.inputs(), expected(f"mtcnn-{part.name}"))
        assert check.passes(partial(_run_in_tensorflow, part))
        assert Check(part.inputs(), check.expected, CLOSE_8_BIT).passes(LiteRTNetwork(part.load(), 1))


def test_a_forged_embedder_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The whole way: an export of dlib's network whose last layer was changed, with its hash redone."""
    embedder = dlib_resnet.DlibResNetInt8(EngineOptions())
    [name] = [path.name for path in config.cache_folder().glob("dlib-resnet-int8-*.tflite")]
    real = (config.cache_folder() / name).read_bytes()[32:]
    monkeypatch.setenv("PHOTOTAG_CACHE", str(tmp_path))
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    network = schema.ModelT.InitFromPackedBuf(real)
    [matrix] = [
        network.buffers[tensor.buffer] for tensor in network.subgraphs[0].tensors if list(tensor.shape) == [128, 256]
    ]
    matrix.data = matrix.data[::-1].copy()
    builder = flatbuffers.Builder(len(real))
    builder.Finish(network.Pack(builder), b"TFL3")
    forge(tmp_path / name, bytes(builder.Output()))
    monkeypatch.setattr(exports, "_checked", set())
    chips = sample_chips(dlib_resnet.CHIP_SIZE)
    assert np.allclose(dlib_resnet.DlibResNetInt8(EngineOptions()).embed(chips), embedder.embed(chips), atol=1e-6)
    assert "is not the network that its weights make" in caplog.text
