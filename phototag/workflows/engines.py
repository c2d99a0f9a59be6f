"""Engines: which there are, which a library uses, and the user's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from phototag.config import Settings
from phototag.engines import card as cards
from phototag.engines import catalogue, registry, shelf
from phototag.engines.catalogue import Entry
from phototag.engines.registry import EngineSpec
from phototag.engines.shelf import Shelved
from phototag.errors import UsageError
from phototag.imaging.align import ALIGNMENTS
from phototag.store import engines
from phototag.store.connect import Store

Origin = Literal["built-in", "added", "installable"]

#: The best first; what comes out of the box is last, and always there.
PREFERRED = {"detector": ("yunet", "mtcnn"), "embedder": ("mobilefacenet", "dlib-resnet")}


@dataclass(frozen=True, slots=True)
class Row:
    """An engine of the list. `origin`: built-in, added (on the user's shelf) or installable (in the catalogue).

    `default`: what a new library would use. `threshold`: the distance below which two faces are taken
    for one person. `source`: path or URL.
    """

    kind: str
    name: str
    summary: str
    origin: Origin
    default: bool
    dim: int | None
    threshold: float | None
    licence: str
    source: str


def best(kind: Literal["detector", "embedder"]) -> str:
    """The engine for a new library: the best that is installed. Raises WeightsError for a damaged one."""
    *better, built_in = PREFERRED[kind]
    return next((name for name in better if shelf.find(name)), built_in)


def chosen(settings: Settings, store: Store) -> Settings:
    """The settings with the engines that a library was indexed with, where nobody says otherwise."""
    detector, embedder = (engines.current(store, kind) for kind in ("detector", "embedder"))
    return replace(
        settings,
        detector=settings.detector or (detector[1] if detector else None),
        embedder=settings.embedder or (embedder[1] if embedder else None),
    )


def listing(settings: Settings) -> list[Row]:
    """All engines: built-in ones, the user's, and those of the catalogue that aren't there yet."""
    defaults = (settings.detector or best("detector"), settings.embedder or best("embedder"))
    specs = {spec.name: spec for spec in registry.available()}
    mine = {one.name: one for one in shelf.shelved()}

    def row(name: str, spec: EngineSpec, origin: Origin, of: Entry | Shelved | None = None) -> Row:
        card = of.card if of else None
        thresholds = card.thresholds if card else spec.thresholds
        return Row(
            kind=spec.kind,
            name=name,
            summary=of.summary if isinstance(of, Entry) else spec.summary,
            origin=origin,
            default=origin != "installable" and name in defaults,
            dim=card.dim if card else spec.dim,
            threshold=thresholds.same if thresholds else None,
            licence=of.licence if of else "",
            source=(of.url if isinstance(of, Entry) else of.source) if of else "",
        )

    rows = [row(name, spec, "built-in") for name, spec in specs.items() if spec.prepare is None]
    rows += [row(name, specs[one.family], "added", one) for name, one in mine.items() if one.family in specs]
    offered = [entry for entry in catalogue.entries() if entry.name not in mine]
    rows += [row(entry.name, specs[entry.family], "installable", entry) for entry in offered]
    return sorted(rows, key=lambda row: (row.kind, row.name))


def entry(name: str) -> Entry:
    """The catalogue's entry called `name`. Raises UsageError if there is none."""
    known = {entry.name: entry for entry in catalogue.entries()}
    if name not in known:
        raise UsageError(f"the catalogue has no engine called {name!r}; it has {', '.join(known)}")
    return known[name]


def add(name: str, path: Path, family: str | None, card: Path | None) -> Shelved:
    """Put the user's weights on the shelf. Raises UsageError, WeightsError.

    Without `family` and `card`, a file that the catalogue knows by its hash has the catalogue's; else the
    family is the one called `name`, or told by the file's suffix.
    """
    if family is None and card is None and (known := catalogue.entry_of(path)):
        return registry.add(name, known.family, path, known.card, source=str(path), licence=known.licence)
    if family is None:
        spec = registry.spec_of(name)
        family = "onnx" if (spec is None or spec.prepare is None) and path.suffix == ".onnx" else name
    return registry.add(name, family, path, _card(card) if card else None)


def _card(path: Path) -> cards.Card:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}") from error
    card = cards.parse(text, str(path))
    if card.alignment not in ALIGNMENTS:
        raise UsageError(f"{path}: alignment is {card.alignment!r} and must be one of {', '.join(ALIGNMENTS)}")
    return card
