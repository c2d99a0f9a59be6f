"""Which engines there are, found by the entry-point group `phototag.engines`, and how to make one.

An entry point names an `EngineSpec`. Importing this module, or one that holds a spec, is cheap:
TensorFlow, LiteRT and dlib are imported by `EngineSpec.create`, when an engine is really wanted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from typing import Literal, cast

from phototag.errors import UsageError
from phototag.types import Detector, Embedder

GROUP = "phototag.engines"


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the user may choose: CPU threads of one engine; smallest face in pixels of the array given."""

    threads: int = 2
    min_face: int = 20


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """An engine that could be made: `create` may import heavy packages and may raise WeightsError."""

    kind: Literal["detector", "embedder"]
    name: str
    summary: str
    create: Callable[[EngineOptions], Detector | Embedder]


def available() -> list[EngineSpec]:
    """All engines installed here, by kind and name. Raises UsageError for one that can't be loaded."""
    return sorted((_load(point) for point in _entry_points().values()), key=lambda spec: (spec.kind, spec.name))


def make_detector(name: str, options: EngineOptions) -> Detector:
    """The detector called `name`, ready to run. Raises UsageError for an unknown name."""
    return cast(Detector, _find("detector", name).create(options))


def make_embedder(name: str, options: EngineOptions) -> Embedder:
    """The embedder called `name`, ready to run. Raises UsageError for an unknown name."""
    return cast(Embedder, _find("embedder", name).create(options))


def _find(kind: str, name: str) -> EngineSpec:
    point = _entry_points().get(name)
    spec = _load(point) if point else None
    if spec is None or spec.kind != kind:
        known = ", ".join(spec.name for spec in available() if spec.kind == kind)
        raise UsageError(f"there is no {kind} called {name!r}; known: {known}")
    return spec


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
