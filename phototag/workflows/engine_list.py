"""Lists all engines: built-in ones, plug-ins, installed ones, those of the catalogue, and families."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from phototag.config import Settings
from phototag.engines import catalogue, installation, plugins
from phototag.engines.catalogue import Entry
from phototag.engines.choice import best
from phototag.engines.installation import InstalledEngine
from phototag.engines.plugins import Registration
from phototag.engines.spec import EngineSpec
from phototag.remedies import AddEngine, InstallEngine, TrainEmbedder

Origin = Literal["built-in", "plug-in", "added", "installable", "family"]


@dataclass(frozen=True, slots=True)
class Row:
    """An engine in the list.

    `kind`: detector or embedder; empty if unknown. `origin`: built-in, plug-in (of another package), added (installed
    by the user), installable (in the catalogue) or family (takes the user's weights, and none are installed under its
    own name). `default`: what a new library would use. `threshold`: the distance below which two faces are taken for
    one person. `gpu`: it can use one. `source`: path, URL, or a plug-in's package. `how`: how the user gets an engine
    that isn't installed. `trouble`: why it can't be used.
    """

    kind: str
    name: str
    summary: str
    origin: Origin
    default: bool = False
    dim: int | None = None
    threshold: float | None = None
    gpu: bool = False
    licence: str = ""
    source: str = ""
    how: InstallEngine | AddEngine | TrainEmbedder | None = None
    trouble: str = ""


def listing(settings: Settings) -> list[Row]:
    """All engines, by kind and name; one that can't be used says why. Raises WeightsError for a damaged engine."""
    defaults = (settings.detector or best("detector"), settings.embedder or best("embedder"))
    registrations = plugins.registrations()
    specs = {registration.name: registration.spec for registration in registrations if registration.spec}
    entries = {entry.name: entry for entry in catalogue.entries()}
    installed = {engine.name: engine for engine in installation.installed_engines()}
    taken = entries.keys() | installed.keys()
    rows = [
        *(row for registration in registrations if (row := _registered(registration, taken, defaults))),
        *(_installed(engine, specs, defaults) for engine in installed.values()),
        *(_installable(entry, specs) for entry in entries.values() if entry.name not in installed),
    ]
    return sorted(rows, key=lambda row: (row.kind, row.name))


def _registered(registration: Registration, taken: set[str], defaults: tuple[str, str]) -> Row | None:
    """The row of an entry point; None for a family under whose name weights are installed or in the catalogue."""
    name, spec = registration.name, registration.spec
    source = "" if registration.package == plugins.OURS else registration.package
    if spec is None:
        return Row(kind="", name=name, summary="", origin="plug-in", source=source, trouble=registration.trouble)
    if spec.prepare is not None:
        return None if name in taken else _row(name, spec, "family", source=source)
    return _row(name, spec, "plug-in" if source else "built-in", source=source, default=name in defaults)


def _installed(engine: InstalledEngine, specs: Mapping[str, EngineSpec], defaults: tuple[str, str]) -> Row:
    if engine.family not in specs:
        trouble = f"the package that brings its family, {engine.family}, is missing or can't be used"
        return Row(kind="", name=engine.name, summary="", origin="added", source=engine.source, trouble=trouble)
    default = engine.name in defaults
    return _row(engine.name, specs[engine.family], "added", engine, source=engine.source, default=default)


def _installable(entry: Entry, specs: Mapping[str, EngineSpec]) -> Row:
    return _row(entry.name, specs[entry.family], "installable", entry, source=entry.url)


def _row(
    name: str, spec: EngineSpec, origin: Origin, weights: Entry | InstalledEngine | None = None, *,
    source: str, default: bool = False,
) -> Row:  # fmt: skip
    """The row of an engine that can be used; `weights`: those of a family's engine."""
    card = weights.card if weights else None
    dim = card.dim if card else (weights.dim if isinstance(weights, InstalledEngine) and weights.dim else spec.dim)
    thresholds = card.thresholds if card else spec.thresholds_for(dim)
    return Row(
        kind=spec.kind,
        name=name,
        summary=weights.summary if isinstance(weights, Entry) else spec.summary,
        origin=origin,
        default=default,
        dim=dim,
        threshold=thresholds.same if thresholds else None,
        gpu=spec.gpu,
        licence=weights.licence if weights else "",
        source=source,
        how=InstallEngine(name) if origin == "installable" else spec.how if origin == "family" else None,
    )
