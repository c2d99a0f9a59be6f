"""A learnt projection: what is installed and refused, and what it makes of its base's vectors."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag.engines import installation, registry
from phototag.engines.embedders import projection
from phototag.engines.formats.card import Card
from phototag.engines.spec import EngineOptions
from phototag.errors import UsageError, WeightsError
from phototag.types import Chips, EngineInfo, Thresholds, Vectors

THRESHOLDS = Thresholds(same=0.5, split=0.45, join=0.4, midpoint=0.55, slope=30.0)
INFO = EngineInfo("embedder", "squinting", "a" * 64, (("mirror", "sum"),), 4, 8, "dlib-5-point", THRESHOLDS)


class Squinting:
    """An embedder that sees the mean colour only."""

    def __init__(self, info: EngineInfo = INFO) -> None:
        self.info = info

    def embed(self, chips: Chips) -> Vectors:
        vectors = np.concatenate([chips.mean(axis=(1, 2)), np.ones((len(chips), 1))], axis=1).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EngineInfo]]:
    """Squinting is installed, as what the list says last."""
    monkeypatch.setenv("PHOTOTAG_ENGINES", str(tmp_path / "engines"))
    infos = [INFO]
    real, there = registry.make_embedder, registry.is_installed

    def make(name: str, options: EngineOptions) -> Any:
        return Squinting(infos[-1]) if name == "squinting" else real(name, options)

    monkeypatch.setattr(registry, "make_embedder", make)
    monkeypatch.setattr(registry, "is_installed", lambda kind, name: name == "squinting" or there(kind, name))
    yield infos


def matrix() -> Vectors:
    return np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def write(folder: Path, **arrays: Any) -> Path:
    path = folder / "weights.npz"
    path.write_bytes(projection.packed(INFO, {"projection/kernel": matrix()}))
    if arrays:
        np.savez(path, **arrays)
    return path


def card(**changed: Any) -> Card:
    return replace(Card(8, "dlib-5-point", 3, THRESHOLDS), **changed)


def test_it_is_the_base_times_the_matrix_and_carries_its_own_thresholds(base: list[EngineInfo], tmp_path: Path) -> None:
    kept = registry.add("mine", "projection", write(tmp_path), card())
    embedder = projection.ENGINE.create(EngineOptions(installed=kept))
    chips = np.random.default_rng(1).integers(0, 255, (5, 8, 8, 3), np.uint8)
    expected = Squinting().embed(chips) @ matrix()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(embedder.embed(chips), expected, atol=1e-6)
    info = embedder.info
    assert (info.name, info.dim, info.chip_size, info.alignment) == ("mine", 3, 8, "dlib-5-point")
    assert info.thresholds == THRESHOLDS
    assert ("base", "squinting") in info.parameters


def test_a_changed_file_is_refused(base: list[EngineInfo], tmp_path: Path) -> None:
    kept = registry.add("mine", "projection", write(tmp_path), card())
    path = kept.folder / kept.file
    path.write_bytes(projection.packed(INFO, {"projection/kernel": matrix() * 2}))
    with pytest.raises(WeightsError, match="SHA-256 differs") as refused:
        projection.ENGINE.create(EngineOptions(installed=kept))
    assert refused.value.exit_code == 16


def test_another_embedder_of_that_name_is_refused(base: list[EngineInfo], tmp_path: Path) -> None:
    kept = registry.add("mine", "projection", write(tmp_path), card())
    base.append(replace(INFO, weights_sha256="b" * 64))
    with pytest.raises(WeightsError, match="learnt on another squinting"):
        projection.ENGINE.create(EngineOptions(installed=kept))
    base.append(replace(INFO, parameters=(("mirror", "none"),)))
    with pytest.raises(WeightsError, match="learnt on another squinting"):
        projection.ENGINE.create(EngineOptions(installed=kept))


def test_a_base_that_is_gone_is_named(base: list[EngineInfo], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = registry.add("mine", "projection", write(tmp_path), card())
    monkeypatch.setattr(registry, "is_installed", lambda kind, name: False)
    with pytest.raises(WeightsError, match="builds on the embedder squinting, which is not installed"):
        projection.ENGINE.create(EngineOptions(installed=kept))


IDENTITY = np.array(["squinting", "a" * 64, "mirror=sum"])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"matrix": np.eye(4, 3, dtype=np.float32)}, "must hold base and matrix"),
        ({"base": IDENTITY, "matrix": np.eye(4, 3, dtype=np.float32), "more": np.zeros(1)}, "must hold base and"),
        ({"base": np.array([INFO], object), "matrix": np.eye(4, 3, dtype=np.float32)}, "[Oo]bject arrays"),
        ({"base": IDENTITY, "matrix": np.array([[None]], object)}, "[Oo]bject arrays"),
        ({"base": IDENTITY, "matrix": np.eye(4, 3)}, "of the wrong kind"),
        ({"base": IDENTITY, "matrix": np.zeros(4, np.float32)}, "of the wrong kind"),
        ({"base": np.zeros(2), "matrix": np.eye(4, 3, dtype=np.float32)}, "of the wrong kind"),
        ({"base": IDENTITY[:1], "matrix": np.eye(4, 3, dtype=np.float32)}, "of the wrong kind"),
        ({"base": IDENTITY, "matrix": np.full((4, 3), np.nan, np.float32)}, "not finite"),
        ({"base": IDENTITY, "matrix": np.eye(5, 3, dtype=np.float32)}, "don't agree"),
    ],
)
def test_anything_else_is_refused(base: list[EngineInfo], arrays: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=words):
        registry.add("mine", "projection", write(tmp_path, **arrays), card())
    assert installation.find("mine") is None


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 but no archive", pickle.dumps([1.0]), b"\x93NUMPY\x01\x00"])
def test_no_archive_is_refused(base: list[EngineInfo], data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="nothing of it was used"):
        registry.add("mine", "projection", path, card())


@pytest.mark.parametrize("changed", [{"dim": 4}, {"input_size": 9}, {"alignment": "box-160"}, {"flip": True}])
def test_a_card_that_says_otherwise_is_refused(base: list[EngineInfo], changed: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="don't agree"):
        registry.add("mine", "projection", write(tmp_path), card(**changed))


def test_without_a_card_it_is_refused(base: list[EngineInfo], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--card"):
        registry.add("mine", "projection", write(tmp_path))


def test_no_projection_builds_on_a_projection(base: list[EngineInfo], tmp_path: Path) -> None:
    registry.add("mine", "projection", write(tmp_path), card())
    path = write(tmp_path, base=np.array(["mine", "a" * 64]), matrix=np.eye(3, dtype=np.float32))
    with pytest.raises(WeightsError, match="a projection itself"):
        registry.add("other", "projection", path, card())


def test_a_matrix_that_maps_to_nothing_is_told(base: list[EngineInfo], tmp_path: Path) -> None:
    path = write(tmp_path, base=IDENTITY, matrix=np.zeros((4, 3), np.float32))
    embedder = projection.ENGINE.create(EngineOptions(installed=registry.add("mine", "projection", path, card())))
    with pytest.raises(WeightsError, match="yields no vector"):
        embedder.embed(np.zeros((1, 8, 8, 3), np.uint8))
    assert embedder.embed(np.zeros((0, 8, 8, 3), np.uint8)).shape == (0, 3)


def test_running_one_needs_no_tensorflow() -> None:
    code = "import sys, phototag.engines.embedders.projection; sys.exit(bool({'tensorflow', 'keras'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_the_file_is_always_the_same_for_the_same_matrix() -> None:
    one, two = (projection.packed(INFO, {"projection/kernel": matrix()}) for _ in range(2))
    assert one == two
    with np.load(io.BytesIO(one), allow_pickle=False) as file:
        assert file["base"].tolist() == ["squinting", "a" * 64, "mirror=sum"]
