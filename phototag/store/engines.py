"""Engines as the database knows them: faces and vectors of different identities never mix."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import cast

from phototag.store.connect import Store
from phototag.types import EngineInfo, Thresholds

#: What `engine.current` says besides 0: in use; to be used, once it has seen every known face.
_IN_USE, _COMING = 1, 2


def register(store: Store, info: EngineInfo) -> int:
    """The engine's row, made if it is new, and from now on the current one of its kind."""
    engine = add(store, info)
    if current(store, info.kind) != (engine, info.name):
        with store.write():
            set_current(store, engine)
    return engine


def add(store: Store, info: EngineInfo) -> int:
    """The engine's row, made if it is new; which one is current stays as it is."""
    found = find(store, info)
    if found is None:
        with store.write():
            store.run(
                "INSERT INTO engine (kind, name, weights_sha256, params, thresholds, dim) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET thresholds = excluded.thresholds",
                (*_identity(info), info.dim),
            )
        found = find(store, info)
    assert found is not None
    return found


def find(store: Store, info: EngineInfo) -> int | None:
    """The engine's row, or None for one that the database doesn't know."""
    return cast(
        "int | None",
        store.value(
            "SELECT id FROM engine WHERE (kind, name, weights_sha256, params) = (?, ?, ?, ?) AND thresholds IS ?",
            _identity(info),
        ),
    )


def _identity(info: EngineInfo) -> tuple[str, str, str, str, str | None]:
    thresholds = json.dumps(asdict(info.thresholds)) if info.thresholds else None
    return (info.kind, info.name, info.weights_sha256, json.dumps(info.parameters), thresholds)


def set_current(store: Store, engine: int) -> None:
    """From now on this is the current engine of its kind (inside a write transaction)."""
    store.run(
        "UPDATE engine SET current = CASE id WHEN ? THEN ? ELSE 0 END"
        " WHERE kind = (SELECT kind FROM engine WHERE id = ?)",
        (engine, _IN_USE, engine),
    )


def set_upcoming(store: Store, engine: int) -> None:
    """This engine is to become the current one, which the one in use stays until then (inside a write transaction)."""
    store.run(
        "UPDATE engine SET current = CASE id WHEN ? THEN ? ELSE 0 END"
        " WHERE kind = (SELECT kind FROM engine WHERE id = ?) AND current <> ?",
        (engine, _COMING, engine, _IN_USE),
    )


def current(store: Store, kind: str) -> tuple[int, str] | None:
    """Id and name of the engine that is in use, or None before the first index."""
    return _marked(store, kind, _IN_USE)


def upcoming(store: Store, kind: str) -> tuple[int, str] | None:
    """Id and name of the engine that a run began to put in the place of the current one, if there is such."""
    return _marked(store, kind, _COMING)


def _marked(store: Store, kind: str, mark: int) -> tuple[int, str] | None:
    for row in store.rows("SELECT id, name FROM engine WHERE kind = ? AND current = ?", (kind, mark)):
        return (row[0], row[1])
    return None


def parameters(store: Store, engine: int) -> dict[str, str]:
    """What an engine was told that changes what it finds, by name."""
    return dict(json.loads(store.value("SELECT params FROM engine WHERE id = ?", (engine,))))


def thresholds(store: Store, engine: int) -> Thresholds:
    """What distances mean in an embedder's space."""
    return Thresholds(**json.loads(store.value("SELECT thresholds FROM engine WHERE id = ?", (engine,))))
