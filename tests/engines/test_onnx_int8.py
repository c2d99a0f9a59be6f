"""ONNX embedders in 8-bit numbers: run by LiteRT alone, near their own numbers, or refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from phototag import extras
from phototag.engines import registry
from phototag.engines.embedders import onnx_embedder
from phototag.engines.embedders.onnx_embedder import OnnxEmbedder
from phototag.engines.runtimes import onnx_keras, onnx_operators
from phototag.engines.spec import EngineOptions
from phototag.errors import UsageError, WeightsError
from phototag.types import Chips
from tests.support.onnx_files import card
from tests.support.onnx_graphs import convolutions

INT8 = card(dim=16, scale=1 / 128, mean=(1, 1, 1), numbers="int8", flip=True)
FLOAT32 = card(dim=16, scale=1 / 128, mean=(1, 1, 1), flip=True)


@pytest.fixture
def own_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: Path) -> Path:
    monkeypatch.setenv("PHOTOTAG_ENGINES", str(tmp_path / "engines"))
    monkeypatch.setenv("PHOTOTAG_CACHE", str(exported))
    return tmp_path


@pytest.fixture
def pixels() -> Chips:
    return np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3), np.uint8)


def add(folder: Path, name: str, seen: Any, model: bytes | None = None) -> None:
    path = folder / f"{name}.onnx"
    path.write_bytes(model or convolutions())
    registry.add(name, "onnx", path, seen)


def made(name: str, **options: Any) -> OnnxEmbedder:
    engine = registry.make_embedder(name, EngineOptions(**options))
    assert isinstance(engine, OnnxEmbedder)
    return engine


def test_near_its_own_numbers_and_another_embedder(own_engines: Path, pixels: Chips, at_once: None) -> None:
    add(own_engines, "exact", FLOAT32)
    add(own_engines, "quick", INT8)
    exact, quick = made("exact"), made("quick")
    off = np.linalg.norm(quick.embed(pixels) - exact.embed(pixels), axis=1)
    assert 0 < off.min() <= off.max() < 0.05
    singles = [quick.embed(pixels[at : at + 1]) for at in range(len(pixels))]
    assert np.array_equal(quick.embed(pixels), np.concatenate(singles))
    assert quick.embed(pixels[:0]).shape == (0, 16)
    assert ("numbers", "int8") in quick.info.parameters
    assert set(quick.info.parameters) - set(exact.info.parameters) == {("numbers", "int8")}
    assert "numbers" not in dict(exact.info.parameters)  # as in libraries from before there was a choice


def test_a_gpu_takes_float32(own_engines: Path, at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    add(own_engines, "exact", FLOAT32)
    add(own_engines, "quick", INT8)
    asked = []
    monkeypatch.setattr(onnx_embedder, "OnnxNetwork", lambda data, card, options, where: asked.append(options.device))
    assert made("quick", device="gpu").info.parameters == made("exact").info.parameters
    assert asked == ["gpu", "auto"]


def test_once_exported_it_needs_only_litert(own_engines: Path, at_once: None) -> None:
    add(own_engines, "quick", INT8)
    script = (
        "import sys, numpy as np\n"
        "from phototag.engines.registry import make_embedder; from phototag.engines.spec import EngineOptions\n"
        "make_embedder('quick', EngineOptions()).embed(np.zeros((2, 8, 8, 3), np.uint8))\n"
        "print({'onnx', 'onnxruntime', 'tensorflow', 'keras'} & sys.modules.keys())"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout == "set()\n"


def test_an_export_that_is_gone_is_made_again(
    own_engines: Path, pixels: Chips, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(own_engines, "quick", INT8)
    before = made("quick").embed(pixels)
    monkeypatch.setenv("PHOTOTAG_CACHE", str(own_engines / "cache"))
    assert np.array_equal(made("quick").embed(pixels), before)
    [kept] = (own_engines / "cache").iterdir()
    kept.write_bytes(kept.read_bytes()[:-1])
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UsageError, match=r"this engine needs onnx: run `pip install 'phototag\[onnx\]'`"):
        made("quick")


def test_what_cannot_be_rebuilt_is_refused_in_8_bits_alone(own_engines: Path, pixels: Chips, at_once: None) -> None:
    model = convolutions(last="Elu")
    with pytest.raises(WeightsError, match=r"it has an operator Elu.*leave `numbers` out of its card") as caught:
        add(own_engines, "quick", INT8, model)
    assert caught.value.exit_code == 16
    assert not (own_engines / "engines" / "quick").exists()
    add(own_engines, "exact", FLOAT32, model)
    assert made("exact").embed(pixels).shape == (5, 16)


def test_what_is_rebuilt_wrongly_is_refused(own_engines: Path, at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOTAG_CACHE", str(own_engines / "cache"))
    monkeypatch.setitem(onnx_operators.OPERATORS, "Relu", onnx_operators.OPERATORS["Sigmoid"])
    with pytest.raises(WeightsError, match="its vectors would be others"):
        add(own_engines, "quick", INT8)
    assert not (own_engines / "cache").exists()


def test_what_loses_too_much_in_8_bits_is_refused(
    own_engines: Path, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOTAG_CACHE", str(own_engines / "cache"))
    monkeypatch.setattr("phototag.engines.runtimes.onnx_int8.NEAR", 1e-3)
    with pytest.raises(WeightsError, match="its vectors would be others"):
        add(own_engines, "quick", INT8)


def test_the_package_that_reads_models_is_looked_for_first(own_engines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "onnx" else object())
    with pytest.raises(UsageError, match=r"this engine needs onnx: run `pip install 'phototag\[onnx\]'`"):
        registry.add("quick", "onnx", own_engines / "absent.onnx", INT8)


@pytest.mark.data
def test_mobilefacenet_is_rebuilt_number_by_number(data: Path) -> None:
    model = (data / "models" / "mobilefacenet.onnx").read_bytes()
    samples = np.random.default_rng(0).normal(size=(3, 112, 112, 3)).astype(np.float32)
    exact = onnx_embedder.OnnxNetwork(model, card(input_size=112, dim=128), EngineOptions(device="cpu"), "")(samples)
    rebuilt = np.asarray(onnx_keras.keras_model(model, 112)(samples))
    assert np.abs(rebuilt - exact).max() < 1e-4 * np.abs(exact).max()
