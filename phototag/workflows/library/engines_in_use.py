"""Engines in use: those that a library is indexed with, and the embedder that is to replace the current one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from phototag.analysis.engine_provider import EngineProvider
from phototag.config import Settings
from phototag.engines import catalogue
from phototag.engines.choice import Kind, best
from phototag.errors import PhototagError, TooLittleDataError, WeightsError
from phototag.remedies import AddEngine, IndexFolder, InstallEngine, ReplaceEngine
from phototag.store import engines
from phototag.store.connect import Store, open_reader

Use = Literal["detector", "embedder", "coming"]


@dataclass(frozen=True, slots=True)
class EngineIds:
    """The ids of the detector and the embedder that a library is indexed with."""

    detector: int
    embedder: int


def current_embedder(store: Store) -> int:
    """The id of the embedder that the library was last indexed with. Raises TooLittleDataError if it never was."""
    found = engines.current(store, "embedder")
    if found is None:
        raise TooLittleDataError("no photo is indexed yet", IndexFolder())
    return found[0]


def library_settings(store: Store, settings: Settings, provider: EngineProvider) -> Settings:
    """The settings, in which a library's own engines and detection sizes fill in what the user left open.

    A change of embedder that was begun goes on. Raises WeightsError if a library's engine is no longer installed.
    """
    detector = engines.current(store, "detector")
    parameters = engines.parameters(store, detector[0]) if detector else {}
    own = {name: int(parameters[name]) for name in settings.unset if parameters.get(name, "").isdigit()}
    return replace(
        settings,
        image_side=own.get("image_side", settings.image_side),
        min_face=own.get("min_face", settings.min_face),
        detector=settings.detector or _current("detector", store, provider),
        embedder=settings.embedder or _upcoming_embedder(store, provider) or _current("embedder", store, provider),
        unset=frozenset(),
    )


def _upcoming_embedder(store: Store, provider: EngineProvider) -> str | None:
    """The name of the embedder that is to replace the current one, if it is installed."""
    found = engines.upcoming(store, "embedder")
    return found[1] if found and provider.installed("embedder", found[1]) else None


def _current(kind: Kind, store: Store, provider: EngineProvider) -> str | None:
    """The name of a library's engine, None before the first index. Raises WeightsError if it isn't installed."""
    found = engines.current(store, kind)
    if found is None:
        return None
    name = found[1]
    if not provider.installed(kind, name):
        in_catalogue = any(entry.name == name for entry in catalogue.entries())
        back = InstallEngine(name) if in_catalogue else AddEngine(name)
        raise WeightsError(
            f"{store.path} was indexed with the {kind} {name}, which is no longer installed; nothing was changed",
            ReplaceEngine(kind, back, best(kind)),
        )
    return name


def used_as(name: str, db: Path) -> Use | None:
    """What the database at `db` uses the engine called `name` for; None if it doesn't, or can't be read.

    "coming": it is to replace the current embedder, once it has embedded every known face.
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
