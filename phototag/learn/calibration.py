"""How probable it is that a candidate is right, learnt from the labelled faces of this library.

The log odds are a linear function of a face's score and of its margin before the runner-up (Platt 1999), fitted on
labelled faces that were held out: once as faces of a known person, once as strangers. The share of strangers among
unlabelled faces is another one than among these; it is estimated from the candidates themselves (Saerens et al. 2002).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phototag.learn.arrays import Flags, Floats
from phototag.learn.candidates import Candidates, hold_out
from phototag.learn.gallery import Gallery, faces_required
from phototag.types import Thresholds

#: Held-out faces, of known people and of strangers each, and people, from which on the library's own curve is better.
ENOUGH, _PEOPLE = 30, 10
#: Ridge penalty that keeps the curve finite where right and wrong candidates don't overlap.
_PENALTY = 0.1
#: Weight, in faces, of the prior that half of the faces are strangers.
_PRIOR_FACES = 10.0
_FOLDS, _BINS = 5, 10
#: A probability is at least so far from 0 and 1.
_LEAST = 1e-6
#: The score of a random vector, for the runner-up of a face that has none.
_RANDOM_SCORE = -2.0


@dataclass(frozen=True, slots=True)
class Bin:
    """Held-out candidates of similar probability: how many, their mean probability, and the share that was right."""

    count: float
    probability: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Log odds = intercept + score_weight · s + margin_weight · (s − s₂); s, s₂: scores of candidate and runner-up.

    Fitted on `sample_size` held-out candidates, of which a share `known` was right; 0 for the embedder's curve, which
    depends only on the number of `people`. `reliability`: what the curve said and what was true, cross-validated.
    """

    intercept: float = 0.0
    score_weight: float = 0.0
    margin_weight: float = 0.0
    known: float = 0.5
    sample_size: int = 0
    people: int = 1
    reliability: tuple[Bin, ...] = ()

    def params(self) -> dict[str, Any]:
        """The curve as JSON, under the names that stored models have had since the first version."""
        return {
            "intercept": self.intercept,
            "fit": self.score_weight,
            "lead": self.margin_weight,
            "known": self.known,
            "learnt_from": self.sample_size,
            "people": self.people,
            "reliability": [
                {"claims": one.count, "probability": one.probability, "right": one.accuracy} for one in self.reliability
            ],
        }

    @staticmethod
    def from_params(params: Mapping[str, Any]) -> Calibration:
        """The curve that `params` wrote."""
        return Calibration(
            params["intercept"],
            params["fit"],
            params["lead"],
            params["known"],
            params["learnt_from"],
            params["people"],
            tuple(Bin(one["claims"], one["probability"], one["right"]) for one in params["reliability"]),
        )


def calibrate(gallery: Gallery, impostors: Candidates | None = None) -> Calibration:
    """Fit the curve of this library; with too few faces to hold out, return the embedder's own.

    `impostors`: candidates that are known to be wrong, such as somebody who is in the photo already. They serve as
    additional strangers.
    """
    embedders = Calibration(people=len(gallery.people))
    if len(gallery.people) < _PEOPLE:
        return embedders
    as_known, owner, as_stranger = hold_out(gallery)
    several = gallery.counts[owner] > 1
    as_known, right = as_known[several], (as_known.person == owner)[several]
    wrong = [as_stranger] if impostors is None else [as_stranger, impostors]
    truth = np.concatenate([right, np.zeros(sum(len(part.score) for part in wrong), np.bool_)])
    features = np.concatenate([_features(part) for part in (as_known, *wrong)])
    there = np.concatenate([part.person >= 0 for part in (as_known, *wrong)])
    features, truth = features[there], truth[there]
    order = np.lexsort((truth, *features.T))  # people are numbered as they were named, which must not matter
    features, truth = features[order], truth[order]
    if truth.sum() < ENOUGH or (~truth).sum() < ENOUGH:
        return embedders
    weights = _fit_logistic(features, truth)
    reliability = _cross_validated_reliability(features, truth)
    return Calibration(*weights, float(truth.mean()), len(truth), len(gallery.people), reliability)


def probabilities(
    candidates: Candidates, curve: Calibration, thresholds: Thresholds, known: float | None = None
) -> Floats:
    """(n,) probability that each candidate is right; 0 where there is none.

    `known`: the share of the faces that are of known people; by default it is estimated from the candidates.
    """
    odds = _log_odds(candidates, curve, thresholds)
    if known is None:
        known = estimate_known_share(odds, curve.known) if curve.sample_size else curve.known
    return np.where(candidates.person >= 0, _sigmoid(odds + _logit(known) - _logit(curve.known)), 0.0)


def estimate_known_share(odds: Floats, before: float) -> float:
    """The share of right candidates, by expectation maximisation: the share that equals the mean probability under it.

    `odds` (n,): log odds, fitted where the share was `before`.
    """
    share = 0.5
    for _ in range(200):
        expected = _sigmoid(odds + _logit(share) - _logit(before)).sum()
        mean = float((expected + _PRIOR_FACES / 2) / (len(odds) + _PRIOR_FACES))
        if abs(mean - share) < 1e-6:
            break
        share = mean
    return share


def supported(candidates: Candidates, gallery: Gallery) -> Flags:
    """(n,) whether enough of the candidate's labelled faces lie within their radius."""
    required = faces_required(gallery.counts)[candidates.person]
    return (candidates.person >= 0) & (candidates.within_radius >= required)


def gate(probability: Floats, precision: float) -> float:
    """The least probability from which candidates can be accepted so that the expected precision is `precision`.

    `probability`: of all candidates that may be accepted. Returns 2, above any probability, if there is no such gate.
    """
    falling = np.sort(probability)[::-1]
    expected = np.cumsum(falling) / np.arange(1, len(falling) + 1)
    good = np.flatnonzero(expected >= precision)
    return float(falling[good[-1]]) if len(good) else 2.0


def reliability_bins(probability: Floats, truth: Flags, bins: int = _BINS) -> tuple[Bin, ...]:
    """A reliability diagram: candidates by probability in bins of equal width, without empty ones."""
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    return tuple(
        Bin(int(own.sum()), float(probability[own].mean()), float(truth[own].mean()))
        for own in (place == number for number in range(bins))
        if own.any()
    )


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Mean over candidates of |probability − accuracy| of their bin (Naeini et al. 2015)."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.probability - one.accuracy) for one in bins) / total if total else 0.0


def _features(candidates: Candidates) -> Floats:
    """(n, 2) score, and margin before the runner-up."""
    runner_up = np.maximum(candidates.runner_up_score, _RANDOM_SCORE)
    return np.stack([candidates.score, candidates.score - runner_up], axis=1)


def _log_odds(candidates: Candidates, curve: Calibration, thresholds: Thresholds) -> Floats:
    """(n,) log odds that each candidate is right, by the library's curve, or else by the embedder's.

    The embedder's, with L(d) = slope·(d − midpoint), RMS distances d₁ of the candidate and d₂ of the runner-up, and k
    people: −L(d₁) − log(1 + e^(−L(d₂))) − log k. That is the candidate against the runner-up and against a stranger,
    who looks like any of k people k times as often as like one of them.
    """
    if curve.sample_size:
        return np.asarray(curve.intercept + _features(candidates) @ np.array([curve.score_weight, curve.margin_weight]))
    distances = np.stack([candidates.rms_distance, candidates.runner_up_rms_distance])
    first, second = thresholds.slope * (distances - thresholds.midpoint)
    return np.asarray(-first - np.logaddexp(0, -second) - np.log(max(curve.people, 1)))


def _fit_logistic(features: Floats, truth: Flags) -> tuple[float, float, float]:
    """Intercept and two weights of a ridge logistic regression on standardised features, by Newton's method."""
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    points = np.column_stack([np.ones(len(features)), (features - mean) / scale])
    penalty = np.diag([1e-6, *[_PENALTY] * features.shape[1]])
    weights = np.zeros(points.shape[1])
    for _ in range(50):
        predicted = _sigmoid(points @ weights)
        gradient = points.T @ (predicted - truth) + penalty @ weights
        hessian = (points * (predicted * (1 - predicted))[:, None]).T @ points + penalty
        step = np.linalg.solve(hessian, gradient)
        weights -= np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    score, margin = weights[1:] / scale
    return float(weights[0] - np.array([score, margin]) @ mean), float(score), float(margin)


def _cross_validated_reliability(features: Floats, truth: Flags) -> tuple[Bin, ...]:
    """What curves fitted to four fifths of the candidates said of the others; nothing where a fold has one class."""
    fold = np.random.default_rng(0).integers(_FOLDS, size=len(truth))
    predicted = np.zeros(len(truth))
    for number in range(_FOLDS):
        rest = fold != number
        if truth[rest].all() or not truth[rest].any():
            return ()
        intercept, *weights = _fit_logistic(features[rest], truth[rest])
        predicted[~rest] = _sigmoid(intercept + features[~rest] @ np.array(weights))
    return reliability_bins(predicted, truth)


def _sigmoid(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))


def _logit(share: float) -> float:
    share = min(max(share, _LEAST), 1 - _LEAST)
    return float(np.log(share / (1 - share)))
