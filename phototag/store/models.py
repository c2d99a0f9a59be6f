"""The trained classifier, as arrays, and what it thinks of each face."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.errors import DatabaseDamagedError
from phototag.remedies import Train
from phototag.store.connect import Store
from phototag.types import Guess, Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A linear classifier over one embedder's vectors: scores = vectors @ coef.T + intercept.

    `radius`: of each person, the distance within which a face may be theirs; None: the embedder's threshold. `params`:
    how the model was trained, and its calibration.
    """

    embedder: int
    people: tuple[int, ...]
    faces: int
    coef: Vectors
    intercept: npt.NDArray[np.float64]
    radius: tuple[float | None, ...]
    params: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class StoredModel(Model):
    """A model in the database, and when it was trained."""

    id: int
    at: str


def swap(store: Store, model: Model) -> None:
    """Replace the model in one transaction; guesses of the old one stay until faces are tagged again.

    Does nothing if somebody whom the new model knows was forgotten in the meantime.
    """
    with store.write():
        if any(store.value("SELECT forgotten FROM person WHERE id = ?", (person,)) for person in model.people):
            return
        row = store.run(
            "INSERT INTO model (at, engine, faces, params) VALUES (?, ?, ?, ?)",
            (
                datetime.now(timezone.utc).isoformat(timespec="seconds"),
                model.embedder,
                model.faces,
                json.dumps(model.params, sort_keys=True),
            ),
        )
        radii = model.radius or [None] * len(model.people)
        store.connection.executemany(
            "INSERT INTO model_class (model, person, coef, intercept, reach) VALUES (?, ?, ?, ?, ?)",
            [
                (row.lastrowid, person, np.ascontiguousarray(line, "<f4").tobytes(), float(offset), radius)
                for person, line, offset, radius in zip(model.people, model.coef, model.intercept, radii, strict=True)
            ],
        )
        store.run("DELETE FROM model WHERE id <> ? AND id NOT IN (SELECT model FROM guess)", (row.lastrowid,))


def latest(store: Store) -> StoredModel | None:
    """The model trained last, or None. Raises DatabaseDamagedError for arrays that can't be."""
    for model, at, embedder, faces, params, dim in store.rows(
        "SELECT m.id, m.at, m.engine, m.faces, m.params, e.dim FROM model m JOIN engine e ON e.id = m.engine"
        " ORDER BY m.id DESC LIMIT 1"
    ):
        classes = list(
            store.rows(
                "SELECT person, coef, intercept, reach FROM model_class WHERE model = ? ORDER BY person", (model,)
            )
        )
        damaged = DatabaseDamagedError(f"the trained model in {store.path} is damaged", Train(again=True))
        try:
            coef = np.stack([np.frombuffer(line, "<f4") for _, line, _, _ in classes]).astype(np.float32)
            intercept = np.array([offset for _, _, offset, _ in classes], np.float64)
            reach = tuple(None if far is None else float(far) for _, _, _, far in classes)
        except (TypeError, ValueError) as error:
            raise damaged from error
        if coef.shape != (len(classes), dim) or not np.isfinite(coef).all() or not np.isfinite(intercept).all():
            raise damaged
        people = tuple(row[0] for row in classes)
        return StoredModel(embedder, people, faces, coef, intercept, reach, json.loads(params), model, at)
    return None


def swap_guesses(store: Store, model: int, guesses: Sequence[Guess]) -> bool:
    """Put new guesses in the place of all old ones, in one transaction; not if there is a newer model. Says whether."""
    with store.write():
        if store.value("SELECT max(id) FROM model") != model:
            return False
        store.run("DELETE FROM guess")
        store.connection.executemany(
            "INSERT INTO guess (face, person, model, probability, distance, neighbours) SELECT ?1, ?2, ?3, ?4, ?5, ?6"
            " WHERE EXISTS (SELECT 1 FROM face WHERE id = ?1)",  # another program may have dropped it meanwhile
            (
                (
                    g.face_id,
                    g.person_id,
                    model,
                    g.probability,
                    g.distance,
                    f"[{', '.join(f'[{face}, {round(away, 4)}]' for face, away in g.neighbours)}]",
                )
                for g in guesses
            ),
        )
        store.run("DELETE FROM model WHERE id < ?", (model,))
        return True


def tagged(store: Store) -> dict[int, int]:
    """Face → person of the machine's tags that nothing said by a human overrules."""
    return dict(store.rows("SELECT face, person FROM identity WHERE source = 'machine'"))


def drop_stale_guesses(store: Store) -> None:
    """Take the machine's tags from whomever no human names a face after any more (inside a write transaction).

    Once nobody is named, no model stays either.
    """
    if store.value("SELECT 1 FROM label WHERE verb = 'is'") is None:
        drop(store)
        return
    store.run(
        "DELETE FROM guess WHERE person IN (SELECT w.id FROM person w WHERE EXISTS (SELECT 1 FROM guess g"
        " WHERE g.person = w.id) AND NOT EXISTS (SELECT 1 FROM label l WHERE l.person = w.id))"
    )


def drop(store: Store) -> None:
    """Drop the model, and with it all tags, which hang on it (inside a write transaction)."""
    store.run("DELETE FROM model")


def reassign_guesses(store: Store, other: int, person: int) -> None:
    """One person's tags are another's from now on (inside a write transaction)."""
    store.run("UPDATE guess SET person = ? WHERE person = ?", (person, other))


def best_guesses(store: Store) -> Iterator[tuple[int, int, float, bool]]:
    """The machine's judgement of each face that no human labelled: the face, the best person, how surely, and whether
    that is its tag. Where it is none, the person is that of the nearest named face."""
    for face, tag, sure, nearest in store.rows(
        "SELECT g.face, g.person, g.probability, n.person FROM guess g"
        " JOIN face f ON f.id = g.face LEFT JOIN label l ON l.face = f.subject"
        " LEFT JOIN face near ON near.id = json_extract(g.neighbours, '$[0][0]')"
        " LEFT JOIN label n ON n.face = near.subject WHERE l.face IS NULL"
    ):
        person = nearest if tag is None else tag
        if person is not None:
            yield face, person, sure, tag is not None
