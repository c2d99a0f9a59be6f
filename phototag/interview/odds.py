"""The probability that faces are one person's, by the embedder's own curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.types import Thresholds

Values = npt.NDArray[np.float64]

#: Prior log odds, before the distance is looked at, that a face found near others is a stranger. In lfw-dev's groups,
#: one in 78 members at an RMS distance of .30 to .31 from the others is somebody else, and one in four beyond .35.
STRANGER_LOG_ODDS = 3.5
#: Additional log odds that two people to whom a human gave two names are different people.
TWO_NAMES_LOG_ODDS = 4.0


def log_odds(similar: npt.NDArray[Any], thresholds: Thresholds) -> Values:
    """The log odds that a face belongs to others, by its mean cosine similarity to them."""
    distance = np.sqrt(np.maximum(2 - 2 * similar.astype(np.float64), 0))
    return np.asarray(thresholds.slope * (thresholds.midpoint - distance) - STRANGER_LOG_ODDS)


def probability(odds: Values) -> Values:
    """The probability of log odds; 0 for −∞."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))
