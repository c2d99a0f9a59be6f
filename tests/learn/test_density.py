"""HDBSCAN over a graph against hdbscan's own."""

from __future__ import annotations

import numpy as np
import pytest
from hdbscan import HDBSCAN
from sklearn.metrics import adjusted_rand_score

from phototag.learn import density
from phototag.learn.density import NEIGHBOURS, hdbscan_clusters
from phototag.learn.neighbours import neighbour_graph
from phototag.types import Vectors
from tests.support.simulated_people import centres, faces


def library(sizes: list[int], apart: float | None = None, seed: int = 0) -> Vectors:
    people = centres(len(sizes), seed=seed, apart=apart)
    spreads = np.random.default_rng(seed).uniform(0.2, 0.4, len(sizes))
    vectors = np.concatenate([faces(people[i], size, i, spreads[i]) for i, size in enumerate(sizes)])
    return vectors[np.random.default_rng(seed).permutation(len(vectors))]


def agreement(vectors: Vectors) -> float:
    """Adjusted Rand index, noise as groups of one."""
    theirs = HDBSCAN(min_cluster_size=2, min_samples=2, core_dist_n_jobs=1).fit_predict(vectors.astype(np.float64))
    ours = hdbscan_clusters(vectors, neighbour_graph(vectors, NEIGHBOURS)[0])
    assert set(ours.tolist()) - {-1} == set(range(int(ours.max(initial=-1)) + 1))
    return float(adjusted_rand_score(*(np.where(x < 0, -1 - np.arange(len(x)), x) for x in (theirs, ours))))


@pytest.mark.parametrize("apart", [None, 0.7])
def test_the_clusters_are_hdbscans(apart: float | None) -> None:
    random = np.random.default_rng(1)
    assert agreement(library([1] * 150 + (1 + random.geometric(0.2, 60)).tolist(), apart)) > 0.99


def test_groups_that_the_graph_holds_apart_are_linked() -> None:
    sizes = [60, 45, 150, 80, 3, 2, 1, 1, 40]
    assert min(sizes[:4]) > NEIGHBOURS
    assert agreement(library(sizes)) > 0.99


def test_few_scouts_find_the_same_people(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = library([60, 45, 150, 80])
    rows, _ = neighbour_graph(vectors, NEIGHBOURS)
    whole = hdbscan_clusters(vectors, rows)
    monkeypatch.setattr(density, "_SCOUTS", 4)
    monkeypatch.setattr(density, "_BLOCK", 64)
    assert adjusted_rand_score(whole, hdbscan_clusters(vectors, rows)) > 0.8


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_are_noise(count: int) -> None:
    vectors = faces(centres(1)[0], count)
    assert hdbscan_clusters(vectors, neighbour_graph(vectors, NEIGHBOURS)[0]).tolist() == [-1] * count


def test_exact_duplicates() -> None:
    vectors = np.repeat(centres(3), 50, axis=0)
    labels = hdbscan_clusters(vectors, neighbour_graph(vectors, NEIGHBOURS)[0])
    for start in (0, 50, 100):
        assert len(set(labels[start : start + 50].tolist())) <= 2  # one person, and perhaps noise beside
    assert not set(labels[:50].tolist()) & set(labels[50:100].tolist()) - {-1}
