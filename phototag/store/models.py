"""The trained classifier, as arrays, and its guess of each face."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.errors import DatabaseDamagedError
from phototag.remedies import Train
from phototag.store.connect import Store
from phototag.store.moments import now
from phototag.types import Guess, Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A linear classifier over one embedder's vectors: scores = vectors @ coef.T + intercept.

    `faces`: how many it was trained on. `radius`: of each person, the distance within which a face may be theirs; None:
    the embedder's threshold. `params`: how the model was trained, and its calibration.
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
        if any(store.value("SELECT forgotten FROM person WHERE id = :who", who=who) for who in model.people):
            return
        row = store.run(
            "INSERT INTO model (at, engine, faces, params) VALUES (:at, :engine, :faces, :params)",
            at=now(),
            engine=model.embedder,
            faces=model.faces,
            params=json.dumps(model.params, sort_keys=True),
        )
        radii = model.radius or [None] * len(model.people)
        store.run_many(
            "INSERT INTO model_class (model, person, coef, intercept, radius) VALUES (?, ?, ?, ?, ?)",
            [
                (row.lastrowid, person, np.ascontiguousarray(line, "<f4").tobytes(), float(offset), radius)
                for person, line, offset, radius in zip(model.people, model.coef, model.intercept, radii, strict=True)
            ],
        )
        store.run("DELETE FROM model WHERE id <> :model AND id NOT IN (SELECT model FROM guess)", model=row.lastrowid)


def latest(store: Store) -> StoredModel | None:
    """The model trained last, or None. Raises DatabaseDamagedError for arrays that can't be."""
    row = store.record(
        """
        SELECT m.id, m.at, m.engine, m.faces, m.params, e.dim
        FROM model m JOIN engine e ON e.id = m.engine
        ORDER BY m.id DESC LIMIT 1
        """
    )
    if row is None:
        return None
    classes = list(
        store.records(
            "SELECT person, coef, intercept, radius FROM model_class WHERE model = :model ORDER BY person",
            model=row["id"],
        )
    )
    damaged = DatabaseDamagedError(f"the trained model in {store.path} is damaged", Train(again=True))
    try:
        coef = np.stack([np.frombuffer(one["coef"], "<f4") for one in classes]).astype(np.float32)
        intercept = np.array([one["intercept"] for one in classes], np.float64)
        radius = tuple(None if one["radius"] is None else float(one["radius"]) for one in classes)
    except (TypeError, ValueError) as error:
        raise damaged from error
    if coef.shape != (len(classes), row["dim"]) or not np.isfinite(coef).all() or not np.isfinite(intercept).all():
        raise damaged
    return StoredModel(
        embedder=row["engine"],
        people=tuple(one["person"] for one in classes),
        faces=row["faces"],
        coef=coef,
        intercept=intercept,
        radius=radius,
        params=json.loads(row["params"]),
        id=row["id"],
        at=row["at"],
    )


def swap_guesses(store: Store, model: int, guesses: Sequence[Guess]) -> bool:
    """Replace all guesses in one transaction, unless there is a newer model; returns whether they were replaced."""
    with store.write():
        if store.value("SELECT max(id) FROM model") != model:
            return False
        store.run("DELETE FROM guess")
        store.run_many(  # another program may have dropped a face meanwhile
            """
            INSERT INTO guess (face, person, model, probability, distance, neighbours)
            SELECT :face, :person, :model, :probability, :distance, :neighbours
            WHERE EXISTS (SELECT 1 FROM face WHERE id = :face)
            """,
            (
                {
                    "face": guess.face_id,
                    "person": guess.person_id,
                    "model": model,
                    "probability": guess.probability,
                    "distance": guess.distance,
                    "neighbours": f"[{', '.join(f'[{face}, {round(away, 4)}]' for face, away in guess.neighbours)}]",
                }
                for guess in guesses
            ),
        )
        store.run("DELETE FROM model WHERE id < :model", model=model)
        return True


def tagged(store: Store) -> dict[int, int]:
    """Face → person of the tags that no decision overrules."""
    return dict(store.rows("SELECT face, person FROM identity WHERE source = 'machine'"))


def drop_stale_guesses(store: Store) -> None:
    """Drop guesses of people whom no label names any more (inside a write transaction).

    Once nobody is named, the model goes, too.
    """
    if store.value("SELECT 1 FROM label WHERE verb = 'is'") is None:
        drop(store)
        return
    store.run(
        """
        DELETE FROM guess
        WHERE person IN (
            SELECT p.id FROM person p
            WHERE EXISTS (SELECT 1 FROM guess g WHERE g.person = p.id)
              AND NOT EXISTS (SELECT 1 FROM label l WHERE l.person = p.id)
        )
        """
    )


def drop(store: Store) -> None:
    """Drop the model, and with it all guesses (inside a write transaction)."""
    store.run("DELETE FROM model")


def reassign_guesses(store: Store, other: int, person: int) -> None:
    """Guesses of one person (`other`) are another's from now on (inside a write transaction)."""
    store.run("UPDATE guess SET person = :person WHERE person = :other", person=person, other=other)


def best_guesses(store: Store) -> Iterator[tuple[int, int, float, bool]]:
    """Of each face without a label: the face, the most likely person, the probability, and whether that is its tag.

    Where it is none, the person is that of the nearest named face.
    """
    for face, tag, probability, nearest in store.rows(
        """
        SELECT g.face, g.person, g.probability, n.person
        FROM guess g
        JOIN face f ON f.id = g.face
        LEFT JOIN label l ON l.face = f.subject
        LEFT JOIN face near ON near.id = json_extract(g.neighbours, '$[0][0]')
        LEFT JOIN label n ON n.face = near.subject
        WHERE l.face IS NULL
        """
    ):
        person = nearest if tag is None else tag
        if person is not None:
            yield face, person, probability, tag is not None
