"""Opens engines by name, and installs weights for engines of a family."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import cast

from phototag import extras
from phototag.engines import installation, plugins
from phototag.engines.formats.card import Card
from phototag.engines.installation import InstalledEngine
from phototag.engines.spec import EngineOptions, EngineSpec
from phototag.errors import UsageError, WeightsError
from phototag.remedies import Show
from phototag.types import Detector, Embedder

_log = logging.getLogger(__name__)


def make_detector(name: str, options: EngineOptions) -> Detector:
    """Open the detector called `name`. Raises UsageError for an unknown name, WeightsError."""
    return cast(Detector, _make("detector", name, options))


def make_embedder(name: str, options: EngineOptions) -> Embedder:
    """Open the embedder called `name`. Raises UsageError for an unknown name, WeightsError."""
    return cast(Embedder, _make("embedder", name, options))


def on_gpu(engine: object) -> bool:
    """Whether an engine, or what runs its network, uses a GPU: those that do have a true attribute `on_gpu`."""
    return bool(getattr(engine, "on_gpu", False))


def is_installed(kind: str, name: str) -> bool:
    """Whether there is such an engine, with its weights if it needs some. Raises UsageError, WeightsError."""
    spec, installed = _find(kind, name)
    return spec is not None and (spec.prepare is None or installed is not None)


def family(name: str) -> EngineSpec:
    """The family called `name`. Raises UsageError if there is none, or if a package that it needs is missing."""
    spec = plugins.spec_of(name)
    if spec is None or spec.prepare is None:
        families = ", ".join(spec.name for spec in plugins.available() if spec.prepare)
        raise UsageError(f"{name!r} is no family of engines that take weights; known: {families}")
    extras.require("this engine", *spec.needs)
    return spec


def add(
    name: str, family_name: str, path: Path, card: Card | None = None, *, source: str = "", licence: str = ""
) -> InstalledEngine:
    """Check weights by their family and install them as `name`. Raises UsageError, WeightsError, DiskFullError."""
    require_name(name, family_name)
    spec = family(family_name)
    assert spec.prepare is not None
    prepared = spec.prepare(path, card)
    return installation.save(name, spec.name, prepared, card, source=source or str(path), licence=licence)


def require_name(name: str, family_name: str) -> None:
    """Raises UsageError if no engine of this family can be installed as `name`, or there is no such family."""
    spec = family(family_name)
    installation.require_unused_name(name)
    own = plugins.spec_of(name)
    if own is not None and own.name != spec.name:
        raise UsageError(f"{name!r} is the name of another engine: choose a name of your own")


def _make(kind: str, name: str, options: EngineOptions) -> Detector | Embedder:
    spec, installed = _find(kind, name)
    if spec is None:
        raise UsageError(f"there is no {kind} called {name!r}; known: {', '.join(_names(kind))}", Show("engines"))
    if spec.prepare is not None and installed is None:
        raise WeightsError(f"{name} has no weights yet", spec.how)
    if options.device == "gpu" and not spec.gpu:
        able = ", ".join(other.name for other in plugins.available() if other.kind == kind and other.gpu)
        raise UsageError(
            f"the {kind} {name} runs on the CPU only: leave --device gpu out, or choose a {kind} that can use a GPU "
            f"(of these kinds: {able})"
        )
    began = time.monotonic()
    engine = spec.create(replace(options, installed=installed))
    _log.debug("opened %s %s, weights %s, in %.2f s", kind, name, engine.info.weights_sha256, time.monotonic() - began)
    return engine


def _find(kind: str, name: str) -> tuple[EngineSpec | None, InstalledEngine | None]:
    """The engine or family called `name`, if it is of this kind, and its installed weights, if any."""
    installed = installation.find(name)
    spec = plugins.spec_of(installed.family if installed else name)
    return (spec if spec and spec.kind == kind else None), installed


def _names(kind: str) -> list[str]:
    """The engines of this kind that can be opened."""
    ready = {spec.name for spec in plugins.available() if spec.kind == kind and spec.prepare is None}
    families = {spec.name for spec in plugins.available() if spec.kind == kind}
    return sorted(ready | {one.name for one in installation.installed_engines() if one.family in families})
