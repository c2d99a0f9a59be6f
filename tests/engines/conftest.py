"""Each engine is made once for all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image

from phototag.engines import catalogue, installation, plugins, registry
from phototag.engines.detectors.mtcnn import Mtcnn
from phototag.engines.embedders import facenet_network, openface_network, projection
from phototag.engines.embedders.dlib_resnet import DlibResNet
from phototag.engines.formats import hdf5
from phototag.engines.formats.arrays import Arrays, to_npz
from phototag.engines.installation import PreparedWeights
from phototag.engines.runtimes import isolated
from phototag.engines.spec import EngineOptions
from phototag.imaging.align import align
from phototag.types import RGB, Chips, Detector, Embedder
from tests.support import onnx_files
from tests.support.keras_files import enliven

#: A detector or an embedder, by its name.
Make = Callable[[str], Any]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights are looked at in a thread: a process would take a third of a second each time."""

    @contextmanager
    def beside(serve: Callable[..., None], *given: object) -> Iterator[Connection]:
        ours, theirs = Pipe()
        thread = Thread(target=serve, args=(*given, theirs))
        thread.start()
        try:
            yield ours
        finally:
            ours.close()
            thread.join()

    monkeypatch.setattr(hdf5, "isolated_process", beside)
    monkeypatch.setattr(isolated, "isolated_process", beside)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which each network of made-up weights is exported once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes an engine by its name, or hands out the one made before; families' with made-up or research weights."""
    ready = {spec.name: spec for spec in plugins.available() if spec.prepare is None}
    folder = tmp_path_factory.mktemp("engines")

    @cache
    def make(name: str) -> Detector | Embedder:
        if name in ready:
            return ready[name].create(EngineOptions())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PHOTOTAG_ENGINES", str(folder))
            patch.setenv("PHOTOTAG_CACHE", str(exported))
            return BROUGHT[name](request, patch)

    return make


def _yunet(request: pytest.FixtureRequest, patch: pytest.MonkeyPatch) -> Detector:
    pytest.importorskip("onnxruntime")
    registry.add("yunet", "yunet", request.getfixturevalue("data") / "models" / "yunet_n_dynamic.onnx")
    return registry.make_detector("yunet", EngineOptions())


def _mobilefacenet(request: pytest.FixtureRequest, patch: pytest.MonkeyPatch) -> Embedder:
    pytest.importorskip("onnxruntime")
    [card] = [entry.card for entry in catalogue.entries() if entry.name == "mobilefacenet"]
    registry.add("mobilefacenet", "onnx", request.getfixturevalue("data") / "models" / "mobilefacenet.onnx", card)
    return registry.make_embedder("mobilefacenet", EngineOptions())


def _onnx(request: pytest.FixtureRequest, patch: pytest.MonkeyPatch) -> Embedder:
    pytest.importorskip("onnxruntime")
    installation.save(
        "onnx", "onnx", PreparedWeights(onnx_files.embedder(("n", 3, 8, 8)), ".onnx"), onnx_files.card(mean=(9, 8, 7))
    )
    return registry.make_embedder("onnx", EngineOptions())


def _openface(request: pytest.FixtureRequest, patch: pytest.MonkeyPatch) -> Embedder:
    installation.save(
        "openface", "openface", PreparedWeights(to_npz(request.getfixturevalue("openface_arrays")), ".npz", 128), None
    )
    return registry.make_embedder("openface", EngineOptions())


def _facenet(request: pytest.FixtureRequest, patch: pytest.MonkeyPatch) -> Embedder:
    """With one block of each kind: all of them take half a minute to export."""
    whole = facenet_network._residual
    patch.setattr(
        facenet_network, "_residual", lambda x, kind, number, share: whole(x, kind, 1, share) if number == 1 else x
    )
    noise = np.random.default_rng(5).normal(0, 1, (4, 160, 160, 3)).astype(np.float32)
    arrays = enliven(facenet_network.network(128), noise)
    installation.save("facenet", "facenet", PreparedWeights(to_npz(arrays), ".npz", 128), None)
    return registry.make_embedder("facenet", EngineOptions())


def _projection(request: pytest.FixtureRequest, patch: pytest.MonkeyPatch) -> Embedder:
    base = request.getfixturevalue("engine")("dlib-resnet-int8")
    random = np.random.default_rng(6)
    matrix = (np.eye(128) + random.normal(0, 0.01, (128, 128))).astype(np.float32)
    data = projection.packed(base.info, {"projection/kernel": matrix})
    installation.save(
        "projection", "projection", PreparedWeights(data, ".npz"), projection.card(base.info, base.info.thresholds)
    )
    return registry.make_embedder("projection", EngineOptions())


#: Engines of families, which need weights.
BROUGHT: dict[str, Callable[[pytest.FixtureRequest, pytest.MonkeyPatch], Detector | Embedder]] = {
    "yunet": _yunet,
    "mobilefacenet": _mobilefacenet,
    "onnx": _onnx,
    "openface": _openface,
    "facenet": _facenet,
    "projection": _projection,
}


@pytest.fixture(scope="session")
def openface_samples(portraits: list[RGB]) -> Chips:
    """Sixteen chips that have little in common: squares of the portraits, and of noise."""
    random = np.random.default_rng(2)
    cuts = []
    for number in range(12):
        image = portraits[number % 2]
        y, x = (int(random.integers(side - 96)) for side in image.shape[:2])
        cuts.append(image[y : y + 96, x : x + 96])
    cuts += list(random.integers(0, 256, (4, 96, 96, 3)))
    return np.stack(cuts).astype(np.uint8)


@pytest.fixture(scope="session")
def openface_arrays(openface_samples: Chips) -> Arrays:
    """Weights with which nn4.small2 tells these samples apart."""
    return enliven(openface_network.network(), openface_samples / np.float32(255))


@pytest.fixture(scope="session")
def resnet(engine: Make) -> DlibResNet:
    made = engine("dlib-resnet")
    assert isinstance(made, DlibResNet)
    return made


@pytest.fixture(scope="session")
def mtcnn(engine: Make) -> Mtcnn:
    made = engine("mtcnn")
    assert isinstance(made, Mtcnn)
    return made


@pytest.fixture(scope="session")
def portraits() -> list[RGB]:
    """Two public-domain portraits of unlike shape, one face each."""
    folder = files("phototag.workflows.demo") / "portraits"
    names = ("eileen_collins.jpg", "grace_hopper.jpg")
    return [np.asarray(Image.open(str(folder / name)).convert("RGB")) for name in names]


@pytest.fixture(scope="session")
def chips(portraits: list[RGB], mtcnn: Mtcnn) -> Chips:
    """The aligned faces of the portraits and of their darker, turned and shrunken copies: 10 of 2 people."""
    cut = []
    for portrait in portraits:
        picture = Image.fromarray(portrait)
        variants = [
            picture,
            picture.point(lambda value: value * 0.6),
            picture.rotate(12, Image.Resampling.BICUBIC),
            picture.rotate(-8, Image.Resampling.BICUBIC),
            picture.resize((picture.width // 2, picture.height // 2)),
        ]
        for variant in variants:
            image = np.asarray(variant)
            face = mtcnn.detect([image])[0][0]
            cut.append(align(image, [face.box], alignment="dlib-5-point", size=150, landmarks=[face.landmarks])[0])
    return np.stack(cut)
