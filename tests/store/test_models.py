"""Engines and the trained model."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.errors import DatabaseDamagedError
from phototag.remedies import Train
from phototag.store import engines, models, people
from phototag.store.connect import Store, open_store
from phototag.store.models import Model
from phototag.types import EngineInfo, Guess, Thresholds
from tests.support.databases import EMBEDDER, THRESHOLDS, add_face, unit


@pytest.fixture
def everybody(store: Store) -> list[int]:
    engines.register(store, EMBEDDER)
    with store.write():
        return [people.ensure(store, name).id for name in ("Ada", "Ben", "Cy")]


COEF = np.random.default_rng(1).normal(size=(3, 8)).astype(np.float32)
INTERCEPT = np.array([0.1, -1e-17, 1e9])


def test_a_model_round_trips_exactly(store: Store, everybody: list[int]) -> None:
    assert models.latest(store) is None
    models.swap(store, Model(1, tuple(everybody), 12, COEF, INTERCEPT, (), {"C": 1.0}))
    model = models.latest(store)
    assert model
    assert (model.embedder, model.people, model.faces) == (1, tuple(everybody), 12)
    assert np.array_equal(model.coef, COEF)
    assert np.array_equal(model.intercept, INTERCEPT)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE model_class SET coef = zeroblob(31) WHERE person = 2",
        "UPDATE model_class SET coef = zeroblob(36) WHERE person = 2",
        "UPDATE model_class SET coef = 'some text of 32 characters, alas' WHERE person = 2",
        "UPDATE model_class SET coef = X'0000C07F0000C07F0000C07F0000C07F0000C07F0000C07F0000C07F0000C07F'",
        "UPDATE model_class SET intercept = 9e999 WHERE person = 1",
        "UPDATE model_class SET intercept = 'x' WHERE person = 1",
        "DELETE FROM model_class",
    ],
)
def test_a_damaged_model_is_said_so(store: Store, everybody: list[int], damage: str) -> None:
    models.swap(store, Model(1, tuple(everybody), 12, COEF, INTERCEPT, (), {}))
    with store.write():
        store.run(damage)
    with pytest.raises(DatabaseDamagedError, match="the trained model in") as caught:
        models.latest(store)
    assert caught.value.remedy == Train(again=True)
    models.swap(store, Model(1, tuple(everybody), 12, COEF, INTERCEPT, (), {}))  # which helps
    assert models.latest(store)


def test_a_new_model_leaves_guesses_until_they_are_made_anew(store: Store, everybody: list[int]) -> None:
    face = add_face(store, b"a.jpg", unit(1))
    models.swap(store, Model(1, tuple(everybody), 12, COEF, INTERCEPT, (), {}))
    first = models.latest(store)
    assert first
    models.swap_guesses(store, first.id, [Guess(face, everybody[0], 0.5, 0.3, ((face, 0.12345),))])
    models.swap(store, Model(1, tuple(everybody), 13, COEF, INTERCEPT, (), {}))
    assert list(store.rows("SELECT face, model, neighbours FROM guess")) == [(face, first.id, f"[[{face}, 0.1235]]")]
    second = models.latest(store)
    assert second
    assert second.faces == 13
    models.swap_guesses(store, second.id, [])
    assert store.value("SELECT count(*) FROM guess") == 0
    assert store.value("SELECT count(*) FROM model") == 1


def test_guesses_are_swapped_whole_or_not_at_all(store: Store, everybody: list[int]) -> None:
    face, _ = add_face(store, b"a.jpg", unit(1)), add_face(store, b"b.jpg", unit(1))
    models.swap(store, Model(1, tuple(everybody), 12, COEF, INTERCEPT, (), {}))
    model = models.latest(store)
    assert model
    models.swap_guesses(store, model.id, [Guess(face, 1, 0.5, 0.3), Guess(999, 1, 0.5, 0.3)])  # a face that is gone
    with pytest.raises(Exception, match="FOREIGN KEY"):
        models.swap_guesses(store, model.id, [Guess(face, 2, 0.5, 0.3), Guess(face + 1, 999, 0.5, 0.3)])
    assert list(store.rows("SELECT face, person FROM guess")) == [(face, 1)]


def test_an_engine_is_known_by_all_that_changes_its_output(store: Store) -> None:
    first = engines.register(store, EMBEDDER)
    assert engines.register(store, EMBEDDER) == first
    others = [
        EngineInfo("embedder", "colours", "0" * 64, dim=8, thresholds=THRESHOLDS),
        EngineInfo("embedder", "tastes", "e" * 64, dim=8, thresholds=THRESHOLDS),
        EngineInfo("embedder", "colours", "e" * 64, (("mirror", "yes"),), dim=8, thresholds=THRESHOLDS),
        EngineInfo("detector", "colours", "e" * 64),
    ]
    ids = [engines.register(store, info) for info in others]
    assert len({first, *ids}) == 5
    assert engines.current(store, "embedder") == (ids[2], "colours")
    assert engines.current(store, "detector") == (ids[3], "colours")
    assert engines.register(store, EMBEDDER) == first
    assert engines.current(store, "embedder") == (first, "colours")


def test_new_thresholds_of_an_engine_are_taken_over(store: Store) -> None:
    engine = engines.register(store, EMBEDDER)
    assert engines.thresholds(store, engine) == THRESHOLDS
    newer = Thresholds(0.1, 0.2, 0.3, 0.4, 5.0)
    again = EngineInfo("embedder", "colours", "e" * 64, dim=8, alignment="cut", thresholds=newer)
    with open_store(store.path) as other:
        assert engines.register(other, again) == engine
    assert engines.thresholds(store, engine) == newer
