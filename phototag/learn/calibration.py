"""How sure to be of a claim, learnt from the labelled faces of this library, and where to draw the line.

The odds that a claim is right are a logistic function of how well a face fits the person and how well the next one
(Platt 1999), fitted on labelled faces that were held out: as faces of a known person, and as strangers. How many of the
faces in question are strangers is another matter than among the labelled ones: it is estimated from the claims
themselves (Saerens et al. 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phototag.learn.claims import Claims, Gallery, held_out, needed
from phototag.types import Thresholds

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: Held-out faces, of known people and of strangers each, and people, from which on the library's own curve is better.
ENOUGH, _PEOPLE = 30, 10
#: A penalty that keeps a curve finite where right and wrong claims don't overlap.
_PENALTY = 0.1
#: Faces as many as which the estimate of strangers has in mind before it sees any, half of them strangers.
_BEFORE = 10.0
_FOLDS, _BINS = 5, 10
#: A probability is at least so far from 0 and 1.
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Bin:
    """Held-out claims of about the same probability: how many, its mean, and the share of them that was right."""

    claims: float
    probability: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Log odds = intercept + fit · f + lead · (f − second's f), where a share `known` of claims can be right.

    `learnt_from`: held-out claims, 0 for the embedder's own curve, to which only the number of `people` matters.
    `reliability`: what the curve said of claims that it had not seen, and what was true.
    """

    intercept: float = 0.0
    fit: float = 0.0
    lead: float = 0.0
    known: float = 0.5
    learnt_from: int = 0
    people: int = 1
    reliability: tuple[Bin, ...] = ()


def calibrate(known: Gallery, beside: Claims | None = None) -> Calibration:
    """The curve of this library, or the embedder's where too few faces could be held out.

    `beside`: claims that are known to be wrong (what is claimed, of people who are in a photo already, of the faces
    beside them): strangers for free.
    """
    own = Calibration(people=len(known.people))
    if len(known.people) < _PEOPLE:
        return own
    as_known, owner, as_stranger = held_out(known)
    several = known.counts[owner] > 1
    as_known, right = as_known[several], (as_known.person == owner)[several]
    parts = [as_known, as_stranger] if beside is None else [as_known, as_stranger, beside]
    truth = np.concatenate([right, np.zeros(sum(len(part.fit) for part in parts[1:]), np.bool_)])
    features = np.concatenate([_features(part) for part in parts])
    there = np.concatenate([part.person >= 0 for part in parts])
    features, truth = features[there], truth[there]
    order = np.lexsort((truth, *features.T))  # people are numbered as they were named, which means nothing
    features, truth = features[order], truth[order]
    if truth.sum() < ENOUGH or (~truth).sum() < ENOUGH:
        return own
    intercept, fit, lead = _logistic(features, truth)
    return Calibration(
        intercept, fit, lead, float(truth.mean()), len(truth), len(known.people), _reliability(features, truth)
    )


def probabilities(found: Claims, curve: Calibration, thresholds: Thresholds, share: float | None = None) -> Values:
    """(n,) how likely each claim is right, if a `share` of the faces are of known people; by default as these look."""
    odds = _log_odds(found, curve, thresholds)
    if share is None:
        share = known_share(odds, curve.known) if curve.learnt_from else curve.known
    return np.where(found.person >= 0, _sigmoid(odds + _logit(share) - _logit(curve.known)), 0.0)


def known_share(odds: Values, before: float) -> float:
    """The share of right claims that makes the mean probability equal to it (by expectation and maximisation)."""
    share = 0.5
    for _ in range(200):
        mean = float((_sigmoid(odds + _logit(share) - _logit(before)).sum() + _BEFORE / 2) / (len(odds) + _BEFORE))
        if abs(mean - share) < 1e-6:
            break
        share = mean
    return share


def supported(found: Claims, known: Gallery) -> Flags:
    """(n,) whether enough of the person's labelled faces are within their reach."""
    return (found.person >= 0) & (found.within >= needed(known.counts)[found.person])


def bar(sure: Values, precision: float) -> float:
    """The least probability at which claims can be accepted so that a share `precision` of them should be right.

    `sure`: of all claims that may be accepted. Above 1 if there is no such probability.
    """
    falling = np.sort(sure)[::-1]
    expected = np.cumsum(falling) / np.arange(1, len(falling) + 1)
    good = np.flatnonzero(expected >= precision)
    return float(falling[good[-1]]) if len(good) else 2.0


def binned(sure: Values, truth: Flags, bins: int = _BINS) -> tuple[Bin, ...]:
    """Claims by probability, in bins of equal width; empty ones left out."""
    place = np.minimum((sure * bins).astype(np.int64), bins - 1)
    return tuple(
        Bin(int(own.sum()), float(sure[own].mean()), float(truth[own].mean()))
        for own in (place == number for number in range(bins))
        if own.any()
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: how far apart what was said and what was true are, in the mean over claims."""
    total = sum(one.claims for one in bins)
    return sum(one.claims * abs(one.probability - one.right) for one in bins) / total if total else 0.0


def _features(found: Claims) -> Values:
    second = np.maximum(found.second, -2.0)  # nobody else: as far as a random vector
    return np.stack([found.fit, found.fit - second], axis=1)


def _log_odds(found: Claims, curve: Calibration, thresholds: Thresholds) -> Values:
    if curve.learnt_from:
        return np.asarray(curve.intercept + _features(found) @ np.array([curve.fit, curve.lead]))
    away = thresholds.slope * (np.stack([found.loose, found.rival]) - thresholds.midpoint)
    # Against the second person and a stranger, who comes as near to one of so many people as often as there are people.
    return np.asarray(-away[0] - np.logaddexp(0, -away[1]) - np.log(max(curve.people, 1)))


def _logistic(features: Values, truth: Flags) -> tuple[float, float, float]:
    """Intercept and weights, by Newton's method with a small penalty on standardised weights."""
    middle, size = features.mean(axis=0), features.std(axis=0) + 1e-9
    points = np.column_stack([np.ones(len(features)), (features - middle) / size])
    penalty = np.diag([1e-6, *[_PENALTY] * features.shape[1]])
    weights = np.zeros(points.shape[1])
    for _ in range(50):
        sure = _sigmoid(points @ weights)
        slope = points.T @ (sure - truth) + penalty @ weights
        curve = (points * (sure * (1 - sure))[:, None]).T @ points + penalty
        step = np.linalg.solve(curve, slope)
        weights -= np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    fit, lead = weights[1:] / size
    return float(weights[0] - np.array([fit, lead]) @ middle), float(fit), float(lead)


def _reliability(features: Values, truth: Flags) -> tuple[Bin, ...]:
    """What curves fitted to four fifths of the claims said of the others."""
    fold = np.random.default_rng(0).integers(_FOLDS, size=len(truth))
    sure = np.zeros(len(truth))
    for number in range(_FOLDS):
        rest = fold != number
        if truth[rest].all() or not truth[rest].any():
            return ()
        intercept, *weights = _logistic(features[rest], truth[rest])
        sure[~rest] = _sigmoid(intercept + features[~rest] @ np.array(weights))
    return binned(sure, truth)


def _sigmoid(odds: Values) -> Values:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))


def _logit(share: float) -> float:
    share = min(max(share, _LEAST), 1 - _LEAST)
    return float(np.log(share / (1 - share)))
