"""Faces of people who don't exist, spread as real ones are.

Vectors of real faces give the mean and covariance of people, of one person's faces around their mean, and how much
people, and faces, differ in how far they stray. New people and faces are drawn from normal distributions with these,
and brought to unit length. People with many faces have several looks, and every second of them bursts and copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

#: People with as many faces or more have looks and bursts; looks at most.
_MANY, _LOOKS = 60, 5
#: People of a family, and the share of their variance that they have in common: full siblings' in theory. Two of them
#: are .45 apart, strangers .56, and faces of one person .30 (root mean square, dlib's ResNet).
_FAMILY, _KINSHIP = 4, 0.5
#: Shares of looks, of shots and of a burst's frames in the variance of one person's faces: frames lie about .05 apart.
_SHARES = (0.35, 0.62, 0.03)


@dataclass(frozen=True, eq=False)
class Population:
    """People (mean, a square root of their covariance), their faces (likewise), and the standard deviations of the
    logarithm of how far a person's faces, and one face beside the others, stray."""

    mean: Array
    between: Array
    within: Array
    people_stray: float
    faces_stray: float

    @staticmethod
    def of(vectors: npt.NDArray[np.float32], names: Sequence[str]) -> Population:
        """Estimated from (n, dim) vectors; people with one face tell of people only."""
        _, person, counts = np.unique(np.asarray(names), return_inverse=True, return_counts=True)
        points = vectors.astype(np.float64)
        means = np.zeros((len(counts), points.shape[1]))
        np.add.at(means, person, points)
        means /= counts[:, None]
        rest = points - means[person]
        within = rest.T @ rest / (len(points) - len(counts))
        between = np.cov(means.T) - within * float((1 / counts).mean())  # a mean of few faces strays by itself
        many = np.flatnonzero(counts >= 8)
        away = [np.log((rest[person == i] ** 2).sum(axis=1)) / 2 for i in many]
        by_chance = 0.5 * (within**2).sum() / np.trace(within) ** 2  # of a normal vector's length
        stray = np.mean([part.var(ddof=1) for part in away]) - by_chance
        people = np.var([part.mean() for part in away], ddof=1) - np.mean(
            [part.var(ddof=1) / len(part) for part in away]
        )
        return Population(
            points.mean(axis=0),
            _root(between),
            _root(within),
            *(float(np.sqrt(max(0, variance))) for variance in (people, stray)),
        )

    def draw(
        self, sizes: Sequence[int], seed: int = 0, families: int = 0, growing: bool = False
    ) -> tuple[npt.NDArray[np.float32], Numbers]:
        """Vectors of people with so many faces each, shuffled, and who they are.

        The first people are of so many `families` of four, turn by turn, who look alike. With `growing`, two of each
        grow up: as they were first and last they look no more alike than they do their siblings.
        """
        random = np.random.default_rng(seed)
        dim = len(self.mean)
        person = np.repeat(np.arange(len(sizes)), sizes)
        stray = np.exp(random.normal(size=len(person)) * self.faces_stray - self.faces_stray**2)
        vectors = random.standard_normal((len(person), dim), np.float32)
        starts = np.cumsum(sizes) - sizes
        age = np.zeros(len(person))  # 0 to 1; of a shot one
        if growing:
            child = (person >= families * _FAMILY // 2) & (person < families * _FAMILY)
            age[child] = random.random(int(child.sum()))
        for nth, one in enumerate(np.flatnonzero(np.asarray(sizes) >= _MANY).tolist()):
            rows = slice(starts[one], starts[one] + sizes[one])
            numbers = _occasions(sizes[one], nth % 2 == 1, random)
            vectors[rows] = 0
            for number, share in zip(numbers, _SHARES, strict=True):
                vectors[rows] += np.sqrt(share) * random.standard_normal((number.max() + 1, dim), np.float32)[number]
            stray[rows], age[rows] = stray[rows][numbers[1]], age[rows][numbers[1]]
        own = random.normal(size=(len(sizes), dim))
        if families:
            kin = np.arange(len(sizes)) < families * _FAMILY
            shared = random.normal(size=(families, dim))[np.arange(len(sizes)) % families]
            own[kin] = np.sqrt(_KINSHIP) * shared[kin] + np.sqrt(1 - _KINSHIP) * own[kin]
        centres = own @ self.between
        grown = random.normal(size=own.shape) @ self.between if growing else centres
        scales = np.exp(random.normal(size=len(sizes)) * self.people_stray - self.people_stray**2)
        for start in range(0, len(person), 100_000):
            rows = slice(start, start + 100_000)
            who = person[rows]
            turn = np.arccos(_KINSHIP) * age[rows, None]
            block = self.mean + np.cos(turn) * centres[who] + np.sin(turn) * grown[who]
            block += (scales[who] * stray[rows])[:, None] * (vectors[rows] @ self.within)
            vectors[rows] = block / np.linalg.norm(block, axis=1, keepdims=True)
        order = random.permutation(len(person))
        return vectors[order], person[order]


def _occasions(faces: int, bursts: bool, random: np.random.Generator) -> tuple[Numbers, Numbers, Numbers]:
    """For each of one person's faces the numbers, from 0, of its look, its shot and its frame.

    A look has about 20 shots or more. With `bursts`, every second shot has 20 to 60 frames, one in four of them a copy
    of the one before.
    """
    frames = np.where(bursts & (random.random(faces) < 0.5), random.integers(20, 61, faces), 1)
    shot = np.repeat(np.arange(faces), frames)[:faces]
    shots = int(shot[-1]) + 1
    look = random.integers(0, min(_LOOKS, 1 + shots // 20), shots)[shot]
    copied = (np.diff(shot, prepend=-1) == 0) & (random.random(faces) < 0.25)
    return look, shot, np.cumsum(~copied) - 1


def _root(covariance: Array) -> Array:
    """A symmetric square root; what estimation made negative is none."""
    values, axes = np.linalg.eigh(covariance)
    return np.asarray((axes * np.sqrt(np.maximum(values, 0))) @ axes.T)


def library(faces: int, seed: int = 0) -> list[int]:
    """People's sizes in a library of so many faces: two in five faces are strangers', seen once or twice; the
    others' number falls as the inverse of their rank, from a twentieth of all for the first."""
    random = np.random.default_rng(seed)
    sizes: list[int] = []
    rank, known = 1, 0
    while known < 0.6 * faces:
        size = max(3, int(0.05 * faces / rank))
        sizes.append(min(size, int(0.6 * faces) + 3 - known))
        known += sizes[-1]
        rank += 1
    while known < faces:
        sizes.append(min(1 + int(random.random() < 0.3), faces - known))
        known += sizes[-1]
    return sizes


def album(photos: int, regulars: int, strangers: int, seed: int = 0) -> list[int]:
    """People's sizes in a family album with a face a photo of those who are in it regularly, whose number falls as the
    inverse of their rank; strangers are seen once, or some times more, each time half as probably."""
    weights = 1 / np.arange(1, regulars + 1)
    known = np.maximum(2, np.round(photos * weights / weights.sum())).astype(int).tolist()
    return [*known, *np.random.default_rng(seed).geometric(0.5, strangers).tolist()]


def scattered(people: Numbers, photos: int, seed: int = 0) -> Numbers:
    """The photo (from 0) of each face, by chance; nobody is twice in one."""
    random = np.random.default_rng(seed)
    found = random.integers(photos, size=len(people))
    while True:
        keys = found * (int(people.max()) + 1) + people
        _, first = np.unique(keys, return_index=True)
        twice = np.setdiff1d(np.arange(len(people)), first)
        if not len(twice):
            return found
        found[twice] = random.integers(photos, size=len(twice))
