"""Any ONNX embedder whose input and output a card describes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from phototag.engines.formats.card import Card
from phototag.engines.installation import Fingerprint, PreparedWeights, load
from phototag.engines.registry import on_gpu
from phototag.engines.runtimes.fingerprint import fingerprint, sample_chips
from phototag.engines.runtimes.isolated import run_isolated
from phototag.engines.runtimes.onnx import RUNTIME, Floats, OnnxModel, read
from phototag.engines.runtimes.onnx_int8 import Run, int8_network
from phototag.engines.runtimes.onnx_keras import READER
from phototag.engines.spec import EngineOptions, EngineSpec
from phototag.errors import UsageError, WeightsError
from phototag.remedies import AddEngine
from phototag.types import Chips, EngineInfo, Vectors

BATCH = 16  #: chips at a time, where the model takes any number
HOW = AddEngine("NAME", "FILE.onnx", "CARD.toml")


class OnnxEmbedder:
    """Embeds chips with an installed ONNX model. Raises WeightsError, or UsageError without onnxruntime.

    On a GPU it is in float32, whatever its card says, and another embedder than in 8-bit numbers.
    """

    def __init__(self, options: EngineOptions) -> None:
        installed = options.installed
        if installed is None or installed.card is None:
            raise WeightsError("an ONNX embedder needs a model and a card", HOW)
        card = replace(installed.card, numbers="float32") if options.device == "gpu" else installed.card
        where = str(installed.folder / installed.file)
        self._network = network(load(installed), card, options, where, installed.fingerprint)
        self.on_gpu = self._network.on_gpu
        self.info = EngineInfo(
            kind="embedder",
            name=installed.name,
            weights_sha256=installed.sha256,
            parameters=_parameters(card),
            dim=card.dim,
            chip_size=card.input_size,
            alignment=card.alignment,
            thresholds=card.thresholds,
        )

    def embed(self, chips: Chips) -> Vectors:
        """One unit vector a chip: the network's output, or the sum with that of the mirror image, normalised."""
        return self._network.embed(chips)


class CardNetwork:
    """A model with its card, and what runs it."""

    def __init__(self, card: Card, run: Run) -> None:
        self._card = card
        self._run = run
        self.on_gpu = on_gpu(run)

    def embed(self, chips: Chips) -> Vectors:
        """(n, dim) unit vectors. Raises WeightsError where the model yields anything but finite numbers."""
        parts = [np.empty((0, self._card.dim), np.float32)]
        for at in range(0, len(chips), BATCH):
            samples = preprocess(chips[at : at + BATCH], self._card)
            vectors = self._run(samples)
            if self._card.flip:
                vectors = vectors + self._run(samples[:, :, ::-1])
            parts.append(vectors)
        vectors = np.concatenate(parts)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths) & (lengths > 0)).all():
            raise WeightsError("the model yields numbers that are not finite, or nothing but zeros")
        unit: Vectors = (vectors / lengths).astype(np.float32)
        return unit


class OnnxNetwork:
    """Runs a model in float32 by onnxruntime, once it agrees with its card. Raises WeightsError where they don't."""

    def __init__(self, data: bytes, card: Card, options: EngineOptions, where: str, *, prepared: bool = True) -> None:
        self._model = OnnxModel(data, options, where, prepared=prepared)
        self.on_gpu = self._model.on_gpu
        if len(self._model.inputs) != 1:
            raise WeightsError(f"{where} has {len(self._model.inputs)} inputs and must have one")
        shape, kind = self._model.inputs[0].shape, self._model.inputs[0].type
        side = card.input_size
        self._channels_first = _fits(shape, (None, 3, side, side))
        if kind != "tensor(float)" or not (self._channels_first or _fits(shape, (None, side, side, 3))):
            raise WeightsError(
                f"{where} takes {_shape_text(shape)} of {kind}, and the card says {side} × {side} pixels of 3 "
                "channels: use the card that belongs to this model"
            )
        output = self._model.outputs[0].shape
        if len(output) != 2 or output[1] not in (None, card.dim):
            raise WeightsError(f"{where} yields {_shape_text(output)}, and the card says dim = {card.dim}")
        self._fixed = shape[0]
        self._dim = card.dim

    def __call__(self, samples: Floats) -> Floats:
        """(n, side, side, 3) to (n, dim)."""
        batch = self._fixed or len(samples)
        return np.concatenate([self._vectors(samples[at : at + batch]) for at in range(0, len(samples), batch)])

    def _vectors(self, samples: Floats) -> Floats:
        count = len(samples)
        if self._fixed and count < self._fixed:
            samples = np.concatenate([samples, np.zeros((self._fixed - count, *samples.shape[1:]), np.float32)])
        turned = samples.transpose(0, 3, 1, 2) if self._channels_first else samples
        output = self._model(np.ascontiguousarray(turned))[0]
        if output.shape != (len(samples), self._dim):
            raise WeightsError(f"the model yields {_shape_text(output.shape)}, and the card says dim = {self._dim}")
        return output[:count]


def network(data: bytes, card: Card, options: EngineOptions, where: str, expected: Fingerprint = ()) -> CardNetwork:
    """A model that is installed, or about to be, in the numbers that its card says. Raises WeightsError, UsageError.

    `expected`: the fingerprint of what the model yields for `_samples`, where that is known.
    """

    def runtime() -> Run:
        return OnnxNetwork(data, card, options, where)

    if card.numbers == "float32":
        return CardNetwork(card, runtime())
    return CardNetwork(card, int8_network(data, _samples(card), runtime, expected, options.threads, where))


def preprocess(chips: Chips, card: Card) -> Floats:
    """Chips as the network takes them: (pixel · scale − mean) / std, float32, in the card's order of channels."""
    pixels = chips if card.channels == "rgb" else chips[..., ::-1]
    mean, std = np.array(card.mean, np.float32), np.array(card.std, np.float32)
    samples: Floats = (pixels * np.float32(card.scale) - mean) / std
    return samples


def prepare(path: Path, card: Card | None) -> PreparedWeights:
    """A model that agrees with its card and has embedded a grey image. Raises UsageError, WeightsError."""
    if card is None:
        raise UsageError("an ONNX embedder needs a card that describes its input and output", HOW)
    data = read(path)
    run_isolated(_check_model, data, replace(card, numbers="float32"), str(path), where=str(path), library=RUNTIME)
    if card.numbers != "float32":
        run_isolated(_check_model, data, card, str(path), where=str(path), library="TensorFlow", timeout=math.inf)
        outputs = OnnxNetwork(data, card, EngineOptions(device="cpu"), str(path))(_samples(card))
        return PreparedWeights(data, ".onnx", fingerprint=fingerprint(outputs))
    return PreparedWeights(data, ".onnx")


def _check_model(data: bytes, card: Card, where: str) -> None:
    options = EngineOptions(device="cpu")
    OnnxNetwork(data, card, options, where, prepared=False)  # a model that contradicts its card never runs
    network(data, card, options, where).embed(np.full((1, card.input_size, card.input_size, 3), 127, np.uint8))


ENGINE = EngineSpec(
    "embedder",
    "onnx",
    "any ONNX embedder, described by a card",
    OnnxEmbedder,
    prepare,
    how=HOW,
    gpu=True,
    needs=(RUNTIME, READER),
)


def _parameters(card: Card) -> tuple[tuple[str, str], ...]:
    """Everything in the card that changes the vectors."""
    kept = {key: value for key, value in card.table().items() if key not in ("thresholds", "dim")}
    if card.numbers == "float32":  # the only choice once, so that engines of that time keep their identity
        del kept["numbers"]
    return tuple(sorted((key, str(value)) for key, value in kept.items()))


def _samples(card: Card) -> Floats:
    """Inputs on which two ways of running a model are compared."""
    return preprocess(sample_chips(card.input_size, 3), card)


def _fits(shape: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        None in (side, other) or side == other for side, other in zip(shape, wanted, strict=True)
    )


def _shape_text(shape: tuple[int | None, ...]) -> str:
    return " × ".join("any" if side is None else str(side) for side in shape)
