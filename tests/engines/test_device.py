"""Where engines run: those that can't use a GPU say so; TensorFlow's numbers are LiteRT's."""

from __future__ import annotations

import dlib
import numpy as np
import pytest

from phototag.engines import registry
from phototag.engines.embedders.dlib_resnet import DlibResNet
from phototag.engines.runtimes import runner
from phototag.engines.spec import EngineOptions
from phototag.errors import UsageError
from phototag.types import Chips


def test_the_same_numbers_from_tensorflow(resnet: DlibResNet, chips: Chips, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_gpu", lambda: "CPU:0")  # as if it were a GPU
    monkeypatch.setattr(runner, "LiteRTNetwork", lambda *given: pytest.fail("LiteRT was asked"))
    other = registry.make_embedder("dlib-resnet", EngineOptions(device="gpu"))
    assert isinstance(other, DlibResNet)
    assert np.abs(other.descriptors(chips) - resnet.descriptors(chips)).max() < 1e-4
    assert np.abs(other.embed(chips) - resnet.embed(chips)).max() < 1e-4
    assert other.descriptors(chips[:0]).shape == (0, 128)
    assert other.info == resnet.info  # so that the vectors of both may lie side by side


def test_tensorflow_finds_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: [])
    with pytest.raises(UsageError, match="TensorFlow finds no GPU here: leave --device gpu out"):
        registry.make_embedder("dlib-resnet", EngineOptions(device="gpu"))


@pytest.mark.parametrize("name", ["mtcnn", "dlib-hog"])
def test_engines_without_a_way_to_a_gpu_refuse_it(name: str) -> None:
    with pytest.raises(UsageError, match=rf"detector {name} runs on the CPU only.*dlib-cnn, yunet"):
        registry.make_detector(name, EngineOptions(device="gpu"))
    for device in ("auto", "cpu"):
        registry.make_detector(name, EngineOptions(device=device))


@pytest.mark.parametrize(("cuda", "devices"), [(False, 1), (True, 0)])
def test_dlib_without_a_gpu(cuda: bool, devices: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib, "DLIB_USE_CUDA", cuda)
    monkeypatch.setattr(dlib.cuda, "get_num_devices", lambda: devices)
    with pytest.raises(UsageError, match="dlib finds no GPU"):
        registry.make_detector("dlib-cnn", EngineOptions(device="gpu"))
    assert not registry.on_gpu(registry.make_detector("dlib-cnn", EngineOptions()))
    monkeypatch.setattr(dlib, "DLIB_USE_CUDA", True)
    monkeypatch.setattr(dlib.cuda, "get_num_devices", lambda: 1)
    assert registry.on_gpu(registry.make_detector("dlib-cnn", EngineOptions(device="gpu")))
