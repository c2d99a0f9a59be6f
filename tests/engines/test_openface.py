"""nn4.small2: the published architecture, both published formats of its weights, and what is refused."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag.engines import installation, registry
from phototag.engines.embedders import openface, openface_network
from phototag.engines.formats.arrays import Arrays, fill, from_npz, shapes
from phototag.engines.formats.card import Card
from phototag.engines.formats.openface_csv import read_csv
from phototag.engines.runtimes import runner
from phototag.engines.spec import EngineOptions
from phototag.errors import UsageError, WeightsError
from phototag.remedies import AddEngine
from phototag.types import Chips, Embedder, Thresholds
from tests.support.keras_files import write_hdf5

LETTERS = {"kernel": "w", "bias": "b", "gamma": "w", "beta": "b", "moving_mean": "m", "moving_variance": "v"}
THRESHOLDS = Thresholds(same=0.5, split=0.6, join=0.4, midpoint=0.55, slope=9.0)


@pytest.fixture(scope="module")
def samples(openface_samples: Chips) -> Chips:
    return openface_samples


@pytest.fixture(scope="module")
def arrays(openface_arrays: Arrays) -> Arrays:
    return openface_arrays


@pytest.fixture(scope="module")
def model(arrays: Arrays) -> Any:
    model = openface_network.network()
    fill(model, arrays, "here")
    return model


@pytest.fixture(scope="module")
def folder(arrays: Arrays, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights as they were published: a file an array, in Torch's order."""
    folder = tmp_path_factory.mktemp("weights")
    for name, array in arrays.items():
        layer, weight = name.split("/")
        torch = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim]
        text = ",".join(f"{number:.9g}" for number in array.transpose(torch).ravel())
        file = f"{'dense' if layer == 'dense_layer' else layer}_{LETTERS[weight]}.csv"
        (folder / file).write_text(text + "\n")
    (folder / "notes.txt").write_text("more than the weights may lie here")
    return folder


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, exported: Path) -> Iterator[Path]:
    """A folder of engines of our own, and the tests' cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOTOTAG_ENGINES", str(tmp_path_factory.mktemp("engines")))
        patch.setenv("PHOTOTAG_CACHE", str(exported))
        yield Path()


@pytest.fixture(scope="module")
def embedder(folder: Path, room: Path) -> Embedder:
    registry.add("openface", "openface", folder)
    return registry.make_embedder("openface", EngineOptions())


def test_the_published_number_of_parameters(model: Any) -> None:
    assert model.count_params() == 3_743_280
    expected = shapes(model)
    assert len(expected) == 2 * 37 + 4 * 37 + 2
    assert expected["conv3/kernel"] == (3, 3, 64, 192)
    assert expected["inception_3a_5x5_conv2/kernel"] == (5, 5, 16, 32)
    assert expected["inception_4e_3x3_conv2/kernel"] == (3, 3, 160, 256)
    assert expected["inception_5a_pool_conv/kernel"] == (1, 1, 1024, 96)
    assert expected["inception_5b_1x1_bn/moving_variance"] == (256,)
    assert expected["dense_layer/kernel"] == (736, 128)


def test_csv_and_hdf5_hold_the_same_network(arrays: Arrays, folder: Path, tmp_path: Path) -> None:
    one = openface.prepare(folder, None)
    two = openface.prepare(write_hdf5(tmp_path / "nn4.small2.v1.h5", arrays, plain=["lrn_1", "norm_layer"]), None)
    assert one.suffix == two.suffix == ".npz"
    assert one.data == two.data
    found = from_npz(one.data, "here")
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


def test_the_embedder_is_that_network(embedder: Embedder, model: Any, samples: np.ndarray) -> None:
    expected = np.array(model(samples / np.float32(255)))
    vectors = embedder.embed(samples)
    assert vectors.shape == (16, 128)
    assert np.abs(vectors - expected).max() < 1e-5
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    distances = np.linalg.norm(vectors[:, np.newaxis] - vectors, axis=2)
    assert np.median(distances) > 0.3  # so that equal numbers mean something
    singles = np.concatenate([embedder.embed(samples[at : at + 1]) for at in range(16)])
    assert np.abs(singles - vectors).max() < 1e-5
    assert np.array_equal(embedder.embed(np.concatenate([samples, samples]))[16:], vectors)
    assert embedder.embed(samples[:0]).shape == (0, 128)
    assert np.isfinite(embedder.embed(np.zeros((1, 96, 96, 3), np.uint8))).all()


def test_tensorflow_says_the_same(embedder: Embedder, samples: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_gpu", lambda: "CPU:0")  # as if it were a GPU
    other = registry.make_embedder("openface", EngineOptions(device="gpu"))
    assert isinstance(vars(other)["_network"], runner.OnTensorFlow)
    assert np.abs(other.embed(samples) - embedder.embed(samples)).max() < 1e-4


def test_it_says_who_it_is(embedder: Embedder) -> None:
    info = embedder.info
    assert (info.kind, info.name, info.dim, info.chip_size) == ("embedder", "openface", 128, 96)
    assert info.alignment == "openface-outer-eyes-nose"
    assert info.weights_sha256 == installation.find("openface").sha256
    assert info.parameters == (("family", "openface"), ("mirror", "none"))
    assert info.thresholds == openface.THRESHOLDS


def test_a_card_chooses_alignment_thresholds_and_mirror(embedder: Embedder, folder: Path, samples: np.ndarray) -> None:
    card = Card(96, "openface-inner-eyes-bottom-lip", 128, THRESHOLDS, flip=True)
    registry.add("lips", "openface", folder, card)
    other = registry.make_embedder("lips", EngineOptions())
    assert other.info.alignment == "openface-inner-eyes-bottom-lip"
    assert other.info.thresholds == THRESHOLDS
    both = embedder.embed(samples) + embedder.embed(samples[:, :, ::-1])
    assert np.allclose(other.embed(samples), both / np.linalg.norm(both, axis=1, keepdims=True), atol=1e-5)
    lips = ("alignment", "openface-inner-eyes-bottom-lip")
    assert other.info.parameters == (lips, ("family", "openface"), ("mirror", "sum"))
    # Vectors of faces that were cut out in another way are never compared, mirrored or not.
    registry.add("plain-lips", "openface", folder, replace(card, flip=False))
    plain = registry.make_embedder("plain-lips", EngineOptions()).info
    assert plain.parameters != embedder.info.parameters


@pytest.mark.parametrize(
    "card",
    [
        Card(112, "openface-outer-eyes-nose", 128, THRESHOLDS),
        Card(96, "openface-outer-eyes-nose", 512, THRESHOLDS),
        Card(96, "openface-outer-eyes-nose", 128, THRESHOLDS, channels="bgr"),
        Card(96, "openface-outer-eyes-nose", 128, THRESHOLDS, scale=1 / 255),
    ],
)
def test_a_card_for_another_network_is_refused(card: Card, folder: Path) -> None:
    with pytest.raises(UsageError, match="a card for openface says input_size = 96, dim = 128"):
        openface.prepare(folder, card)


def test_without_weights_it_says_how_to_add_them(room: Path) -> None:
    with pytest.raises(WeightsError, match="no weights yet") as caught:
        openface.ENGINE.create(EngineOptions())
    assert caught.value.remedy == AddEngine("openface")


def test_tampered_weights_are_refused(folder: Path, room: Path) -> None:
    kept = registry.add("tampered", "openface", folder)
    path = kept.folder / kept.file
    data = bytearray(path.read_bytes())
    data[100_000] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="SHA-256"):
        registry.make_embedder("tampered", EngineOptions())


def _numbers(path: Path) -> list[str]:
    return path.read_text().strip().split(",")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "bn2_v.csv").unlink(), "bn2_v.csv is missing"),
        (lambda folder: shutil.rmtree(folder), "conv1_w.csv is missing"),
        (lambda folder: (folder / "conv2_b.csv").write_text(""), "holds 0 numbers and must hold 64"),
        (lambda folder: (folder / "conv2_b.csv").write_text("1," * 63), "holds 63 numbers and must hold 64"),
        (lambda folder: (folder / "conv2_b.csv").write_text("1," * 65), "holds 65 numbers and must hold 64"),
        (lambda folder: (folder / "conv2_b.csv").write_text("1," * 9000), "holds more than the 64 numbers"),
        (lambda folder: (folder / "conv2_b.csv").write_text("1," * 63 + "nan"), "not finite"),
        (lambda folder: (folder / "conv2_b.csv").write_text("1," * 63 + "1e99"), "not finite"),
        (lambda folder: (folder / "conv2_b.csv").write_text("1," * 63 + "one"), "can't be read as numbers"),
        (lambda folder: (folder / "bn2_v.csv").write_text("1," * 63 + "-1"), "variances below 0"),
        (lambda folder: (folder / "conv2_b.csv").write_bytes(pickle.dumps([1.0])), "can't be read as numbers"),
        (lambda folder: (folder / "conv2_b.csv").unlink() or (folder / "conv2_b.csv").mkdir(), "(more than|read as)"),
    ],
)
def test_a_spoilt_folder_is_refused(
    spoil: Callable[[Path], object], words: str, folder: Path, model: Any, tmp_path: Path
) -> None:
    copy = tmp_path / "weights"
    shutil.copytree(folder, copy)
    spoil(copy)
    with pytest.raises(WeightsError, match=words):
        read_csv(copy, shapes(model))


def test_numbers_may_stand_in_rows(folder: Path, model: Any, arrays: Arrays, tmp_path: Path) -> None:
    copy = tmp_path / "weights"
    shutil.copytree(folder, copy)
    numbers = _numbers(copy / "dense_w.csv")
    rows = [",".join(numbers[at : at + 736]) for at in range(0, len(numbers), 736)]
    (copy / "dense_w.csv").write_text("\n".join(rows))
    assert np.array_equal(read_csv(copy, shapes(model))["dense_layer/kernel"], arrays["dense_layer/kernel"])


def test_another_network_in_hdf5_is_refused(arrays: Arrays, tmp_path: Path) -> None:
    other = {name: array for name, array in arrays.items() if "_4a_" not in name}
    with pytest.raises(WeightsError, match="inception_4a_1x1_bn/beta is missing, and"):
        openface.prepare(write_hdf5(tmp_path / "other.h5", other), None)


def test_local_response_normalisation_is_the_formula() -> None:
    x = np.random.default_rng(3).normal(0, 50, (2, 3, 3, 20)).astype(np.float32)
    around = [np.square(x[..., max(at - 5, 0) : at + 6]).sum(axis=-1) for at in range(20)]
    expected = x / (1 + 1e-4 * np.stack(around, axis=-1)) ** 0.75
    assert np.abs(np.array(openface_network._normalised(x)) - expected).max() < 1e-3
    assert np.abs(expected - x).max() > 10


def test_pooling_by_length_is_the_formula() -> None:
    x = np.random.default_rng(4).normal(0, 1, (1, 7, 6, 2)).astype(np.float32)
    windows = x[:, :6].reshape(1, 2, 3, 2, 3, 2)
    assert np.allclose(np.array(openface_network._l2(x)), np.sqrt(np.square(windows).sum(axis=(2, 4))), atol=1e-5)
