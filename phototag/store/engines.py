"""Engines as the database knows them: faces and vectors of different identities never mix."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import cast

from phototag.store.connect import Store
from phototag.types import EngineInfo, Thresholds

#: Values of `engine.current` besides 0: in use; to be used, once it has seen every known face.
_IN_USE, _UPCOMING = 1, 2


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
                """
                INSERT INTO engine (kind, name, weights_sha256, params, thresholds, dim)
                VALUES (:kind, :name, :weights_sha256, :params, :thresholds, :dim)
                ON CONFLICT DO UPDATE SET thresholds = excluded.thresholds
                """,
                {**_identity(info), "dim": info.dim},
            )
        found = find(store, info)
    assert found is not None
    return found


def find(store: Store, info: EngineInfo) -> int | None:
    """The engine's row, or None for one that the database doesn't know."""
    return cast(
        "int | None",
        store.value(
            """
            SELECT id FROM engine
            WHERE kind = :kind AND name = :name AND weights_sha256 = :weights_sha256 AND params = :params
              AND thresholds IS :thresholds
            """,
            _identity(info),
        ),
    )


def _identity(info: EngineInfo) -> dict[str, str | None]:
    return {
        "kind": info.kind,
        "name": info.name,
        "weights_sha256": info.weights_sha256,
        "params": json.dumps(info.parameters),
        "thresholds": json.dumps(asdict(info.thresholds)) if info.thresholds else None,
    }


def set_current(store: Store, engine: int) -> None:
    """From now on this is the current engine of its kind (inside a write transaction)."""
    store.run(
        """
        UPDATE engine SET current = CASE id WHEN :engine THEN :in_use ELSE 0 END
        WHERE kind = (SELECT kind FROM engine WHERE id = :engine)
        """,
        engine=engine,
        in_use=_IN_USE,
    )


def set_upcoming(store: Store, engine: int) -> None:
    """This engine is to become the current one; until then the one in use stays so (inside a write transaction)."""
    store.run(
        """
        UPDATE engine SET current = CASE id WHEN :engine THEN :upcoming ELSE 0 END
        WHERE kind = (SELECT kind FROM engine WHERE id = :engine) AND current <> :in_use
        """,
        engine=engine,
        upcoming=_UPCOMING,
        in_use=_IN_USE,
    )


def current(store: Store, kind: str) -> tuple[int, str] | None:
    """Id and name of the engine that is in use, or None before the first index."""
    return _marked(store, kind, _IN_USE)


def upcoming(store: Store, kind: str) -> tuple[int, str] | None:
    """Id and name of the engine that a run began to switch to, if there is one."""
    return _marked(store, kind, _UPCOMING)


def _marked(store: Store, kind: str, mark: int) -> tuple[int, str] | None:
    for engine, name in store.rows(
        "SELECT id, name FROM engine WHERE kind = :kind AND current = :mark", kind=kind, mark=mark
    ):
        return engine, name
    return None


def parameters(store: Store, engine: int) -> dict[str, str]:
    """The parameters that change what an engine finds, by name."""
    return dict(json.loads(store.value("SELECT params FROM engine WHERE id = :engine", engine=engine)))


def thresholds(store: Store, engine: int) -> Thresholds:
    """What distances mean in an embedder's space."""
    return Thresholds(**json.loads(store.value("SELECT thresholds FROM engine WHERE id = :engine", engine=engine)))
