"""Faces laid out on a plane by t-SNE (van der Maaten, Hinton 2008)."""

from __future__ import annotations

import numpy as np

from phototag.learn.arrays import Floats
from phototag.types import Vectors

_PERPLEXITY = 30.0


def tsne_positions(vectors: Vectors, seed: int = 0) -> Floats:
    """(n, 2) positions of (n, dim) faces, similar ones close to each other; fewer than four faces all lie at 0, 0."""
    if len(vectors) < 4:
        return np.zeros((len(vectors), 2))
    from sklearn.manifold import TSNE

    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    return np.asarray(TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(vectors), np.float64)
