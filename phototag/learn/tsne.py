"""Faces on a plane, like beside like: t-SNE (van der Maaten, Hinton 2008)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from phototag.types import Vectors

_PERPLEXITY = 30.0


def plane(vectors: Vectors, seed: int = 0) -> npt.NDArray[np.float64]:
    """(n, 2) places of (n, dim) faces; too few to be laid out (less than four) all lie in the middle."""
    if len(vectors) < 4:
        return np.zeros((len(vectors), 2))
    from sklearn.manifold import TSNE

    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    return np.asarray(TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(vectors), np.float64)
