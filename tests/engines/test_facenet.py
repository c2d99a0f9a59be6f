"""Inception-ResNet-v1: the published architecture and layout, each chip standardised, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag.engines import registry
from phototag.engines.embedders import facenet, facenet_network
from phototag.engines.formats.arrays import Arrays, fill, from_npz, shapes, to_npz
from phototag.engines.formats.card import Card
from phototag.engines.installation import save
from phototag.engines.spec import EngineOptions
from phototag.errors import UsageError, WeightsError
from phototag.types import Thresholds
from tests.support.keras_files import enliven, write_hdf5


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """Four chips: noise of a few sizes, one of them flat."""
    random = np.random.default_rng(5)
    chips = [np.kron(random.integers(0, 256, (n, n, 3)), np.ones((160 // n, 160 // n, 1))) for n in (4, 20, 160)]
    return np.stack([*chips, np.full((160, 160, 3), 80)]).astype(np.uint8)


def standardised(chips: np.ndarray) -> np.ndarray:
    pixels = chips.astype(np.float64)
    mean = pixels.mean(axis=(1, 2, 3), keepdims=True)
    deviation = pixels.std(axis=(1, 2, 3), keepdims=True)
    return ((pixels - mean) / np.where(deviation > 0, deviation, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> Any:
    return facenet_network.network(128)


@pytest.fixture(scope="module")
def arrays(model: Any, samples: np.ndarray) -> Arrays:
    return enliven(model, standardised(samples))


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PHOTOTAG_ENGINES", str(tmp_path / "engines"))
    monkeypatch.setenv("PHOTOTAG_CACHE", str(tmp_path / "cache"))
    yield tmp_path


def test_the_published_number_of_parameters(model: Any) -> None:
    assert model.count_params() == 22_808_144
    expected = shapes(model)
    assert expected["Conv2d_4b_3x3/kernel"] == (3, 3, 192, 256)
    assert expected["Block35_5_Conv2d_1x1/bias"] == (256,)
    assert expected["Mixed_6a_Branch_1_Conv2d_1a_3x3/kernel"] == (3, 3, 192, 256)
    assert expected["Block17_10_Branch_1_Conv2d_0b_1x7/kernel"] == (1, 7, 128, 128)
    assert expected["Block8_6_Branch_1_Conv2d_0c_3x1_BatchNorm/moving_mean"] == (192,)
    assert expected["Mixed_7a_Branch_2_Conv2d_0a_1x1_BatchNorm/beta"] == (256,)
    assert expected["Bottleneck/kernel"] == (1792, 128)
    assert not any(name.endswith("/gamma") for name in expected)


@pytest.mark.parametrize("deepface", [False, True])
def test_the_published_file_is_read(deepface: bool, arrays: Arrays, tmp_path: Path) -> None:
    given = arrays
    if deepface:  # which calls the second branch after its block's number
        given = {
            name.replace("Block17_4_Branch_1", "Block17_4_Branch_4").replace(
                "Block8_3_Branch_1", "Block8_3_Branch_3"
            ): array
            for name, array in arrays.items()
        }
        assert given.keys() != arrays.keys()
    path = write_hdf5(tmp_path / "facenet_keras.h5", given, whole_model=not deepface, plain=["input_1", "AvgPool"])
    prepared = facenet.prepare(path, None)
    assert prepared.suffix == ".npz"
    found = from_npz(prepared.data, "here")
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


def test_the_exported_network_is_that_network(model: Any, arrays: Arrays, samples: np.ndarray) -> None:
    fill(model, arrays, "here")
    expected = np.array(model(standardised(samples)))
    from phototag.engines.embedders.keras_family import model as whole

    vectors = np.array(whole(facenet.FAMILY, 128, arrays, "here")(samples))
    assert vectors.shape == (4, 128)
    assert np.abs(vectors - expected).max() < 1e-4 * np.abs(expected).max()
    unit = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    assert min(np.linalg.norm(unit[one] - unit[two]) for one in range(4) for two in range(one)) > 0.1


def test_a_residual_block_adds_a_share_of_what_its_branches_see() -> None:
    import keras

    x = keras.Input((5, 5, 16))
    block = keras.Model(x, facenet_network._residual(x, "Block8", 1, 0.2))
    whole = keras.Model(x, facenet_network._residual(x, "Block8", 1, 1.0))
    arrays = enliven(block, np.random.default_rng(6).normal(0, 1, (4, 5, 5, 16)).astype(np.float32))
    fill(whole, arrays, "here")
    sample = np.random.default_rng(7).normal(0, 1, (1, 5, 5, 16)).astype(np.float32)
    share, full = (np.array(one(sample)) - sample for one in (block, whole))
    assert np.abs(full).max() > 0.1
    assert np.allclose(share, 0.2 * full, atol=1e-5)


def thin(dim: int) -> Any:
    """A stand-in that is exported in a moment: the means of a chip's quarters, and a matrix."""
    import keras
    from keras import layers

    image = keras.Input((160, 160, 3))
    x = layers.Flatten()(layers.AveragePooling2D(80)(image))
    return keras.Model(image, layers.Dense(dim, use_bias=False, name="Bottleneck")(x))


@pytest.mark.parametrize("dim", [128, 512])
def test_the_embedder_standardises_each_chip_and_normalises(
    dim: int, samples: np.ndarray, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facenet_network, "network", thin)
    monkeypatch.setattr(facenet, "FAMILY", facenet.FAMILY.__class__(**_fields(facenet.FAMILY) | {"network": thin}))
    matrix = np.random.default_rng(8).normal(0, 1, (12, dim)).astype(np.float32)
    path = write_hdf5(room / "w.h5", {"Bottleneck/kernel": matrix})
    assert registry.add("facenet", "facenet", path).dim == dim
    from phototag.engines.embedders.keras_family import KerasEmbedder
    from phototag.engines.installation import find

    embedder = KerasEmbedder(facenet.FAMILY, EngineOptions(installed=find("facenet")))
    expected = standardised(samples[:3]).reshape(3, 2, 80, 2, 80, 3).mean(axis=(2, 4)).reshape(3, 12) @ matrix
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.abs(embedder.embed(samples[:3]) - expected).max() < 1e-4
    assert (embedder.info.dim, embedder.info.chip_size, embedder.info.alignment) == (dim, 160, "box-160")
    assert embedder.info.thresholds == facenet.THRESHOLDS[dim]
    with pytest.raises(WeightsError, match="yields no vector"):  # a flat chip is zero, and this network keeps it so
        embedder.embed(samples[3:])


def _fields(family: Any) -> dict[str, Any]:
    return {name: getattr(family, name) for name in family.__dataclass_fields__}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"Bottleneck/kernel": (1792, 256)}, "128 or 512 numbers, and not 256"),
        ({"dense/kernel": (1792, 128)}, "128 or 512 numbers, and not 0"),
        ({"Bottleneck/kernel": (1792, 128)}, "Block17_10_Branch_0_Conv2d_1x1/kernel is missing, and 488 more"),
    ],
)
def test_another_network_is_refused(arrays: dict[str, tuple[int, ...]], words: str, tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "w.h5", {name: np.ones(shape, np.float32) for name, shape in arrays.items()})
    with pytest.raises(WeightsError, match=words):
        facenet.prepare(path, None)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="can't be read"):
        facenet.prepare(tmp_path, None)


def test_a_card_for_vectors_of_another_length_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facenet_network, "network", thin)
    path = write_hdf5(tmp_path / "w.h5", {"Bottleneck/kernel": np.ones((12, 128), np.float32)})
    thresholds = Thresholds(same=0.5, split=0.6, join=0.4, midpoint=0.55, slope=9.0)
    assert facenet.prepare(path, Card(160, "box-160", 128, thresholds)).data == facenet.prepare(path, None).data
    with pytest.raises(UsageError, match="input_size = 160, dim = 128"):
        facenet.prepare(path, Card(160, "box-160", 512, thresholds))


def test_weights_that_no_longer_fit_are_refused_when_used(room: Path, arrays: Arrays) -> None:
    from phototag.engines.installation import PreparedWeights

    save("other", "facenet", PreparedWeights(to_npz({"Bottleneck/kernel": arrays["Bottleneck/kernel"]}), ".npz"), None)
    with pytest.raises(WeightsError, match="is missing"):
        registry.make_embedder("other", EngineOptions())
