"""Faces that nobody has: unit vectors around people's centres, spread as dlib's are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from phototag.types import Thresholds, Vectors

#: As of dlib's ResNet: pairs of one person lie about 0.27 apart, of two about 0.6 at the least.
THRESHOLDS = Thresholds(same=0.43, split=0.36, join=0.33, midpoint=0.43, slope=20.0)
#: Root-mean-square distance of two faces of one person.
SPREAD = 0.27
DIM = 128


def centres(count: int, seed: int = 0, apart: float | None = None) -> Vectors:
    """People's centres: unit vectors at random (about 1.4 apart), or pairs that are `apart`."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    if apart is not None:
        similar = 1 - apart**2 / 2
        for row in range(1, count):
            side = vectors[row] - vectors[row] @ vectors[0] * vectors[0]
            vectors[row] = similar * vectors[0] + np.sqrt(1 - similar**2) * side / np.linalg.norm(side)
    return vectors.astype(np.float32)


def faces(centre: Vectors, count: int, seed: int = 0, spread: float = SPREAD) -> Vectors:
    """`count` faces of one person, `spread` apart in the root mean square."""
    random = np.random.default_rng([seed, 1])  # other numbers than the centres'
    # A unit vector c + n, normalised, has mean squared distance 2·|n|²/(1 + |n|²) from its like.
    noise = np.sqrt((spread**2 / 2) / (1 - spread**2 / 2))
    vectors = centre + random.normal(size=(count, DIM)) * noise / np.sqrt(DIM)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def faces_of_people(sizes: Sequence[int], seed: int = 0) -> tuple[Vectors, np.ndarray]:
    """Faces of many people, so many each, in a narrow cone, where some people look like others; and who they are."""
    random = np.random.default_rng(seed)
    vectors = np.zeros((sum(sizes), DIM))
    who = np.repeat(np.arange(len(sizes)), sizes)
    vectors[:, 0] = 1
    people = random.normal(size=(len(sizes), 20)) * 0.62 / np.sqrt(40)
    vectors[:, 1:21] = people[who] + random.normal(size=(len(who), 20)) * 0.32 / np.sqrt(40)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), who
