"""Constrained average linkage: parts are merged, those with the best evidence first, unless a constraint forbids it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

import numpy as np

from phototag.learn.arrays import Flags, Floats, Labels, Rows
from phototag.learn.linkage import MergeBound
from phototag.learn.neighbours import k_nearest
from phototag.learn.stability import first_groupings_by_part, may_merge
from phototag.types import Vectors

#: Nearest groups that are considered for a face that is assigned at the end.
_CHOICES = 8
#: Parts with more faces than this also look for partners beyond their faces' neighbours: for this many at once.
_LARGE, _OTHERS = 16, 16
#: Parts farther apart than this multiple of `split` are not remembered as candidates.
_FAR = 1.1
#: Pairs of parts that are compared at once.
_PAIRS = 65_536
_NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class FaceTable:
    """n faces and what constrains their grouping, by row.

    `vectors` (n, dim), unit. `credit` (n,): squared distance that a face is allowed in addition (`isolation_credit`).
    `first_grouping` (n,): number of the grouping in which a face first took part, −1 for a new face. `cannot_link`:
    keys by row; faces that share a key are not one person.
    """

    vectors: Vectors
    credit: Floats
    first_grouping: Rows
    cannot_link: Mapping[int, Set[int]]

    @staticmethod
    def unconstrained(vectors: Vectors) -> FaceTable:
        """New faces without credits or constraints."""
        return FaceTable(vectors, np.zeros(len(vectors)), np.full(len(vectors), -1, np.int64), {})

    def __getitem__(self, rows: Rows) -> FaceTable:
        place = {int(row): index for index, row in enumerate(rows)} if self.cannot_link else {}
        keys = {place[row]: keys for row, keys in self.cannot_link.items() if row in place}
        return FaceTable(self.vectors[rows], self.credit[rows], self.first_grouping[rows], keys)


class ConstrainedLinkage:
    """Parts of faces while they are merged. A union keeps the number of the part with more faces.

    For unit vectors the mean squared distance between two parts is 2 − 2·(mean₁ · mean₂), so sums and counts are all
    that a union needs. That mean is an average over the pairs of what the parts were made of, so a part can only be
    near to a union if it was near to one of the two: unions inherit the candidates of their parts.
    """

    def __init__(self, faces: FaceTable, parts: Labels, bound: MergeBound, one: Rows, two: Rows) -> None:
        """`parts` (n,): the part of each face. `one`, `two`: pairs of rows that are near to each other; only their
        parts are candidates for merging."""
        count = int(parts.max(initial=-1)) + 1
        self.bound = bound
        self.sizes = np.bincount(parts, minlength=count).astype(np.float64)
        self.sums = np.zeros((count, faces.vectors.shape[1]))
        np.add.at(self.sums, parts, faces.vectors)
        self.credit = np.bincount(parts, faces.credit, count)
        self.excess = bound.spread_excess(self.sizes, np.einsum("ij,ij->i", self.sums, self.sums))
        self.merged_into = np.arange(count)
        self.version = [0] * count  # −1: gone; raised by each merge
        self.cannot_link: dict[int, set[int]] = {}
        for row, keys in faces.cannot_link.items():
            self.cannot_link.setdefault(int(parts[row]), set()).update(keys)
        self.first_groupings = first_groupings_by_part(faces.first_grouping, parts)
        self.held_back = self._ambiguous(faces, parts)
        self.heap: list[tuple[float, int, int, int, int]] = []
        self.candidates = self._near_pairs(parts[one], parts[two])

    def merge_all(self) -> None:
        """Merge parts, those with the best evidence first, until no two are within their bound.

        Ambiguous parts (both faces in one mirror) wait until all others are merged: then the better one comes first.
        """
        ambiguous = np.flatnonzero(self.held_back).tolist()
        self._exhaust(range(len(self.sizes)))
        if ambiguous:
            self.held_back[:] = False
            self._exhaust(ambiguous)

    def current(self, parts: Labels) -> Labels:
        """What parts have become. A smaller part is merged into a larger one, so no chain is long."""
        found = self.merged_into[parts]
        while not np.array_equal(found, ahead := self.merged_into[found]):
            found = ahead
        return found

    def assign(self, faces: FaceTable) -> Labels:
        """(n,) part that each of other faces belongs to, or −1. Only parts of two faces or more; they don't change."""
        chosen = np.full(len(faces.vectors), -1, np.int64)
        living = self._living()
        leaders = living[self.sizes[living] > 1]
        if not len(leaders):
            return chosen
        means = self.sums[leaders] / self.sizes[leaders, None]
        nearest, similar = k_nearest(faces.vectors, means.astype(np.float32), _CHOICES)
        part = leaders[nearest]
        size = self.sizes[part]
        evidence = (
            self.bound.for_size(size + 1) + self.excess[part] + self.credit[part] / size + faces.credit[:, None]
        ) - (2 - 2 * similar)
        rows, columns = np.nonzero(evidence > 0)
        for index in np.lexsort((rows, -evidence[rows, columns])).tolist():
            row, target = int(rows[index]), int(part[rows[index], columns[index]])
            own, old = faces.cannot_link.get(row, _NONE), self.first_groupings.get(target)
            if chosen[row] >= 0 or not own.isdisjoint(self.cannot_link.get(target, _NONE)):
                continue
            first = faces.first_grouping[[row]]
            if old is None or first[0] < 0 or may_merge(old, first, int(self.sizes[target]) + 1):
                chosen[row] = target
                if own:
                    self.cannot_link.setdefault(target, set()).update(own)
        return chosen

    def _ambiguous(self, faces: FaceTable, parts: Labels) -> Flags:
        """Parts whose faces all look like one with which they share a cannot-link key: each could take half of a
        person's faces, as a face and its mirror image do."""
        sharing: dict[int, list[int]] = {}
        for row, keys in faces.cannot_link.items():
            for key in keys:
                sharing.setdefault(key, []).append(row)
        ambiguous = np.zeros(len(parts), np.bool_)
        for rows in sharing.values():
            similar = faces.vectors[rows] @ faces.vectors[rows].T
            similar[parts[rows, None] == parts[rows]] = -1
            ambiguous[rows] |= 2 - 2 * similar.max(axis=1) < (_FAR * self.bound.split) ** 2
        return np.asarray(np.bincount(parts, ambiguous, len(self.sizes)) == self.sizes)

    def _near_pairs(self, one: Labels, two: Labels) -> list[Labels]:
        """For each part the parts among these pairs that are near enough to be merged with it one day."""
        count = len(self.sizes)
        pairs = np.unique(np.minimum(one, two)[one != two] * count + np.maximum(one, two)[one != two])
        low, high = np.divmod(pairs, max(count, 1))
        blocks = range(0, len(low), _PAIRS)
        close = [self._evidence(low[at : at + _PAIRS], high[at : at + _PAIRS])[1] for at in blocks]
        near = np.concatenate([np.zeros(0, np.bool_), *close])
        low, high = low[near], high[near]
        order = np.argsort(np.concatenate([low, high]), kind="stable")
        ends = np.concatenate([high, low])[order]
        return np.split(ends, np.cumsum(np.bincount(low, minlength=count) + np.bincount(high, minlength=count))[:-1])

    def _evidence(self, one: Labels, two: Labels | int) -> tuple[Floats, Flags]:
        """For pairs of parts: squared bound minus mean squared distance (above 0: they may be merged), and whether
        they are near enough to be remembered as candidates."""
        sizes = self.sizes[one], self.sizes[two]
        sums = self.sums[one]
        squared = 2 - 2 * np.einsum("ij,ij->i", sums, np.broadcast_to(self.sums[two], sums.shape)) / (
            sizes[0] * sizes[1]
        )
        credit = self.credit[one] / sizes[0] + self.credit[two] / sizes[1]
        evidence = self.bound.for_size(sizes[0] + sizes[1]) + self.excess[one] + self.excess[two] + credit - squared
        evidence[self.held_back[one] | self.held_back[two]] = 0
        return evidence, np.asarray(squared < (_FAR * self.bound.split) ** 2)

    def _propose(self, part: int) -> None:
        """Push the best partner that a part may have on the heap.

        Any pair is covered by the one of the two that proposed last, so the heap always holds the best pair of all, or
        an outdated better one.
        """
        if not len(self.candidates[part]):
            return
        others = np.unique(self.current(self.candidates[part]))
        others = others[others != part]
        evidence, near = self._evidence(others, part)
        self.candidates[part] = others[near]
        good = np.flatnonzero(evidence > 0)
        for index in good[np.argsort(-evidence[good], kind="stable")].tolist():
            other = int(others[index])
            if self._allowed(part, other):
                entry = (-float(evidence[index]), part, other, self.version[part], self.version[other])
                heapq.heappush(self.heap, entry)
                return

    def _allowed(self, one: int, two: int) -> bool:
        """Whether the constraints let two parts be merged."""
        if not self.cannot_link.get(one, _NONE).isdisjoint(self.cannot_link.get(two, _NONE)):
            return False
        old = self.first_groupings.get(one), self.first_groupings.get(two)
        return old[0] is None or old[1] is None or may_merge(old[0], old[1], int(self.sizes[one] + self.sizes[two]))

    def _exhaust(self, proposing: Iterable[int]) -> None:
        self._merge_best(proposing)
        while self._merge_best(self._widen_search()):
            pass

    def _widen_search(self) -> list[int]:
        """Make the nearest parts candidates of large parts, all of whose faces' neighbours may be their own; returns
        these large parts."""
        living = self._living()
        large: list[int] = living[self.sizes[living] > _LARGE].tolist()
        large = [part for part in large if self.sizes[part] > len(self.first_groupings.get(part, ()))]  # with new faces
        means = (self.sums[living] / self.sizes[living, None]).astype(np.float32)
        nearest, _ = k_nearest(means[np.searchsorted(living, large)], means, _OTHERS + 1)
        for part, others in zip(large, living[nearest], strict=True):
            self.candidates[part] = np.concatenate([self.candidates[part], others])
            for other in others.tolist():
                self.candidates[other] = np.append(self.candidates[other], part)
        return large

    def _merge_best(self, proposing: Iterable[int]) -> bool:
        """Merge the best pair until there is none; whether any parts were merged."""
        merged = False
        for part in proposing:
            self._propose(part)
        while self.heap:
            _, part, other, version, other_version = heapq.heappop(self.heap)
            if self.version[part] != version:
                continue
            if self.version[other] != other_version:
                self._propose(part)
                continue
            keeps, goes = (other, part) if self.sizes[other] > self.sizes[part] else (part, other)
            self._merge(keeps, goes)
            self._propose(keeps)
            merged = True
        return merged

    def _merge(self, keeps: int, goes: int) -> None:
        self.version[keeps] += 1
        self.version[goes] = -1
        self.merged_into[goes] = keeps
        self.sizes[keeps] += self.sizes[goes]
        self.sums[keeps] += self.sums[goes]
        self.credit[keeps] += self.credit[goes]
        self.excess[keeps] = self.bound.spread_excess(self.sizes[keeps], self.sums[keeps] @ self.sums[keeps])
        self.candidates[keeps] = np.concatenate([self.candidates[keeps], self.candidates[goes]])
        self.candidates[goes] = self.candidates[goes][:0]
        if goes in self.cannot_link:
            self.cannot_link.setdefault(keeps, set()).update(self.cannot_link.pop(goes))
        if goes in self.first_groupings:
            old = self.first_groupings.pop(goes)
            kept = self.first_groupings.get(keeps)
            self.first_groupings[keeps] = old if kept is None else np.sort(np.concatenate([kept, old]))

    def _living(self) -> Labels:
        return np.flatnonzero(self.merged_into == np.arange(len(self.merged_into)))
