"""Which engines there are, found by the entry-point group `phototag.engines`, and how to make one.

An entry point names an `EngineSpec`. Importing this module, or one that holds a spec, is cheap:
TensorFlow, LiteRT and dlib are imported by `EngineSpec.create`, when an engine is really wanted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast

import numpy as np
import PIL.Image

from phototag.engines import shelf
from phototag.engines.card import Card
from phototag.engines.shelf import Prepared, Shelved
from phototag.errors import UsageError, WeightsError
from phototag.types import RGB, Detector, Device, Embedder, Thresholds

GROUP = "phototag.engines"


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the user may choose: CPU threads of one engine; the smallest face.

    `min_face`: in pixels of a picture whose long side is `image_side`; in smaller ones, of their own.
    `device`: only for engines whose spec says `gpu`; others are never made with `gpu`.
    `shelved`: the weights, for an engine of a family.
    """

    threads: int = 2
    min_face: int = 20
    image_side: int = 1280
    device: Device = "auto"
    shelved: Shelved | None = None

    def smallest(self, image: RGB) -> float:
        """The smallest face sought in an image, in its pixels."""
        return self.min_face * max(1.0, float(max(image.shape[:2])) / self.image_side)

    def sought(self) -> tuple[tuple[str, str], ...]:
        """What makes a detector find other faces, as parameters of its `EngineInfo`."""
        return (("image_side", str(self.image_side)), ("min_face", str(self.min_face)))

    def fitting(self, image: RGB) -> tuple[RGB, int]:
        """An image averaged by a whole factor to about `image_side` or less, and the factor."""
        factor = max(1, round(max(image.shape[:2]) / self.image_side))
        return (image if factor == 1 else np.asarray(PIL.Image.fromarray(image).reduce(factor))), factor


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """An engine that could be made: `create` may import heavy packages and may raise WeightsError.

    With `prepare` it is a *family*, whose weights the user brings: `prepare` turns a file or folder (and a
    card, where the family wants one) into what the shelf keeps, and refuses with WeightsError or UsageError
    anything that could not run; `create` then finds them in `EngineOptions.shelved`. `dim`, `thresholds`:
    an embedder's, where they don't depend on the weights. `how`: the command that adds such weights.
    `gpu`: it can run on a GPU, and its `create` raises UsageError where it is told to and finds none.
    `needs`: a package that `create` imports and that does not come with phototag.
    """

    kind: Literal["detector", "embedder"]
    name: str
    summary: str
    create: Callable[[EngineOptions], Detector | Embedder]
    prepare: Callable[[Path, Card | None], Prepared] | None = None
    dim: int | None = None
    thresholds: Thresholds | None = None
    how: str = ""
    gpu: bool = False
    needs: str = ""


def available() -> list[EngineSpec]:
    """All engines and families installed here, by kind and name. Raises UsageError for one that can't be loaded."""
    return sorted((_load(point) for point in _entry_points().values()), key=lambda spec: (spec.kind, spec.name))


def make_detector(name: str, options: EngineOptions) -> Detector:
    """The detector called `name`, ready to run. Raises UsageError for an unknown name, WeightsError."""
    return cast(Detector, _make("detector", name, options))


def make_embedder(name: str, options: EngineOptions) -> Embedder:
    """The embedder called `name`, ready to run. Raises UsageError for an unknown name, WeightsError."""
    return cast(Embedder, _make("embedder", name, options))


def installed(kind: str, name: str) -> bool:
    """Whether there is such an engine, with its weights if it needs some. Raises UsageError, WeightsError."""
    spec, shelved = _find(kind, name)
    return spec is not None and (spec.prepare is None or shelved is not None)


def spec_of(name: str) -> EngineSpec | None:
    """The engine or family called `name`, if there is one. Raises UsageError if it can't be loaded."""
    point = _entry_points().get(name)
    return _load(point) if point else None


def family(name: str) -> EngineSpec:
    """The family called `name`. Raises UsageError if there is none, or a package is missing that it needs."""
    spec = spec_of(name)
    if spec is None or spec.prepare is None:
        families = ", ".join(spec.name for spec in available() if spec.prepare)
        raise UsageError(f"{name!r} is no family of engines that take weights; known: {families}")
    if spec.needs and not find_spec(spec.needs):
        raise lacking(spec.needs)
    return spec


def lacking(package: str) -> UsageError:
    """What to say where a package is missing that phototag can do without."""
    return UsageError(f"this engine needs {package}: `pip install {package}`")


def add(
    name: str, family_name: str, path: Path, card: Card | None = None, *, source: str = "", licence: str = ""
) -> Shelved:
    """Check weights as their family does and put them on the shelf. Raises UsageError, WeightsError, DiskFullError."""
    spec = family(family_name)
    shelf.require_free(name)
    own = spec_of(name)
    if own is not None and own.name != spec.name:
        raise UsageError(f"{name!r} is the name of another engine: choose a name of your own")
    assert spec.prepare is not None
    return shelf.keep(name, spec.name, spec.prepare(path, card), card, source=source or str(path), licence=licence)


def _make(kind: str, name: str, options: EngineOptions) -> Detector | Embedder:
    spec, shelved = _find(kind, name)
    if spec is None:
        known = sorted(
            [spec.name for spec in available() if spec.kind == kind and spec.prepare is None]
            + [one.name for one in shelf.shelved() if (own := spec_of(one.family)) and own.kind == kind]
        )
        raise UsageError(
            f"there is no {kind} called {name!r}; known: {', '.join(known)} "
            "(`phototag engines list` shows what can be installed)"
        )
    if spec.prepare is not None and shelved is None:
        raise WeightsError(f"{name} has no weights yet: `{spec.how}`")
    if options.device == "gpu" and not spec.gpu:
        able = ", ".join(other.name for other in available() if other.kind == kind and other.gpu)
        raise UsageError(
            f"the {kind} {name} runs on the CPU only: leave --device gpu out, or choose a {kind} that can use a GPU "
            f"(of these kinds: {able})"
        )
    return spec.create(replace(options, shelved=shelved))


def _find(kind: str, name: str) -> tuple[EngineSpec | None, Shelved | None]:
    """The engine or family, if it is of this kind, and the weights on the shelf, of what is called `name`."""
    shelved = shelf.find(name)
    spec = spec_of(shelved.family if shelved else name)
    return (spec if spec and spec.kind == kind else None), shelved


def _entry_points() -> dict[str, EntryPoint]:
    # The current directory may hold anybody's files: no engine is taken from it, whatever sys.path says.
    here = Path.cwd()
    folders = [folder for folder in sys.path if Path(folder or ".").resolve() != here]
    return {
        point.name: point
        for distribution in distributions(path=folders)
        for point in distribution.entry_points
        if point.group == GROUP
    }


def _load(point: EntryPoint) -> EngineSpec:
    try:
        spec = point.load()
    except Exception as error:
        raise UsageError(f"the engine {point.name} ({point.value}) can't be loaded: {error}") from error
    if not isinstance(spec, EngineSpec):
        raise UsageError(f"the engine {point.name} ({point.value}) is not an EngineSpec")
    return spec
