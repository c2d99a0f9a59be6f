"""Average linkage: groups are cut until they are pure, and pure parts are joined while the evidence is for it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phototag.learn.graph import nearest
from phototag.types import Vectors

Labels = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: Faces of a cluster whose distances are all held at once (16 MB); larger ones are halved first.
_WHOLE = 2048
#: Nearest groups among which a face that follows chooses.
_CHOICES = 8
#: Parts with more faces look for others beyond what their faces' neighbours are: at so many at once.
_LARGE, _OTHERS = 16, 16
#: Parts farther apart than this share of the bound for large groups are not remembered.
_FAR = 1.1
#: Pairs of parts that are weighed at once.
_PAIRS = 65_536
_NONE: frozenset[int] = frozenset()

# The next three were chosen on one half of the people of lfw-dev and checked on the other: see docs/clustering.md.
#: Share of `split` that faces of one person lie apart, in the root mean square.
_SPREAD = 0.75
#: Share of a part's excess spread by which its bound is wider, and how many faces outweigh no excess at all.
_OWN, _DOUBT = 0.5, 1.0


@dataclass(frozen=True, slots=True)
class Bound:
    """The distance (root mean square over pairs of faces) within which two parts are one person.

    From `join` for two single faces it widens towards `split` for many: a mean over many pairs is surer than one pair,
    and there are far more pairs of single faces to go wrong. It also widens by the share `own` of what the parts'
    faces are spread beyond the usual, because people differ in that, and narrows likewise.
    """

    join: float
    split: float
    own: float = _OWN

    def by_size(self, faces: Values) -> Values:
        """Squared, for a union of so many faces (two or more)."""
        return np.asarray((self.split - (self.split - self.join) * 2 / faces) ** 2)

    def excess(self, faces: Values, lengths: Values) -> Values:
        """What a part adds to the squared bound; `lengths`: squared lengths of the sums of its unit vectors."""
        others = np.maximum(faces - 1, 1)
        spread = 2 * faces / others * (1 - lengths / faces**2)
        sure = (faces - 1) / (faces - 1 + _DOUBT)
        return np.asarray(self.own / 2 * sure * (spread - (_SPREAD * self.split) ** 2))


def split(vectors: Vectors, labels: Labels, distance: float) -> Labels:
    """Cut every cluster by average linkage at a root-mean-square `distance`; noise becomes parts of one."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    parts = np.empty(len(labels), np.int64)
    alone = labels < 0
    used = int(alone.sum())
    parts[alone] = np.arange(used)
    order = np.argsort(labels, kind="stable")[used:]
    waiting = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(order) else []
    while waiting:
        members = waiting.pop()
        if len(members) > _WHOLE:
            waiting += _halves(vectors, members)
            continue
        cut = np.ones(1, np.int64)
        if len(members) > 1:
            tree = linkage(pdist(vectors[members].astype(np.float64), "sqeuclidean"), "average")
            cut = fcluster(tree, distance**2, "distance")
        parts[members] = used + cut - 1
        used += int(cut.max())
    return parts


def _halves(vectors: Vectors, members: Labels) -> list[Labels]:
    """A large cluster in two, across the direction in which it is widest."""
    centred = vectors[members].astype(np.float64)
    centred -= centred.mean(axis=0)
    widest = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    order = np.argsort(centred @ widest, kind="stable")
    return [np.sort(members[half]) for half in np.array_split(order, 2)]


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """What is known of n faces, by row.

    `vectors` (n, dim), unit. `isolation` (n,): squared distance by which a face may be farther from its like because
    nobody else is near. `settled` (n,): grouped, or left alone, before. `marks`: by row; faces that share a mark are
    not one person.
    """

    vectors: Vectors
    isolation: Values
    settled: Flags
    marks: Mapping[int, Set[int]]

    @staticmethod
    def plain(vectors: Vectors) -> Faces:
        """Nothing but vectors."""
        return Faces(vectors, np.zeros(len(vectors)), np.zeros(len(vectors), np.bool_), {})

    def __getitem__(self, rows: Labels) -> Faces:
        place = {int(row): index for index, row in enumerate(rows)} if self.marks else {}
        marks = {place[row]: marks for row, marks in self.marks.items() if row in place}
        return Faces(self.vectors[rows], self.isolation[rows], self.settled[rows], marks)


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
        self.settled = np.bincount(parts, faces.settled, count)
        self.excess = bound.excess(self.faces, np.einsum("ij,ij->i", self.sums, self.sums))
        self.heir = np.arange(count)
        self.age = [0] * count
        self.marks: dict[int, set[int]] = {}
        for row, marks in faces.marks.items():
            self.marks.setdefault(int(parts[row]), set()).update(marks)
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
        old = self.settled[one], self.settled[two]
        witnesses = faces[0] + faces[1] - old[0] - old[1]
        evidence[(witnesses < 2 * np.minimum(*old)) | self.held[one] | self.held[two]] = 0
        return evidence, np.asarray(away < (_FAR * self.bound.split) ** 2)

    def _propose(self, part: int) -> None:
        """Put the best partner that a part may have on the heap. Any pair is covered by the one of the two that
        proposed last, so the best pair of all is always there, or a better one of before."""
        others = np.unique(self.owners(self.near[part]))
        others = others[others != part]
        evidence, near = self._weigh(others, part)
        self.near[part] = others[near]
        good = np.flatnonzero(evidence > 0)
        for index in good[np.argsort(-evidence[good], kind="stable")].tolist():
            other = int(others[index])
            if self.marks.get(part, _NONE).isdisjoint(self.marks.get(other, _NONE)):
                heapq.heappush(self.heap, (-float(evidence[index]), part, other, self.age[part], self.age[other]))
                return

    def unite(self) -> None:
        """Join parts, those with the best evidence first, while they lie within their bound.

        Parts with settled faces come together only if twice as many other faces as the smaller of them has stand with
        them: one more photo moves nobody, many more may. Faces that rival for the same person (both in one mirror)
        wait until all others are joined: then the better one comes first.
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

    def _reach(self) -> Iterable[int]:
        """Show large parts, whose faces' neighbours may all be their own, the nearest others; returns these parts."""
        living = self._living()
        large = living[(self.faces[living] > _LARGE) & (self.faces[living] > self.settled[living])]
        means = (self.sums[living] / self.faces[living, None]).astype(np.float32)
        there, _ = nearest(means[np.searchsorted(living, large)], means, _OTHERS + 1)
        for part, others in zip(large.tolist(), living[there], strict=True):
            self.near[part] = np.concatenate([self.near[part], others])
            for other in others.tolist():
                self.near[other] = np.append(self.near[other], part)
        return map(int, large)

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
            self.age[keeps] += 1
            self.age[goes] = -1
            self.heir[goes] = keeps
            self.faces[keeps] += self.faces[goes]
            self.sums[keeps] += self.sums[goes]
            self.isolation[keeps] += self.isolation[goes]
            self.settled[keeps] += self.settled[goes]
            self.excess[keeps] = self.bound.excess(self.faces[keeps], self.sums[keeps] @ self.sums[keeps])
            if goes in self.marks:
                self.marks.setdefault(keeps, set()).update(self.marks.pop(goes))
            self.near[keeps] = np.concatenate([self.near[keeps], self.near[goes]])
            self.near[goes] = self.near[goes][:0]
            self._propose(keeps)
            united = True
        return united

    def _living(self) -> Labels:
        return np.flatnonzero(self.heir == np.arange(len(self.heir)))

    def owners(self, parts: Labels) -> Labels:
        """What parts have become. A smaller part goes to a larger one, so that no chain is long."""
        found = self.heir[parts]
        while not np.array_equal(found, ahead := self.heir[found]):
            found = ahead
        return found

    def follow(self, faces: Faces) -> Labels:
        """The part that each of other faces belongs to, or −1; parts of two faces or more only, which don't change.

        A face that is settled follows only two that are not.
        """
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
        evidence[faces.settled[:, None] & (size - self.settled[part] < 2)] = 0
        rows, columns = np.nonzero(evidence > 0)
        for index in np.lexsort((rows, -evidence[rows, columns])).tolist():
            row, target = int(rows[index]), int(part[rows[index], columns[index]])
            own = faces.marks.get(row, _NONE)
            if chosen[row] < 0 and own.isdisjoint(self.marks.get(target, _NONE)):
                chosen[row] = target
                if own:
                    self.marks.setdefault(target, set()).update(own)
        return chosen
