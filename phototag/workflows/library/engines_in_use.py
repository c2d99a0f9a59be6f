"""Engines in use: those that a library was indexed with, and the one that is to take over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from phototag.config import Settings
from phototag.engines import catalogue, registry
from phototag.engines.choice import Kind, best
from phototag.errors import PhototagError, TooLittleDataError, WeightsError
from phototag.remedies import AddEngine, IndexFolder, InstallEngine, ReplaceEngine
from phototag.store import engines
from phototag.store.connect import Store, open_reader

Use = Literal["detector", "embedder", "coming"]


def current_embedder(store: Store) -> int:
    """The embedder of the last index. Raises TooLittleDataError if there was none."""
    found = engines.current(store, "embedder")
    if found is None:
        raise TooLittleDataError("no photo is indexed yet", IndexFolder())
    return found[0]


def chosen(settings: Settings, store: Store) -> Settings:
    """The settings with the engines that a library was indexed with, and what they seek, where nobody says otherwise.

    A change of embedder that was begun goes on. Raises WeightsError where a library's engine is no longer installed.
    """
    detector = engines.current(store, "detector")
    told = engines.parameters(store, detector[0]) if detector else {}
    own = {name: int(told[name]) for name in settings.unset if told.get(name, "").isdigit()}
    side = own.get("image_side", settings.image_side)
    return replace(
        settings,
        image_side=side,
        min_face=own.get("min_face", settings.min_face),
        detector=settings.detector or _own("detector", store),
        embedder=settings.embedder or _coming(store) or _own("embedder", store),
        # A photo may be decoded to three quarters of the side asked for, and no face is sought in fewer pixels.
        detail_side=max(settings.detail_side, side * 4 // 3),
        unset=frozenset(),
    )


def _coming(store: Store) -> str | None:
    found = engines.upcoming(store, "embedder")
    return found[1] if found and registry.installed("embedder", found[1]) else None


def _own(kind: Kind, store: Store) -> str | None:
    found = engines.current(store, kind)
    if found is None:
        return None
    name = found[1]
    if not registry.installed(kind, name):
        offered = any(entry.name == name for entry in catalogue.entries())
        back = InstallEngine(name) if offered else AddEngine(name)
        raise WeightsError(
            f"{store.path} was indexed with the {kind} {name}, which is no longer installed; nothing was changed",
            ReplaceEngine(kind, back, best(kind)),
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
                "coming": engines.upcoming(store, "embedder"),
            }
    except PhototagError:
        return None
    return next((use for use, found in uses.items() if found and found[1] == name), None)
