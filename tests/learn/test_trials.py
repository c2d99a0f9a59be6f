"""Trials of identification, on faces whose truth is made."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.learn.trials import identification_rate, k_fold, odd_even, open_set
from phototag.learn.tsne import tsne_positions
from tests.support.simulated_people import THRESHOLDS, centres, faces


def people(*sizes: int, spread: float = 0.27) -> tuple[np.ndarray, list[str]]:
    """So many faces of each of several people, one person after the other."""
    middles = centres(len(sizes))
    vectors = [
        faces(middle, size, number, spread) for number, (middle, size) in enumerate(zip(middles, sizes, strict=True))
    ]
    names = [f"person {number}" for number, size in enumerate(sizes) for _ in range(size)]
    return np.concatenate(vectors), names


def test_everybody_is_recognised_who_is_easy() -> None:
    vectors, names = people(6, 5, 4, 2, 1)
    for accuracy in (odd_even(vectors, names), k_fold(vectors, names)):
        assert accuracy is not None
        assert (accuracy.svm, accuracy.knn, accuracy.people) == (1, 1, 4)  # who has one photo can't be learnt and asked
    assert odd_even(vectors, names).faces == 3 + 3 + 2 + 1  # photos 0, 2, 4 …
    assert k_fold(vectors, names).faces == 17


def test_a_wrong_label_costs_what_it_costs() -> None:
    vectors, names = people(6, 6, 6)
    names[0] = "person 1"  # an even photo of its new person's: asked about, and never right
    found = odd_even(vectors, names)
    assert found is not None and found.knn == pytest.approx(1 - 1 / found.faces)


def test_too_few_for_a_trial() -> None:
    vectors, names = people(3, 1)
    assert odd_even(vectors, names) is None and k_fold(vectors, names) is None
    assert open_set(vectors, names, THRESHOLDS) is None
    assert open_set(*people(4, 4), THRESHOLDS, held_out=0) is None  # no stranger


def test_known_people_among_strangers() -> None:
    vectors, names = people(*[6] * 12, *[1] * 40)
    found = open_set(vectors, names, THRESHOLDS, held_out=0.5)
    assert found is not None
    assert (found.known, found.probes, found.strangers) == (6, 18, 36 + 40)
    assert found.gated == found.knn == 1
    assert open_set(vectors, names, THRESHOLDS, held_out=0.5) == found
    few = open_set(vectors, names, THRESHOLDS, held_out=0.75)
    assert few is not None and (few.known, few.strangers) == (3, 54 + 40)


def test_a_score_counts_that_few_strangers_reach() -> None:
    owner = np.array([1, 1, 1, 2, 9, 9, 9, 9])
    stranger = owner == 9
    predicted = np.array([1, 1, 2, 2, 1, 1, 2, 2])
    scores = np.array([0.9, 0.5, 0.9, 0.3, 0.6, 0.2, 0.1, 0.1])
    assert identification_rate(scores, predicted, owner, stranger, 0.0) == 1 / 4  # above 0.6 and right: the first alone
    assert (
        identification_rate(scores, predicted, owner, stranger, 0.25) == 3 / 4
    )  # one stranger of four may score higher than 0.2
    assert identification_rate(scores, predicted, owner, stranger, 1.0) == 3 / 4


def test_like_lies_beside_like() -> None:
    vectors, names = people(15, 15)
    places = tsne_positions(vectors)
    assert places.shape == (30, 2)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + np.diag(np.full(30, np.inf))
    assert [names[row] for row in apart.argmin(axis=1)] == names
    assert (tsne_positions(vectors) == places).all()
    assert (tsne_positions(vectors[:3]) == 0).all()
