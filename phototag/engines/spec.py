"""What describes an engine before it is opened: the options it gets, and the spec that a package registers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from phototag.engines.formats.card import Card
from phototag.engines.installation import InstalledEngine, PreparedWeights
from phototag.remedies import AddEngine, InstallEngine, TrainEmbedder
from phototag.types import RGB, Detector, Device, Embedder, Thresholds


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What an engine is opened with.

    `threads`: CPU threads of this engine.
    `min_face`: smallest face to detect, in pixels of an image whose long side is `image_side`; smaller images are not
    enlarged, so there it is in their own pixels.
    `device`: `gpu` only for engines whose spec says that they can use one.
    `installed`: the weights, for an engine of a family.
    """

    threads: int = 2
    min_face: int = 20
    image_side: int = 1280
    device: Device = "auto"
    installed: InstalledEngine | None = None

    def scale(self, image: RGB) -> float:
        """Pixels of `image` per pixel that `min_face` is given in; at least 1."""
        return max(1.0, float(max(image.shape[:2])) / self.image_side)

    def min_face_in(self, image: RGB) -> float:
        """The smallest face to detect, in pixels of `image`."""
        return self.min_face * self.scale(image)

    def detection_parameters(self) -> tuple[tuple[str, str], ...]:
        """The options that change which faces are found, as parameters of an `EngineInfo`."""
        return (("image_side", str(self.image_side)), ("min_face", str(self.min_face)))

    def reduction(self, image: RGB) -> int:
        """The whole factor that brings the long side of `image` nearest to `image_side`."""
        return max(1, round(float(max(image.shape[:2])) / self.image_side))


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """An engine, or a family of engines, that can be opened.

    `create`: opens the engine; may import heavy packages, may raise WeightsError.
    `prepare`: only of a *family*, whose weights the user brings. It turns a file or folder, and a card if the family
    wants one, into what an installed engine keeps, and raises WeightsError or UsageError for anything that could not
    run. `create` then finds the weights in `EngineOptions.installed`.
    `dim`: length of an embedder's vectors, if it doesn't depend on the weights.
    `thresholds`: an embedder's, or those for each `dim` that its weights may have.
    `how`: how the user gets weights for a family.
    `gpu`: it can run on a GPU; `create` then raises UsageError if `device` is `gpu` and there is none.
    `needs`: optional packages that `create` imports.
    """

    kind: Literal["detector", "embedder"]
    name: str
    summary: str
    create: Callable[[EngineOptions], Detector | Embedder]
    prepare: Callable[[Path, Card | None], PreparedWeights] | None = None
    dim: int | None = None
    thresholds: Thresholds | Mapping[int, Thresholds] | None = None
    how: InstallEngine | AddEngine | TrainEmbedder | None = None
    gpu: bool = False
    needs: tuple[str, ...] = ()

    def thresholds_for(self, dim: int | None) -> Thresholds | None:
        """The thresholds for vectors of this length; None if they are not known."""
        if isinstance(self.thresholds, Mapping):
            return self.thresholds.get(dim) if dim else None
        return self.thresholds
