"""Engines: which there are, which a library uses, and the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from phototag.config import Settings
from phototag.engines import catalogue, installation, plugins, registry
from phototag.engines.catalogue import Entry
from phototag.engines.choice import best
from phototag.engines.formats import card as cards
from phototag.engines.formats.unsafe import unsafe_kind_of
from phototag.engines.installation import InstalledEngine
from phototag.engines.spec import EngineSpec
from phototag.errors import UsageError, WeightsError
from phototag.imaging.align import ALIGNMENTS
from phototag.remedies import AddEngine, InstallEngine, RenameEngine, TrainEmbedder

Origin = Literal["built-in", "plug-in", "added", "installable", "family"]


@dataclass(frozen=True, slots=True)
class Row:
    """An engine of the list.

    `kind`: empty where nobody knows. `origin`: built-in, plug-in (of another package), added (on the user's
    shelf), installable (in the catalogue) or family (of engines whose weights the user brings, with none of its
    own name there yet). `default`: what a new library would use. `threshold`: the distance below which two
    faces are taken for one person. `gpu`: it can use one. `source`: path, URL, or a plug-in's package. `how`:
    how the user gets what isn't there. `trouble`: why it can't be used.
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
    """All engines: built-in ones, plug-ins, the user's, those of the catalogue that aren't there yet, and families.

    One that can't be used has a row that says so. Raises WeightsError for an installed one that is damaged.
    """
    defaults = (settings.detector or best("detector"), settings.embedder or best("embedder"))
    registrations = plugins.registrations()
    specs = {registration.name: registration.spec for registration in registrations if registration.spec}
    mine = {one.name: one for one in installation.installed_engines()}

    def row(
        name: str, spec: EngineSpec, origin: Origin, of: Entry | InstalledEngine | None = None, source: str = ""
    ) -> Row:
        card = of.card if of else None
        dim = card.dim if card else (of.dim if isinstance(of, InstalledEngine) and of.dim else spec.dim)
        thresholds = card.thresholds if card else spec.thresholds_for(dim)
        return Row(
            kind=spec.kind,
            name=name,
            summary=of.summary if isinstance(of, Entry) else spec.summary,
            origin=origin,
            default=origin in ("built-in", "plug-in", "added") and name in defaults,
            dim=dim,
            threshold=thresholds.same if thresholds else None,
            gpu=spec.gpu,
            licence=of.licence if of else "",
            source=source,
            how=InstallEngine(name) if origin == "installable" else spec.how if origin == "family" else None,
        )

    def useless(name: str, origin: Origin, source: str, trouble: str) -> Row:
        return Row(kind="", name=name, summary="", origin=origin, source=source, trouble=trouble)

    rows = []
    for registration in registrations:
        source = "" if registration.package == plugins.OURS else registration.package
        if registration.spec is None:
            rows.append(useless(registration.name, "plug-in", source, registration.trouble))
        elif registration.spec.prepare is None:
            rows.append(row(registration.name, registration.spec, "plug-in" if source else "built-in", source=source))
        elif registration.name not in mine and all(entry.name != registration.name for entry in catalogue.entries()):
            rows.append(row(registration.name, registration.spec, "family", source=source))
    for one in mine.values():
        if one.family in specs:
            rows.append(row(one.name, specs[one.family], "added", one, one.source))
        else:
            trouble = f"the package that brings its family, {one.family}, is missing or of no use"
            rows.append(useless(one.name, "added", one.source, trouble))
    rows += [
        row(entry.name, specs[entry.family], "installable", entry, entry.url)
        for entry in catalogue.entries()
        if entry.name not in mine
    ]
    return sorted(rows, key=lambda row: (row.kind, row.name))


def entry(name: str) -> Entry:
    """The catalogue's entry called `name`. Raises UsageError if there is none."""
    known = {entry.name: entry for entry in catalogue.entries()}
    if name not in known:
        raise UsageError(f"the catalogue has no engine called {name!r}; it has {', '.join(known)}")
    return known[name]


def add(name: str, path: Path, family: str | None, card: Path | None) -> InstalledEngine:
    """Install the user's weights. Raises UsageError, WeightsError, DiskFullError.

    Without `family` and `card`, a file that the catalogue knows by its hash has the catalogue's; else the
    family is the one called `name`, or told by the file's suffix.
    """
    if not path.exists():
        raise UsageError(f"{path} is not there: name the file or folder that holds the weights")
    known = catalogue.entry_of(path) if family is None and card is None else None
    if any(entry.name == name for entry in catalogue.entries()) and (known is None or known.name != name):
        raise UsageError(f"the catalogue calls another engine {name}", RenameEngine(name))
    if known:
        return registry.add(name, known.family, path, known.card, source=str(path), licence=known.licence)
    return registry.add(name, family or _family(name, path), path, _card(card) if card else None)


def _family(name: str, path: Path) -> str:
    """The family of weights that are to be called `name`. Raises UsageError, WeightsError for a pickle."""
    if path.suffix.lower() == ".onnx":
        spec = plugins.spec_of(name)
        return name if spec and spec.prepare else "onnx"
    families = [spec.name for spec in plugins.available() if spec.prepare]
    if name in families:
        return name
    if path.is_file() and (disguise := unsafe_kind_of(path)):
        raise WeightsError(f"{path} is {disguise}; nothing of it was used: take the weights as HDF5 or ONNX")
    raise UsageError(f"tell what kind of weights these are with --family ({', '.join(sorted(families))})")


def _card(path: Path) -> cards.Card:
    card = cards.read(path)
    if card.alignment not in ALIGNMENTS:
        raise UsageError(f"{path}: alignment is {card.alignment!r} and must be one of {', '.join(ALIGNMENTS)}")
    return card
