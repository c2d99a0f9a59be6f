"""Probabilities that mean what they say, and the gate for a wanted precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from phototag.learn.calibration import (
    Bin,
    Calibration,
    calibrate,
    expected_calibration_error,
    gate,
    probabilities,
    reliability_bins,
    supported,
)
from phototag.learn.candidates import best_candidates
from phototag.learn.gallery import build_gallery
from phototag.learn.linear_svm import train_svm
from phototag.types import Vectors
from tests.support.simulated_people import THRESHOLDS, faces_of_people


def trial(people: int, each: int, seed: int, share: float = 0.5) -> tuple[Vectors, np.ndarray, Vectors, np.ndarray]:
    """Labelled faces and people, and faces to tag of which a share is of these people; −1: a stranger."""
    shown = 12
    vectors, who = faces_of_people([each + shown] * people + [1] * round(people * shown * (1 - share) / share), seed)
    place = np.arange(people * (each + shown)) % (each + shown)
    learn = np.flatnonzero(place < each)
    rest = np.setdiff1d(np.arange(len(who)), learn)
    return vectors[learn], who[learn], vectors[rest], np.where(who[rest] < people, who[rest], -1)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("each", [3, 6])
def test_probabilities_are_calibrated_however_many_strangers_there_are(share: float, each: int) -> None:
    labelled, people, vectors, who = trial(60, each, seed=1, share=share)
    known = build_gallery(labelled, people.tolist(), THRESHOLDS, np.concatenate([vectors, labelled]))
    curve = calibrate(known)
    assert curve.sample_size > 100
    found = best_candidates(vectors, known, train_svm(labelled, people.tolist()))
    sure = probabilities(found, curve, THRESHOLDS)
    right = known.people[found.person] == who
    assert expected_calibration_error(reliability_bins(sure, right)) < 0.04
    assert expected_calibration_error(curve.reliability) < 0.05
    assert abs(sure.mean() - right.mean()) < 0.03
    for precision in (0.9, 0.97):
        accepted = sure >= gate(sure, precision)
        assert right[accepted].mean() > precision - 0.03
        assert sure[accepted].mean() >= precision


def test_few_labels_leave_it_to_the_embedder() -> None:
    labelled, people, vectors, _ = trial(5, 3, seed=2)
    known = build_gallery(labelled, people.tolist(), THRESHOLDS, labelled)
    curve = calibrate(known)
    assert curve == Calibration(people=5)
    sure = probabilities(best_candidates(vectors, known, None), curve, THRESHOLDS)
    assert ((sure >= 0) & (sure <= 1)).all()
    one_each = build_gallery(*_one_each(30), THRESHOLDS, labelled)
    assert calibrate(one_each).sample_size == 0  # nothing can be held out of a single face
    assert calibrate(build_gallery(labelled[:0], [], THRESHOLDS, labelled)).sample_size == 0


def _one_each(people: int) -> tuple[Vectors, list[int]]:
    vectors, who = faces_of_people([1] * people, seed=3)
    return vectors, who.tolist()


def test_the_embedders_curve_gives_even_odds_at_its_midpoint() -> None:
    labelled = np.zeros((2, 128), np.float32)
    labelled[0, 0] = labelled[1, 1] = 1
    turn = np.arccos(1 - THRESHOLDS.midpoint**2 / 2)
    query = np.zeros((1, 128), np.float32)
    query[0, 0], query[0, 2] = np.cos(turn), np.sin(turn)
    for people, expected in ((1, 0.5), (2, 1 / 3)):  # one of two people looks like a stranger twice as often
        known = build_gallery(labelled[:people], list(range(people)), THRESHOLDS, labelled)
        [sure] = probabilities(best_candidates(query, known, None), calibrate(known), THRESHOLDS)
        assert sure == pytest.approx(expected, abs=0.01)


def test_faces_known_not_to_be_somebody_are_strangers_for_free() -> None:
    labelled, people, _, _ = trial(20, 5, seed=4)
    known = build_gallery(labelled, people.tolist(), THRESHOLDS, labelled)
    like = best_candidates(labelled[::2], known, None)  # as near as can be, and yet said not to be them
    plain, warned = calibrate(known), calibrate(known, like)
    found = best_candidates(labelled, known, None)
    assert warned.sample_size == plain.sample_size + 50
    assert probabilities(found, warned, THRESHOLDS, 0.5).mean() < probabilities(found, plain, THRESHOLDS, 0.5).mean()


def test_nobody_is_sure_of_whom_everybody_is_ruled_out_for() -> None:
    labelled, people, _, _ = trial(12, 5, seed=5)
    known = build_gallery(labelled, people.tolist(), THRESHOLDS, labelled)
    found = best_candidates(labelled[:2], known, None, {0: set(range(12))})
    sure = probabilities(found, calibrate(known), THRESHOLDS)
    assert sure[0] == 0
    assert not supported(found, known)[0]
    assert sure[1] > 0.9
    assert supported(found, known)[1]


def test_the_gate_is_the_lowest_that_keeps_the_precision() -> None:
    sure = np.array([0.2, 0.99, 0.97, 0.9, 0.6])
    assert gate(sure, 0.98) == 0.97
    assert gate(sure, 0.95) == 0.9
    assert gate(sure, 0.5) == 0.2
    assert gate(sure, 0.995) > 1
    assert gate(sure[:0], 0.9) > 1


def test_bins_and_their_error() -> None:
    bins = reliability_bins(np.array([0.05, 0.95, 0.95, 1.0]), np.array([False, True, True, False]))
    near: tuple[Any, Any] = (pytest.approx(0.9667, abs=1e-3), pytest.approx(0.6667, abs=1e-3))
    assert bins == (Bin(1, 0.05, 0.0), Bin(3, *near))
    assert expected_calibration_error(bins) == pytest.approx((0.05 + 0.9) / 4)
    assert expected_calibration_error(()) == 0
