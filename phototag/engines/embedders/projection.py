"""A linear map on another embedder's vectors, learnt from the user's own people by `phototag train-embedder`."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from phototag.engines import installation, registry
from phototag.engines.formats.arrays import Arrays, to_npz
from phototag.engines.formats.card import Card
from phototag.engines.formats.unsafe import unsafe_kind
from phototag.engines.installation import PreparedWeights
from phototag.engines.registry import on_gpu
from phototag.engines.runtimes.quiet import quiet
from phototag.engines.spec import EngineOptions, EngineSpec
from phototag.errors import UsageError, WeightsError
from phototag.remedies import TrainEmbedder
from phototag.types import Chips, Embedder, EngineInfo, Thresholds, Vectors

NAME = "projection"
LAYER = "projection"  #: of the network in training
#: How dear it is to leave the identity: times the squared distance of the matrix from it.
TETHER = 0.01
RATE = 1e-4  #: Adam's learning rate


class ProjectionEmbedder:
    """Embeds with the base embedder, multiplies by the matrix, normalises. Raises WeightsError for unfit weights."""

    def __init__(self, options: EngineOptions) -> None:
        installed = options.installed
        if installed is None or installed.card is None:
            raise WeightsError("a projection needs its matrix and a card", TrainEmbedder())
        where = str(installed.folder / installed.file)
        base, self._matrix = _read(installation.load(installed), where)
        self._base = _base(base, options, where)
        self.on_gpu = on_gpu(self._base)
        _check(self._matrix, self._base.info, installed.card, where)
        self.info = EngineInfo(
            kind="embedder",
            name=installed.name,
            weights_sha256=installed.sha256,  # of the matrix and of the base's identity
            parameters=(("base", self._base.info.name), ("family", NAME)),
            dim=installed.card.dim,
            chip_size=installed.card.input_size,
            alignment=installed.card.alignment,
            thresholds=installed.card.thresholds,
        )

    def embed(self, chips: Chips) -> Vectors:
        """One unit vector a chip. Raises WeightsError where the matrix maps one to nothing."""
        vectors = project(self._base.embed(chips), self._matrix)
        if not np.isfinite(vectors).all():
            raise WeightsError(f"the matrix of {self.info.name} yields no vector: its weights are of no use")
        return vectors


def project(vectors: Vectors, matrix: Vectors) -> Vectors:
    """Unit vectors (n, dim) of (n, base dim) unit vectors; not finite where the matrix maps one to nothing."""
    mapped = vectors @ matrix
    with np.errstate(divide="ignore", invalid="ignore"):
        unit: Vectors = mapped / np.linalg.norm(mapped, axis=1, keepdims=True)
    return unit


def network(vectors: Vectors, tether: float = TETHER) -> Any:
    """The Keras model that is trained: vectors (n, dim) to unit vectors (n, dim); at first it changes nothing.

    The mean of `vectors`, those that it will learn from, is left as it is, and nothing is mapped onto it: it is what
    all faces share. The triplet loss would shrink it before all else, which moves everybody apart, same and different
    alike (measured: true accepts at 0.1 % false ones fall from the first step on).
    """
    with quiet():
        import keras
        from keras import layers, ops

    identity = np.eye(vectors.shape[1], dtype=np.float32)
    mean = vectors.mean(axis=0)
    rest = (identity - np.outer(mean, mean) / max(float(mean @ mean), 1e-12)).astype(np.float32)
    dense = layers.Dense(
        vectors.shape[1],
        use_bias=False,
        kernel_initializer="identity",
        kernel_regularizer=lambda kernel: tether * ops.sum(ops.square(kernel - identity)),
        kernel_constraint=lambda kernel: identity + ops.matmul(ops.matmul(rest, kernel - identity), rest),
        name=LAYER,
    )
    with quiet():
        given = keras.Input((vectors.shape[1],))
        return keras.Model(given, layers.UnitNormalization()(dense(given)))


def packed(base: EngineInfo, weights: Arrays) -> bytes:
    """The weights file of a projection: the trained network's matrix, and the embedder whose vectors it maps."""
    return to_npz({"base": np.array(_identity(base)), "matrix": weights[f"{LAYER}/kernel"]})


def card(base: EngineInfo, thresholds: Thresholds) -> Card:
    """The card that goes with it."""
    return Card(input_size=base.chip_size, alignment=base.alignment, dim=base.dim, thresholds=thresholds)


def prepare(path: Path, card: Card | None) -> PreparedWeights:
    """A matrix, its base's name, and a card that agree. Raises WeightsError, UsageError."""
    if card is None:
        raise UsageError("a projection needs the card with its thresholds: `--card CARD.toml`")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror}): give a file that can be") from error
    base, matrix = _read(data, str(path))
    _check(matrix, _base(base, EngineOptions(device="cpu"), str(path)).info, card, str(path))
    return PreparedWeights(data, ".npz")


def _read(data: bytes, where: str) -> tuple[tuple[str, ...], Vectors]:
    """The base's identity and the matrix. Raises WeightsError for anything else; nothing is unpickled."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            if sorted(file.files) != ["base", "matrix"]:
                raise ValueError("it must hold base and matrix")
            base, matrix = file["base"], file["matrix"]
    except (OSError, EOFError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        kind = "" if data[:2] == b"PK" else unsafe_kind(data[:8])
        raise WeightsError(f"{where} is {kind or 'no projection'} ({error}); nothing of it was used") from error
    if base.dtype.kind != "U" or base.ndim != 1 or len(base) < 2 or matrix.dtype != np.float32 or matrix.ndim != 2:
        raise WeightsError(f"{where} is no projection (its arrays are of the wrong kind); nothing of it was used")
    if not np.isfinite(matrix).all():
        raise WeightsError(f"{where}: the matrix holds numbers that are not finite; nothing of it was used")
    return tuple(base.tolist()), matrix


def _base(identity: tuple[str, ...], options: EngineOptions, where: str) -> Embedder:
    """The embedder that the matrix was learnt on: that very one. Raises WeightsError where it isn't there."""
    name = identity[0]
    found = installation.find(name)
    if found is not None and found.family == NAME:
        raise WeightsError(f"{where} builds on {name}, which is a projection itself; nothing of it was used")
    if not registry.is_installed("embedder", name):
        raise WeightsError(f"{where} builds on the embedder {name}, which is not installed: bring that back first")
    base = registry.make_embedder(name, options)
    if _identity(base.info) != identity:
        raise WeightsError(
            f"{where} was learnt on another {name} than the one that is installed: train it anew, or bring that back"
        )
    return base


def _identity(info: EngineInfo) -> tuple[str, ...]:
    return (info.name, info.weights_sha256, *(f"{key}={value}" for key, value in info.parameters))


def _check(matrix: Vectors, base: EngineInfo, said: Card, where: str) -> None:
    if (
        said.thresholds is None
        or matrix.shape != (base.dim, said.dim)
        or said != Card(input_size=base.chip_size, alignment=base.alignment, dim=said.dim, thresholds=said.thresholds)
    ):
        raise WeightsError(
            f"{where} and its card don't agree: for {base.name} it says input_size = {base.chip_size}, "
            f'alignment = "{base.alignment}", dim = {matrix.shape[-1]}, and thresholds'
        )


ENGINE = EngineSpec(
    "embedder",
    NAME,
    "a linear map on another embedder's vectors, learnt from your own people",
    ProjectionEmbedder,
    prepare,
    how=TrainEmbedder(),
    gpu=True,
)
