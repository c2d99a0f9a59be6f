"""Decisions that merges imply: they stand as long as the decision that they repeat does, and the merge.

A merge says again of each face of the one person that it is the other. If answers are undone or redone later, some of
these decisions have lost their reason, and faces belong to somebody who has been merged meanwhile: the undo puts both
right.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from phototag.display import printable
from phototag.errors import UsageError
from phototag.remedies import UndoEarlier
from phototag.store.connect import Store
from phototag.store.decisions import Decision


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the journal about a face."""

    id: int
    answer: int
    imported: bool
    verb: str
    person: int


@dataclass(frozen=True, slots=True)
class _Merge:
    """A row of the journal that merges `person` into `other`."""

    row: int
    person: int
    other: int
    stands: bool


@dataclass(slots=True)
class _FaceState:
    """What stands of a face after some rows of the journal: its label, and who it is not."""

    label: tuple[str, int] | None = None
    rejected: set[int] = field(default_factory=set)

    def take(self, verb: str, person: int) -> None:
        if verb == "is-not":
            self.rejected.add(person)
            if self.label == ("is", person):
                self.label = None
            return
        self.label = (verb, person)
        if verb == "is":
            self.rejected.discard(person)

    def says(self, verb: str, person: int) -> bool:
        return person in self.rejected if verb == "is-not" else self.label == (verb, person)


class ImpliedDecisions:
    """The decisions that the merges imply. Raises UsageError if two people would each be merged into the other.

    `lost`: rows of the journal that stood just before.
    """

    def __init__(self, store: Store, lost: Iterable[int]) -> None:
        self._store = store
        self._lost = set(lost)
        self._into: dict[int, int] = {}
        self._merges: dict[int, list[_Merge]] = {}  # by answer
        self._undos: dict[int, bool] = {}  # answer → whether it is an undo
        last: dict[int, _Merge] = {}  # of several merges of a person, the one that `person_updates.refresh` goes by
        for answer, row, person, other, stands in store.rows(
            """
            SELECT d.answer, d.id, d.person, d.other_person, d.stands
            FROM journal d
            WHERE d.verb = 'merge'
            ORDER BY d.id
            """
        ):
            merge = _Merge(row, person, other, bool(stands))
            self._merges.setdefault(answer, []).append(merge)
            if merge.stands:
                self._into[person] = other
                last[person] = merge
        for person in self._into:
            self._chain(person)
        self._standing_merges = sorted(last.values(), key=lambda merge: merge.row)

    def _chain(self, person: int) -> list[int]:
        """The person, and whom they were merged into, one after the other."""
        chain = [person]
        while (other := self._into.get(chain[-1])) is not None:
            if other in chain:
                one, two = (
                    self._store.value("SELECT name FROM person WHERE id = :who", who=who) for who in (chain[-1], other)
                )
                raise UsageError(
                    f"{printable(one)} can't be {printable(two)}: you said the other way round, too, and that stands",
                    UndoEarlier(),
                )
            chain.append(other)
        return chain

    def faces(self, people: Iterable[int]) -> set[int]:
        """Faces of which it was ever said that they are, or aren't, these people or anybody merged with them."""
        if not self._merges:
            return set()
        connected = set(people)
        pairs = [(merge.person, merge.other) for merges in self._merges.values() for merge in merges]
        while more := {who for pair in pairs if not connected.isdisjoint(pair) for who in pair} - connected:
            connected |= more
        return {
            face
            for person in connected
            for face in self._store.column(
                "SELECT face FROM decision WHERE person = :person AND verb IN ('is', 'is-not')", person=person
            )
        }

    def of(self, face: int) -> tuple[list[int], list[Decision]]:
        """Rows about a face that lost the decision that they repeat, and the decisions that are missing."""
        if not self._merges:
            return [], []
        stands, wanted = _FaceState(), _FaceState()
        unfounded = []
        merges = deque(self._standing_merges)
        into: dict[int, int] = {}
        for row in self._rows(face):
            while merges and merges[0].row < row.id:
                _apply_merge(wanted, into, merges.popleft())
            if not self._is_implied(row):
                stands.take(row.verb, row.person)
                wanted.take(row.verb, _resolve(into, row.person))
            elif self._has_reason(row, stands):
                stands.take(row.verb, row.person)
            else:
                unfounded.append(row.id)
        for merge in merges:
            _apply_merge(wanted, into, merge)
        return unfounded, list(_missing(face, stands, wanted))

    def _rows(self, face: int) -> list[_Row]:
        return [
            _Row(row, answer, origin == "imported", verb, person or 0)
            for row, answer, origin, verb, person in self._store.rows(
                """
                SELECT id, answer, origin, verb, person
                FROM standing
                WHERE face = :face AND verb IN ('is', 'is-not', 'not-a-face', 'dont-care')
                ORDER BY id
                """,
                face=face,
            )
        ]

    def _is_implied(self, row: _Row) -> bool:
        """Whether nobody decided a row by itself, but a merge, or an undo, implied it."""
        if row.verb not in ("is", "is-not"):
            return False
        return self._is_undo(row.answer) or bool(self._merges_of(row))

    def _has_reason(self, row: _Row, stands: _FaceState) -> bool:
        """Whether the decision that an implied row repeats stands."""
        if self._is_undo(row.answer):
            known = {*stands.rejected, *(stands.label[1:] if stands.label else ())}
            return any(stands.says(row.verb, who) and row.person in self._chain(who)[1:] for who in known)
        return any(merge.stands and stands.says(row.verb, merge.person) for merge in self._merges_of(row))

    def _merges_of(self, row: _Row) -> list[_Merge]:
        """The merges that may imply a row."""
        merges = [
            merge for merge in self._merges.get(row.answer, ()) if merge.other == row.person and merge.row < row.id
        ]
        if row.imported:  # a names file says more than its merges imply
            merges = [merge for merge in merges if self._repeats_lost(row, merge)]
        return merges

    def _repeats_lost(self, row: _Row, merge: _Merge) -> bool:
        return not self._lost.isdisjoint(
            self._store.column(
                """
                SELECT d.id
                FROM decision d JOIN decision r ON r.face = d.face AND r.id = :row
                WHERE d.verb = :verb AND d.person = :person AND d.id < :merge
                """,
                row=row.id,
                verb=row.verb,
                person=merge.person,
                merge=merge.row,
            )
        )

    def _is_undo(self, answer: int) -> bool:
        if answer not in self._undos:
            found = self._store.value("SELECT 1 FROM decision WHERE answer = :answer AND verb = 'undo'", answer=answer)
            self._undos[answer] = found is not None
        return self._undos[answer]


def _resolve(into: dict[int, int], person: int) -> int:
    while person in into:
        person = into[person]
    return person


def _apply_merge(face: _FaceState, into: dict[int, int], merge: _Merge) -> None:
    """What a merge implies of a face about which this was decided before."""
    into[merge.person] = merge.other
    other = _resolve(into, merge.other)
    if face.label == ("is", merge.person):
        face.take("is", other)
    if merge.person in face.rejected and face.label != ("is", other):
        face.rejected.add(other)


def _missing(face: int, stands: _FaceState, wanted: _FaceState) -> Iterator[Decision]:
    """The decisions that turn what stands of a face into what is wanted."""
    if stands.label != wanted.label:
        if wanted.label and wanted.label[0] == "is":
            yield Decision("is", face, wanted.label[1])
        elif stands.label and wanted.label is None:
            yield Decision("is-not", face, stands.label[1])
    own = wanted.label[1] if wanted.label else None
    for person in sorted(wanted.rejected - stands.rejected - {own}):
        yield Decision("is-not", face, person)
