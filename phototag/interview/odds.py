"""How likely it is that faces are one person's, by the embedder's own curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.types import Thresholds

Values = npt.NDArray[np.float64]

#: Log odds that somebody is a stranger among faces that were found to be near, before the distance is looked at. Of
#: the members of lfw-dev's groups that are .30 to .31 from the others (root mean square) one in 78 is somebody else, of
#: those beyond .35 one in four.
STRANGERS = 3.5
#: … and that two people to whom a human gave two names are two, besides.
TWO_NAMES = 4.0


def log_odds(similar: npt.NDArray[Any], thresholds: Thresholds) -> Values:
    """That faces belong to others, by the mean of their cosine similarities to them."""
    away = np.sqrt(np.maximum(2 - 2 * similar.astype(np.float64), 0))
    return np.asarray(thresholds.slope * (thresholds.midpoint - away) - STRANGERS)


def probability(odds: Values) -> Values:
    """Of log odds; 0 for −∞."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))
