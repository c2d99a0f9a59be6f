"""Any ONNX embedder whose input and output a card describes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from phototag.engines.apart import tried
from phototag.engines.card import Card
from phototag.engines.onnx import RUNTIME, Floats, Model, read
from phototag.engines.registry import EngineOptions, EngineSpec
from phototag.engines.shelf import Prepared, load
from phototag.errors import UsageError, WeightsError
from phototag.types import Chips, EngineInfo, Vectors

BATCH = 16  #: chips at a time, where the model takes any number


class OnnxEmbedder:
    """Embeds chips with an ONNX model from the shelf. Raises WeightsError, or UsageError without onnxruntime."""

    def __init__(self, options: EngineOptions) -> None:
        shelved = options.shelved
        if shelved is None or shelved.card is None:
            raise WeightsError(
                "an ONNX embedder needs a model and a card: `phototag engines add NAME FILE --card CARD`"
            )
        self._network = Network(load(shelved), shelved.card, options, str(shelved.folder / shelved.file))
        self.info = EngineInfo(
            kind="embedder",
            name=shelved.name,
            weights_sha256=shelved.sha256,
            parameters=_parameters(shelved.card),
            dim=shelved.card.dim,
            chip_size=shelved.card.input_size,
            alignment=shelved.card.alignment,
            thresholds=shelved.card.thresholds,
        )

    def embed(self, chips: Chips) -> Vectors:
        """One unit vector a chip: the network's output, or the sum with that of the mirror image, normalised."""
        return self._network.embed(chips)


class Network:
    """A model and its card, which agree: that is checked here. Raises WeightsError where they don't."""

    def __init__(self, data: bytes, card: Card, options: EngineOptions, where: str, *, prepared: bool = True) -> None:
        self._model = Model(data, options, where, prepared=prepared)
        self._card = card
        if len(self._model.inputs) != 1:
            raise WeightsError(f"{where} has {len(self._model.inputs)} inputs and must have one")
        shape, kind = self._model.inputs[0].shape, self._model.inputs[0].type
        side = card.input_size
        self._channels_first = _fits(shape, (None, 3, side, side))
        if kind != "tensor(float)" or not (self._channels_first or _fits(shape, (None, side, side, 3))):
            raise WeightsError(
                f"{where} takes {_text(shape)} of {kind}, and the card says {side} × {side} pixels of 3 channels: "
                "use the card that belongs to this model"
            )
        output = self._model.outputs[0].shape
        if len(output) != 2 or output[1] not in (None, card.dim):
            raise WeightsError(f"{where} yields {_text(output)}, and the card says dim = {card.dim}")
        self._fixed = shape[0]

    def embed(self, chips: Chips) -> Vectors:
        """(n, dim) unit vectors. Raises WeightsError where the model yields anything but finite numbers."""
        vectors = self._run(chips)
        if self._card.flip:
            vectors = vectors + self._run(chips[:, :, ::-1])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths) & (lengths > 0)).all():
            raise WeightsError("the model yields numbers that are not finite, or nothing but zeros")
        unit: Vectors = (vectors / lengths).astype(np.float32)
        return unit

    def _run(self, chips: Chips) -> Vectors:
        batch = self._fixed or BATCH
        parts = [np.empty((0, self._card.dim), np.float32)]
        for at in range(0, len(chips), batch):
            samples = self._samples(chips[at : at + batch])
            count = len(samples)
            if self._fixed and count < batch:
                samples = np.concatenate([samples, np.zeros((batch - count, *samples.shape[1:]), np.float32)])
            output = self._model(samples)[0]
            if output.shape != (len(samples), self._card.dim):
                raise WeightsError(f"the model yields {_text(output.shape)}, and the card says dim = {self._card.dim}")
            parts.append(output[:count])
        return np.concatenate(parts)

    def _samples(self, chips: Chips) -> Floats:
        """What the network sees of the chips."""
        card = self._card
        pixels = chips if card.channels == "rgb" else chips[..., ::-1]
        samples = (pixels * np.float32(card.scale) - np.array(card.mean, np.float32)) / np.array(card.std, np.float32)
        return np.ascontiguousarray(samples.transpose(0, 3, 1, 2) if self._channels_first else samples)


def prepare(path: Path, card: Card | None) -> Prepared:
    """A model that agrees with its card and has embedded a grey image. Raises UsageError, WeightsError."""
    if card is None:
        raise UsageError("an ONNX embedder needs a card that says how it sees: `--card CARD.toml`")
    data = read(path)
    tried(_try, data, card, str(path), where=str(path), library=RUNTIME)
    return Prepared(data, ".onnx")


def _try(data: bytes, card: Card, where: str) -> None:
    options = EngineOptions(device="cpu")
    Network(data, card, options, where, prepared=False)  # what doesn't fit is never run
    network = Network(data, card, options, where)
    network.embed(np.full((1, card.input_size, card.input_size, 3), 127, np.uint8))


ENGINE = EngineSpec(
    "embedder",
    "onnx",
    "any ONNX embedder, described by a card",
    OnnxEmbedder,
    prepare,
    how="phototag engines add NAME FILE.onnx --card CARD.toml",
    gpu=True,
    needs=(RUNTIME,),
)


def _parameters(card: Card) -> tuple[tuple[str, str], ...]:
    """All of the card that changes numbers."""
    kept = {key: value for key, value in card.table().items() if key not in ("thresholds", "dim")}
    return tuple(sorted((key, str(value)) for key, value in kept.items()))


def _fits(shape: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        None in (side, other) or side == other for side, other in zip(shape, wanted, strict=True)
    )


def _text(shape: tuple[int | None, ...]) -> str:
    return " × ".join("any" if side is None else str(side) for side in shape)
