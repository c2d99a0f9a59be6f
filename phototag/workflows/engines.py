"""Installs the user's weights, and finds entries of the catalogue."""

from __future__ import annotations

from pathlib import Path

from phototag.engines import catalogue, plugins, registry
from phototag.engines.catalogue import Entry
from phototag.engines.formats import card as cards
from phototag.engines.formats.unsafe import unsafe_kind_of
from phototag.engines.installation import InstalledEngine
from phototag.errors import UsageError, WeightsError
from phototag.imaging.align import ALIGNMENTS
from phototag.remedies import RenameEngine


def entry(name: str) -> Entry:
    """The entry of the catalogue called `name`. Raises UsageError if there is none."""
    known = {entry.name: entry for entry in catalogue.entries()}
    if name not in known:
        raise UsageError(f"the catalogue has no engine called {name!r}; it has {', '.join(known)}")
    return known[name]


def add(name: str, path: Path, family: str | None, card: Path | None) -> InstalledEngine:
    """Install the user's weights as the engine `name`. Raises UsageError, WeightsError, DiskFullError.

    Without `family` and `card`, they are the catalogue's if it knows the file's hash. Otherwise the default family is
    the one called `name`, or follows from the file's suffix.
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
    """The default family for an engine `name` with these weights. Raises UsageError, WeightsError for a pickle."""
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
