"""Engines: which there are, which a library uses, and the user's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from phototag.config import Settings
from phototag.engines import card as cards
from phototag.engines import catalogue, registry, shelf
from phototag.engines.catalogue import Entry
from phototag.engines.disguise import disguise_of
from phototag.engines.registry import EngineSpec
from phototag.engines.shelf import Shelved
from phototag.errors import PhototagError, UsageError, WeightsError
from phototag.imaging.align import ALIGNMENTS
from phototag.store import engines
from phototag.store.connect import Store, open_reader
from phototag.types import Device

Kind = Literal["detector", "embedder"]
Use = Literal["detector", "embedder", "coming"]
Origin = Literal["built-in", "plug-in", "added", "installable", "family"]

#: The best first; what comes out of the box is last, and always there. (The 8-bit network can't use a GPU.)
PREFERRED = {"detector": ("yunet", "mtcnn"), "embedder": ("mobilefacenet", "dlib-resnet-int8", "dlib-resnet")}


@dataclass(frozen=True, slots=True)
class Row:
    """An engine of the list.

    `kind`: empty where nobody knows. `origin`: built-in, plug-in (of another package), added (on the user's
    shelf), installable (in the catalogue) or family (of engines whose weights the user brings, with none of its
    own name there yet). `default`: what a new library would use. `threshold`: the distance below which two
    faces are taken for one person. `gpu`: it can use one. `source`: path, URL, or a plug-in's package. `how`:
    the command that brings what isn't there. `trouble`: why it can't be used.
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
    how: str = ""
    trouble: str = ""


def best(kind: Kind, device: Device = "auto") -> str:
    """The engine for a new library: the best that is installed, and can use a GPU if that is the device.

    Raises WeightsError for a damaged one.
    """
    known = {entry.name: entry for entry in catalogue.entries()}

    def fits(name: str) -> bool:
        entry = known.get(name)
        spec = registry.spec_of(entry.family if entry else name)
        there = entry is None or _is(shelf.find(name), entry)
        return there and (device != "gpu" or (spec is not None and spec.gpu))

    return next((name for name in PREFERRED[kind] if fits(name)), PREFERRED[kind][-1])


def _is(shelved: Shelved | None, entry: Entry) -> bool:
    """Whether the catalogue vouches for what lies on the shelf: a name alone is anybody's."""
    return shelved is not None and (shelved.sha256, shelved.family) == (entry.sha256, entry.family)


def chosen(settings: Settings, store: Store) -> Settings:
    """The settings with the engines that a library was indexed with, and what they seek, where nobody says otherwise.

    A change of embedder that was begun goes on. Raises WeightsError where a library's engine is no longer installed.
    """
    detector = engines.current(store, "detector")
    told = engines.parameters(store, detector[0]) if detector else {}
    own = {name: int(told[name]) for name in settings.unsaid if told.get(name, "").isdigit()}
    side = own.get("image_side", settings.image_side)
    return replace(
        settings,
        image_side=side,
        min_face=own.get("min_face", settings.min_face),
        detector=settings.detector or _own("detector", store),
        embedder=settings.embedder or _coming(store) or _own("embedder", store),
        # A photo may be decoded to three quarters of the side asked for, and no face is sought in fewer pixels.
        detail_side=max(settings.detail_side, side * 4 // 3),
        unsaid=frozenset(),
    )


def _coming(store: Store) -> str | None:
    found = engines.coming(store, "embedder")
    return found[1] if found and registry.installed("embedder", found[1]) else None


def _own(kind: Kind, store: Store) -> str | None:
    found = engines.current(store, kind)
    if found is None:
        return None
    name = found[1]
    if not registry.installed(kind, name):
        offered = any(entry.name == name for entry in catalogue.entries())
        how = f"phototag engines install {name}" if offered else f"phototag engines add {name} FILE"
        raise WeightsError(
            f"{store.path} was indexed with the {kind} {name}, which is no longer installed; nothing was changed: "
            f"bring it back (`{how}`), or go on with another (`phototag index --{kind} {best(kind)}`); names are kept"
        )
    return name


def used_as(name: str, db: Path) -> Use | None:
    """What the engine called `name` is to the database at `db`, if that can be read and uses it.

    "coming": it is to take over from the embedder, once it has seen every known face.
    """
    try:
        with open_reader(db) as store:
            uses: dict[Use, tuple[int, str] | None] = {
                "detector": engines.current(store, "detector"),
                "embedder": engines.current(store, "embedder"),
                "coming": engines.coming(store, "embedder"),
            }
    except PhototagError:
        return None
    return next((use for use, found in uses.items() if found and found[1] == name), None)


def listing(settings: Settings) -> list[Row]:
    """All engines: built-in ones, plug-ins, the user's, those of the catalogue that aren't there yet, and families.

    One that can't be used has a row that says so. Raises WeightsError for a damaged one on the shelf.
    """
    defaults = (settings.detector or best("detector"), settings.embedder or best("embedder"))
    offers = registry.offers()
    specs = {offer.name: offer.spec for offer in offers if offer.spec}
    mine = {one.name: one for one in shelf.shelved()}

    def row(name: str, spec: EngineSpec, origin: Origin, of: Entry | Shelved | None = None, source: str = "") -> Row:
        card = of.card if of else None
        dim = card.dim if card else (of.dim if isinstance(of, Shelved) and of.dim else spec.dim)
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
            how={"installable": f"phototag engines install {name}", "family": spec.how}.get(origin, ""),
        )

    def useless(name: str, origin: Origin, source: str, trouble: str) -> Row:
        return Row(kind="", name=name, summary="", origin=origin, source=source, trouble=trouble)

    rows = []
    for offer in offers:
        source = "" if offer.package == registry.OURS else offer.package
        if offer.spec is None:
            rows.append(useless(offer.name, "plug-in", source, offer.trouble))
        elif offer.spec.prepare is None:
            rows.append(row(offer.name, offer.spec, "plug-in" if source else "built-in", source=source))
        elif offer.name not in mine and all(entry.name != offer.name for entry in catalogue.entries()):
            rows.append(row(offer.name, offer.spec, "family", source=source))
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


def add(name: str, path: Path, family: str | None, card: Path | None) -> Shelved:
    """Put the user's weights on the shelf. Raises UsageError, WeightsError, DiskFullError.

    Without `family` and `card`, a file that the catalogue knows by its hash has the catalogue's; else the
    family is the one called `name`, or told by the file's suffix.
    """
    if not path.exists():
        raise UsageError(f"{path} is not there: name the file or folder that holds the weights")
    known = catalogue.entry_of(path) if family is None and card is None else None
    if any(entry.name == name for entry in catalogue.entries()) and (known is None or known.name != name):
        raise UsageError(
            f"the catalogue calls another engine {name}, which `phototag engines install {name}` brings: choose a name "
            "of your own for this one"
        )
    if known:
        return registry.add(name, known.family, path, known.card, source=str(path), licence=known.licence)
    return registry.add(name, family or _family(name, path), path, _card(card) if card else None)


def _family(name: str, path: Path) -> str:
    """The family of weights that are to be called `name`. Raises UsageError, WeightsError for a pickle."""
    if path.suffix.lower() == ".onnx":
        spec = registry.spec_of(name)
        return name if spec and spec.prepare else "onnx"
    families = [spec.name for spec in registry.available() if spec.prepare]
    if name in families:
        return name
    if path.is_file() and (disguise := disguise_of(path)):
        raise WeightsError(f"{path} is {disguise}; nothing of it was used: take the weights as HDF5 or ONNX")
    raise UsageError(f"tell what kind of weights these are with --family ({', '.join(sorted(families))})")


def _card(path: Path) -> cards.Card:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}") from error
    card = cards.parse(text, str(path))
    if card.alignment not in ALIGNMENTS:
        raise UsageError(f"{path}: alignment is {card.alignment!r} and must be one of {', '.join(ALIGNMENTS)}")
    return card
