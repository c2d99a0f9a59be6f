"""Engines as the database knows them: faces and vectors of different identities never mix."""

from __future__ import annotations

import json
from dataclasses import asdict

from phototag.store.connect import Store
from phototag.types import EngineInfo, Thresholds


def register(store: Store, info: EngineInfo) -> int:
    """The engine's row, made if it is new, and from now on the current one of its kind."""
    params = json.dumps(info.parameters)
    thresholds = json.dumps(asdict(info.thresholds)) if info.thresholds else None
    key = (info.kind, info.name, info.weights_sha256, params)
    current = store.value(
        "SELECT id FROM engine WHERE (kind, name, weights_sha256, params) = (?, ?, ?, ?) AND current"
        " AND thresholds IS ?",
        (*key, thresholds),
    )
    if current is not None:
        return int(current)
    with store.write():
        store.run(
            "INSERT INTO engine (kind, name, weights_sha256, params, dim) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (*key, info.dim),
        )
        store.run("UPDATE engine SET current = 0 WHERE kind = ?", (info.kind,))
        store.run(
            "UPDATE engine SET current = 1, thresholds = ? WHERE (kind, name, weights_sha256, params) = (?, ?, ?, ?)",
            (thresholds, *key),
        )
    return int(store.value("SELECT id FROM engine WHERE (kind, name, weights_sha256, params) = (?, ?, ?, ?)", key))


def current(store: Store, kind: str) -> tuple[int, str] | None:
    """Id and name of the engine that was used last, or None before the first index."""
    for row in store.rows("SELECT id, name FROM engine WHERE kind = ? AND current", (kind,)):
        return (row[0], row[1])
    return None


def thresholds(store: Store, engine: int) -> Thresholds:
    """What distances mean in an embedder's space."""
    return Thresholds(**json.loads(store.value("SELECT thresholds FROM engine WHERE id = ?", (engine,))))
