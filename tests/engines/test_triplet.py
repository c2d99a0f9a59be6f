"""The loss is its formula, a step learns, and a checkpoint goes on where it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from phototag.engines.embedders import openface_network, projection
from phototag.engines.formats.arrays import to_npz
from phototag.engines.training.triplet import Trainer, load, save, strip_prefix, triplet_loss
from phototag.errors import WeightsError
from phototag.learn.triplets import semi_hard_triplets, squared_distances
from phototag.types import Vectors


def unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def test_the_loss_is_the_formula() -> None:
    anchors = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    positives = np.array([[0.6, 0.8], [0, 1], [0, 1]], np.float32)
    negatives = np.array([[0.8, 0.6], [0, -1], [0.6, -0.8]], np.float32)
    # |a−p|² = 0.8, 0, 2 and |a−n|² = 0.4, 4, 0.8: 0.8 − 0.4 + 0.2, nothing, 2 − 0.8 + 0.2.
    assert float(triplet_loss(anchors, positives, negatives)) == pytest.approx(0.6 + 0 + 1.4, abs=1e-6)
    assert float(triplet_loss(anchors, positives, negatives, 0.0)) == pytest.approx(0.4 + 1.2, abs=1e-6)
    assert float(triplet_loss(anchors[:0], positives[:0], negatives[:0])) == 0


def test_where_no_triplet_teaches_nothing_changes() -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(6, 4)))
    trainer = Trainer(projection.network(vectors), margin=0.2, rate=0.1)
    step = trainer.step(vectors, lambda _: np.empty((0, 3), np.int64))
    assert (step.loss, step.triplets) == (0.0, 0)
    assert np.array_equal(trainer.weights()["projection/kernel"], np.eye(4))


@pytest.fixture(scope="module")
def crowd() -> tuple[Vectors, np.ndarray]:
    """Twenty people told apart by four numbers, among twelve that vary with the shot."""
    random = np.random.default_rng(3)
    people = np.repeat(np.arange(20), 6)
    own = np.concatenate([random.normal(size=(20, 4))[people], np.zeros((120, 12))], axis=1)
    shot = np.concatenate([np.zeros((120, 4)), random.normal(size=(120, 12))], axis=1)
    return unit(own + 1.0 * shot + 1.0), people


def learn(trainer: Trainer, vectors: Vectors, people: np.ndarray, steps: int) -> list[float]:
    def mine(seen: Vectors) -> np.ndarray:
        return semi_hard_triplets(squared_distances(seen), people, 0.2, np.random.default_rng(0))

    return [trainer.step(vectors, mine).loss for _ in range(steps)]


def test_a_projection_learns_what_tells_people_apart(crowd: tuple[Vectors, np.ndarray]) -> None:
    vectors, people = crowd
    seen = people < 14
    trainer = Trainer(projection.network(vectors[seen]), margin=0.2, rate=0.03)
    assert np.allclose(trainer.embed(vectors), vectors, atol=1e-6)  # at first it changes nothing
    learn(trainer, vectors[seen], people[seen], 40)

    def nearest_is_right(some: Vectors, whose: np.ndarray) -> float:
        apart = squared_distances(some) + 9 * np.eye(len(some))
        return float((whose[apart.argmin(axis=1)] == whose).mean())

    before = nearest_is_right(vectors[~seen], people[~seen])
    assert nearest_is_right(trainer.embed(vectors[~seen]), people[~seen]) > before + 0.1
    kernel = trainer.weights()["projection/kernel"]
    mean = vectors[seen].mean(axis=0)
    assert np.allclose(mean @ kernel, mean, atol=1e-4)  # what all share stays
    assert np.allclose(kernel @ mean, mean, atol=1e-4)


def test_the_tether_holds_the_matrix_near_the_identity(crowd: tuple[Vectors, np.ndarray]) -> None:
    vectors, people = crowd
    away = []
    for tether in (0.0, 100.0):
        trainer = Trainer(projection.network(vectors, tether), margin=0.2, rate=0.003)
        learn(trainer, vectors, people, 20)
        away.append(np.linalg.norm(trainer.weights()["projection/kernel"] - np.eye(16)))
    assert away[1] < away[0] / 3


def test_a_checkpoint_goes_on_as_if_nothing_had_been(crowd: tuple[Vectors, np.ndarray], tmp_path: Path) -> None:
    vectors, people = crowd
    whole = Trainer(projection.network(vectors), margin=0.2, rate=0.01)
    unbroken = learn(whole, vectors, people, 8)
    first = Trainer(projection.network(vectors), margin=0.2, rate=0.01)
    begun = learn(first, vectors, people, 5)
    save(tmp_path / "checkpoint.npz", first.state())
    second = Trainer(projection.network(vectors), margin=0.2, rate=0.01)
    second.resume(load(tmp_path / "checkpoint.npz"), "it")
    assert begun + learn(second, vectors, people, 3) == pytest.approx(unbroken, abs=1e-6)
    for name, array in whole.state().items():
        assert np.allclose(array, second.state()[name], atol=1e-6), name
    assert set(tmp_path.iterdir()) == {tmp_path / "checkpoint.npz"}


def test_another_checkpoint_is_refused(crowd: tuple[Vectors, np.ndarray], tmp_path: Path) -> None:
    vectors, _ = crowd
    trainer = Trainer(projection.network(vectors), margin=0.2, rate=0.01)
    state = trainer.state()
    with pytest.raises(WeightsError, match="must be 16×16"):
        trainer.resume({**state, "now/projection/kernel": np.eye(3, dtype=np.float32)}, "it")
    with pytest.raises(WeightsError, match="another training"):
        trainer.resume({name: array for name, array in state.items() if name != "adam/2"}, "it")
    (tmp_path / "checkpoint.npz").write_bytes(to_npz(state)[:-40])
    with pytest.raises(WeightsError, match="holds no arrays"):
        load(tmp_path / "checkpoint.npz")
    assert strip_prefix(
        "now", {"now/a/b": np.eye(2, dtype=np.float32), "best/a/b": np.eye(1, dtype=np.float32)}
    ).keys() == {"a/b"}


def test_nn4_small2_learns_from_a_handful_of_steps() -> None:
    """Two people that are two colours, in noise."""
    random = np.random.default_rng(4)
    people = np.repeat(np.arange(2), 2)
    colours = np.array([[200, 60, 60], [60, 60, 200]])[people]
    chips = np.clip(colours[:, None, None] + random.normal(0, 60, (4, 96, 96, 3)), 0, 255).astype(np.uint8)
    every = np.array([(0, 1, 2), (1, 0, 3), (2, 3, 0), (3, 2, 1)])
    trainer = Trainer(openface_network.network(), margin=0.2, rate=1e-3)
    before = trainer.weights()
    losses = [trainer.step(chips, lambda _: every).loss for _ in range(4)]
    assert losses[-1] < losses[0]
    moved = [name for name, array in trainer.weights().items() if not np.array_equal(array, before[name])]
    assert {"conv1/kernel", "dense_layer/kernel", "bn1/moving_mean"} <= set(moved)
    assert trainer.embed(chips).shape == (4, 128)


def test_chips_are_shown_as_0_to_1() -> None:
    chips = np.full((1, 16), 255, np.uint8)
    trainer = Trainer(projection.network(np.ones((1, 16), np.float32)), margin=0.2, rate=0.01)
    assert np.allclose(trainer.embed(chips), 0.25)
