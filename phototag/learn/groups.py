"""Parts are joined, by average linkage, while the evidence is for it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phototag.learn.graph import nearest
from phototag.learn.linkage import Bound
from phototag.types import Vectors

Labels = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: Nearest groups among which a face that follows chooses.
_CHOICES = 8
#: Parts with more faces look for others beyond what their faces' neighbours are: at so many at once.
_LARGE, _OTHERS = 16, 16
#: Parts farther apart than this share of the bound for large groups are not remembered.
_FAR = 1.1
#: Pairs of parts that are weighed at once.
_PAIRS = 65_536
_NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """What is known of n faces, by row.

    `vectors` (n, dim), unit. `isolation` (n,): squared distance by which a face may be farther from its like because
    nobody else is near. `since` (n,): the number of the grouping in which a face was first grouped or left alone, −1
    for a new one. `marks`: by row; faces that share a mark are not one person.
    """

    vectors: Vectors
    isolation: Values
    since: Labels
    marks: Mapping[int, Set[int]]

    @staticmethod
    def plain(vectors: Vectors) -> Faces:
        """Nothing but vectors."""
        return Faces(vectors, np.zeros(len(vectors)), np.full(len(vectors), -1, np.int64), {})

    def __getitem__(self, rows: Labels) -> Faces:
        place = {int(row): index for index, row in enumerate(rows)} if self.marks else {}
        marks = {place[row]: marks for row, marks in self.marks.items() if row in place}
        return Faces(self.vectors[rows], self.isolation[rows], self.since[rows], marks)


class Groups:
    """Parts while they are joined. A union keeps the number of the part with more faces.

    For unit vectors the mean squared distance between two parts is 2 − 2·(mean₁ · mean₂), so that sums and counts are
    all that a union needs. That mean is an average over what the parts were made of, so a part can only be near to a
    union if it was near to one of the two: the lists of candidates are handed on.
    """

    def __init__(self, faces: Faces, parts: Labels, bound: Bound, one: Labels, two: Labels) -> None:
        """`one`, `two`: pairs of rows that are near to each other; other parts are never weighed."""
        count = int(parts.max(initial=-1)) + 1
        self.bound = bound
        self.faces = np.bincount(parts, minlength=count).astype(np.float64)
        self.sums = np.zeros((count, faces.vectors.shape[1]))
        np.add.at(self.sums, parts, faces.vectors)
        self.isolation = np.bincount(parts, faces.isolation, count)
        self.excess = bound.excess(self.faces, np.einsum("ij,ij->i", self.sums, self.sums))
        self.heir = np.arange(count)
        self.age = [0] * count
        self.marks: dict[int, set[int]] = {}
        for row, marks in faces.marks.items():
            self.marks.setdefault(int(parts[row]), set()).update(marks)
        self.since = _by_part(faces.since, parts)
        self.held = self._rivals(faces, parts)
        self.heap: list[tuple[float, int, int, int, int]] = []
        self.near = self._candidates(parts[one], parts[two])

    def _rivals(self, faces: Faces, parts: Labels) -> Flags:
        """Parts whose faces all look like one with which they share a mark: each could take half of a person's faces,
        as a face and its mirror image do."""
        sharing: dict[int, list[int]] = {}
        for row, marks in faces.marks.items():
            for mark in marks:
                sharing.setdefault(mark, []).append(row)
        rival = np.zeros(len(parts), np.bool_)
        for rows in sharing.values():
            similar = faces.vectors[rows] @ faces.vectors[rows].T
            similar[parts[rows, None] == parts[rows]] = -1
            rival[rows] |= 2 - 2 * similar.max(axis=1) < (_FAR * self.bound.split) ** 2
        return np.asarray(np.bincount(parts, rival, len(self.faces)) == self.faces)

    def _candidates(self, one: Labels, two: Labels) -> list[Labels]:
        """For each part those that it may be joined with."""
        count = len(self.faces)
        pairs = np.unique(np.minimum(one, two)[one != two] * count + np.maximum(one, two)[one != two])
        low, high = np.divmod(pairs, max(count, 1))
        blocks = range(0, len(low), _PAIRS)
        close = [self._weigh(low[at : at + _PAIRS], high[at : at + _PAIRS])[1] for at in blocks]
        near = np.concatenate([np.zeros(0, np.bool_), *close])
        low, high = low[near], high[near]
        order = np.argsort(np.concatenate([low, high]), kind="stable")
        ends = np.concatenate([high, low])[order]
        return np.split(ends, np.cumsum(np.bincount(low, minlength=count) + np.bincount(high, minlength=count))[:-1])

    def _weigh(self, one: Labels, two: Labels | int) -> tuple[Values, Flags]:
        """How far within their bound pairs of parts are (0 or less: they are not), and which are near enough to be
        remembered."""
        faces = self.faces[one], self.faces[two]
        sums = self.sums[one]
        away = 2 - 2 * np.einsum("ij,ij->i", sums, np.broadcast_to(self.sums[two], sums.shape)) / (faces[0] * faces[1])
        alone = self.isolation[one] / faces[0] + self.isolation[two] / faces[1]
        evidence = self.bound.by_size(faces[0] + faces[1]) + self.excess[one] + self.excess[two] + alone - away
        evidence[self.held[one] | self.held[two]] = 0
        return evidence, np.asarray(away < (_FAR * self.bound.split) ** 2)

    def _propose(self, part: int) -> None:
        """Put the best partner that a part may have on the heap. Any pair is covered by the one of the two that
        proposed last, so the best pair of all is always there, or a better one of before."""
        if not len(self.near[part]):
            return
        others = np.unique(self.owners(self.near[part]))
        others = others[others != part]
        evidence, near = self._weigh(others, part)
        self.near[part] = others[near]
        good = np.flatnonzero(evidence > 0)
        for index in good[np.argsort(-evidence[good], kind="stable")].tolist():
            other = int(others[index])
            if self._allowed(part, other):
                heapq.heappush(self.heap, (-float(evidence[index]), part, other, self.age[part], self.age[other]))
                return

    def _allowed(self, one: int, two: int) -> bool:
        """Whether nothing but distance bars two parts from coming together."""
        if not self.marks.get(one, _NONE).isdisjoint(self.marks.get(two, _NONE)):
            return False
        old = self.since.get(one), self.since.get(two)
        return old[0] is None or old[1] is None or _outgrown(old[0], old[1], int(self.faces[one] + self.faces[two]))

    def unite(self) -> None:
        """Join parts, those with the best evidence first, while they lie within their bound.

        Those that rival for the same person (both in one mirror) wait until all others are joined: then the better one
        comes first.
        """
        rivals = np.flatnonzero(self.held).tolist()
        self._exhaust(range(len(self.faces)))
        if rivals:
            self.held[:] = False
            self._exhaust(rivals)

    def _exhaust(self, proposing: Iterable[int]) -> None:
        self._unite(proposing)
        while self._unite(self._reach()):
            pass

    def _reach(self) -> list[int]:
        """Show large parts, whose faces' neighbours may all be their own, the nearest others; returns these parts."""
        living = self._living()
        large: list[int] = living[self.faces[living] > _LARGE].tolist()
        large = [part for part in large if self.faces[part] > len(self.since.get(part, ()))]  # others don't change
        means = (self.sums[living] / self.faces[living, None]).astype(np.float32)
        there, _ = nearest(means[np.searchsorted(living, large)], means, _OTHERS + 1)
        for part, others in zip(large, living[there], strict=True):
            self.near[part] = np.concatenate([self.near[part], others])
            for other in others.tolist():
                self.near[other] = np.append(self.near[other], part)
        return large

    def _unite(self, proposing: Iterable[int]) -> bool:
        """Whether any parts were joined."""
        united = False
        for part in proposing:
            self._propose(part)
        while self.heap:
            _, part, other, age, other_age = heapq.heappop(self.heap)
            if self.age[part] != age:
                continue
            if self.age[other] != other_age:
                self._propose(part)
                continue
            keeps, goes = (other, part) if self.faces[other] > self.faces[part] else (part, other)
            self._merge(keeps, goes)
            self._propose(keeps)
            united = True
        return united

    def _merge(self, keeps: int, goes: int) -> None:
        self.age[keeps] += 1
        self.age[goes] = -1
        self.heir[goes] = keeps
        self.faces[keeps] += self.faces[goes]
        self.sums[keeps] += self.sums[goes]
        self.isolation[keeps] += self.isolation[goes]
        self.excess[keeps] = self.bound.excess(self.faces[keeps], self.sums[keeps] @ self.sums[keeps])
        self.near[keeps] = np.concatenate([self.near[keeps], self.near[goes]])
        self.near[goes] = self.near[goes][:0]
        if goes in self.marks:
            self.marks.setdefault(keeps, set()).update(self.marks.pop(goes))
        if goes in self.since:
            old = self.since.pop(goes)
            self.since[keeps] = np.sort(np.concatenate([self.since[keeps], old])) if keeps in self.since else old

    def _living(self) -> Labels:
        return np.flatnonzero(self.heir == np.arange(len(self.heir)))

    def owners(self, parts: Labels) -> Labels:
        """What parts have become. A smaller part goes to a larger one, so that no chain is long."""
        found = self.heir[parts]
        while not np.array_equal(found, ahead := self.heir[found]):
            found = ahead
        return found

    def follow(self, faces: Faces) -> Labels:
        """The part that each of other faces belongs to, or −1; parts of two faces or more only, which don't change."""
        chosen = np.full(len(faces.vectors), -1, np.int64)
        living = self._living()
        leaders = living[self.faces[living] > 1]
        if not len(leaders):
            return chosen
        means = self.sums[leaders] / self.faces[leaders, None]
        there, similar = nearest(faces.vectors, means.astype(np.float32), _CHOICES)
        part = leaders[there]
        size = self.faces[part]
        evidence = (
            self.bound.by_size(size + 1) + self.excess[part] + self.isolation[part] / size + faces.isolation[:, None]
        ) - (2 - 2 * similar)
        rows, columns = np.nonzero(evidence > 0)
        for index in np.lexsort((rows, -evidence[rows, columns])).tolist():
            row, target = int(rows[index]), int(part[rows[index], columns[index]])
            own, old = faces.marks.get(row, _NONE), self.since.get(target)
            if chosen[row] >= 0 or not own.isdisjoint(self.marks.get(target, _NONE)):
                continue
            if old is None or faces.since[row] < 0 or _outgrown(old, faces.since[[row]], int(self.faces[target]) + 1):
                chosen[row] = target
                if own:
                    self.marks.setdefault(target, set()).update(own)
        return chosen


def _by_part(since: Labels, parts: Labels) -> dict[int, Labels]:
    """For each part with faces of before, when these came, the earliest first."""
    old = np.flatnonzero(since >= 0)
    old = old[np.lexsort((since[old], parts[old]))]
    numbers, starts = np.unique(parts[old], return_index=True)
    return dict(zip(numbers.tolist(), np.split(since[old], starts)[1:], strict=True))


def _outgrown(one: Labels, two: Labels, faces: int) -> bool:
    """Whether parts that were apart before may come together, given when their faces of before came, the earliest
    first, and how many they have in all.

    They may if twice as many faces as the smaller has are new. And each pair is weighed again when twice as many came
    as the smaller had when they first met, and each time that these have doubled: one more photo moves nobody, but
    who adds photos one by one comes to the same groups in the end.
    """
    came, met = len(one) + len(two), max(one[0], two[0])
    new = faces - came
    had = [int(np.searchsorted(side, met, "right")) for side in (one, two)]
    wanted, since = 2 * min(had), came - sum(had)
    while wanted <= since:
        wanted *= 2
    return new >= 2 * min(len(one), len(two)) or since + new >= wanted
