"""The classic rules of identification."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.learn.identification import identify_by_vote
from phototag.types import Thresholds, Vectors

LIMITS = Thresholds(same=0.7, split=0.5, join=0.5, midpoint=0.7, slope=20)


def turned(*degrees: float) -> Vectors:
    """Unit vectors in a plane: two that are a few degrees apart are near."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_nearest_face_says_who_it_is() -> None:
    [answer] = identify_by_vote(turned(10), turned(0, 40, 100), [7, 7, 9], LIMITS)
    assert (answer.person, answer.accepted) == (7, True)
    assert answer.distance == pytest.approx(2 * np.sin(np.radians(5)), abs=1e-5)
    assert [row for row, _ in answer.evidence] == [0, 1]  # that person's, nearest first
    assert answer.evidence[1][1] == pytest.approx(2 * np.sin(np.radians(15)), abs=1e-5)
    assert answer.probability > 0.99


def test_beyond_the_threshold_nobody_is_accepted() -> None:
    [answer] = identify_by_vote(turned(60), turned(0, 140), [7, 9], LIMITS)
    assert (answer.person, answer.accepted) == (7, False)
    assert answer.probability < 0.1


def test_neighbours_outvote_the_nearest_face() -> None:
    labelled, labels = turned(12, 20, -2, -3, 200), [7, 9, 9, 9, 9]
    assert identify_by_vote(turned(10), labelled, labels, LIMITS)[0].person == 7
    [answer] = identify_by_vote(turned(10), labelled, labels, LIMITS, neighbours=3)
    assert answer.person == 9
    assert [row for row, _ in answer.evidence] == [1, 2, 3]


def test_only_neighbours_within_the_threshold_vote() -> None:
    labelled, labels = turned(12, 80, 81, 82), [7, 9, 9, 9]
    assert identify_by_vote(turned(10), labelled, labels, LIMITS, neighbours=4)[0].person == 7


def test_of_equal_votes_the_nearest_counts() -> None:
    for labels in ([7, 9], [9, 7]):
        assert identify_by_vote(turned(10), turned(12, 5), labels, LIMITS, neighbours=2)[0].person == labels[0]


def test_one_person_is_enough() -> None:
    answers = identify_by_vote(turned(1, 90), turned(0), [7], LIMITS, neighbours=5)
    assert [answer.accepted for answer in answers] == [True, False]


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, labelled = turned(*range(0, 360, 9)), turned(*range(0, 300, 13))
    labels = [number % 5 for number in range(len(labelled))]
    whole = identify_by_vote(vectors, labelled, labels, LIMITS)
    monkeypatch.setattr("phototag.learn.identification._BLOCK", 7)
    assert identify_by_vote(vectors, labelled, labels, LIMITS) == whole
