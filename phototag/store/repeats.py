"""What is said again of faces because two people are one: it holds as long as what it repeats holds, and the merge.

A merge says of each face of the one that it is the other. If answers are undone or redone later, some of that has lost
its reason, and other faces are somebody's who has been merged meanwhile: the undo puts both right.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from phototag.display import printable
from phototag.errors import UsageError
from phototag.remedies import UndoEarlier
from phototag.store.connect import Store
from phototag.store.decisions import IN_FORCE, Decision


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the journal about a face."""

    id: int
    answer: int
    imported: bool
    verb: str
    person: int


@dataclass(slots=True)
class _Said:
    """What stands of a face, row by row: its label, and who it is not."""

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


class Repeats:
    """What the merges say again, as things stand. Raises UsageError if two people would each be merged into the other.

    `lost`: rows of the journal that stood just before.
    """

    def __init__(self, store: Store, lost: Iterable[int]) -> None:
        self._store = store
        self._lost = set(lost)
        self._into: dict[int, int] = {}
        self._merges: dict[int, list[tuple[int, int, int, bool]]] = {}  # answer → row, person, into whom, if it stands
        last: dict[int, tuple[int, int, int]] = {}  # of several merges of a person, as `people.refresh` sees it
        self._undos: dict[int, bool] = {}  # answer → whether it is an undo
        for row, answer, person, other, stands in store.rows(
            f"SELECT d.id, d.answer, d.person, d.other_person, {IN_FORCE} FROM decision d"
            " WHERE d.verb = 'merge' ORDER BY d.id"
        ):
            self._merges.setdefault(answer, []).append((row, person, other, bool(stands)))
            if stands:
                self._into[person] = other
                last[person] = (row, person, other)
        for person in self._into:
            self._chain(person)
        self._in_order = sorted(last.values())

    def _chain(self, person: int) -> list[int]:
        """The person, and whom they were merged into, one after the other."""
        chain = [person]
        while (other := self._into.get(chain[-1])) is not None:
            if other in chain:
                one, two = (
                    self._store.value("SELECT name FROM person WHERE id = ?", (who,)) for who in (chain[-1], other)
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
        together = set(people)
        pairs = [(person, other) for merges in self._merges.values() for _, person, other, _ in merges]
        while more := {who for pair in pairs if not together.isdisjoint(pair) for who in pair} - together:
            together |= more
        return {
            face
            for person in together
            for (face,) in self._store.rows(
                "SELECT face FROM decision WHERE person = ? AND verb IN ('is', 'is-not')", (person,)
            )
        }

    def of(self, face: int) -> tuple[list[int], list[Decision]]:
        """Rows about a face that lost what they repeat, and what has to be said of it again."""
        if not self._merges:
            return [], []
        stands, meant = _Said(), _Said()
        without_reason = []
        merges = deque(self._in_order)
        into: dict[int, int] = {}
        for row in self._rows(face):
            while merges and merges[0][0] < row.id:
                _merge(meant, into, *merges.popleft()[1:])
            if not self._repeats(row):
                stands.take(row.verb, row.person)
                meant.take(row.verb, _whole(into, row.person))
            elif self._has_reason(row, stands):
                stands.take(row.verb, row.person)
            else:
                without_reason.append(row.id)
        for _, person, other in merges:
            _merge(meant, into, person, other)
        return without_reason, list(_again(face, stands, meant))

    def _rows(self, face: int) -> list[_Row]:
        return [
            _Row(row, answer, origin == "imported", verb, person or 0)
            for row, answer, origin, verb, person in self._store.rows(
                "SELECT id, answer, origin, verb, person FROM standing WHERE face = ?"
                " AND verb IN ('is', 'is-not', 'not-a-face', 'dont-care') ORDER BY id",
                (face,),
            )
        ]

    def _repeats(self, row: _Row) -> bool:
        """Whether nobody said a row in itself, but a merge, or an undo, for something said before."""
        if row.verb not in ("is", "is-not"):
            return False
        return self._is_undo(row.answer) or bool(self._merges_of(row))

    def _has_reason(self, row: _Row, said: _Said) -> bool:
        """Whether that which a row repeats is still said."""
        if self._is_undo(row.answer):
            known = {*said.rejected, *(said.label[1:] if said.label else ())}
            return any(said.says(row.verb, who) and row.person in self._chain(who)[1:] for who in known)
        return any(stands and said.says(row.verb, person) for _, person, _, stands in self._merges_of(row))

    def _merges_of(self, row: _Row) -> list[tuple[int, int, int, bool]]:
        """The merges that may have said a row."""
        merges = [one for one in self._merges.get(row.answer, ()) if one[2] == row.person and one[0] < row.id]
        if row.imported:  # a file says more than its merges do
            merges = [one for one in merges if self._repeats_lost(row, one[1], one[0])]
        return merges

    def _repeats_lost(self, row: _Row, person: int, merge: int) -> bool:
        return any(
            earlier in self._lost
            for (earlier,) in self._store.rows(
                "SELECT d.id FROM decision d JOIN decision r ON r.face = d.face AND r.id = ?"
                " WHERE d.verb = ? AND d.person = ? AND d.id < ?",
                (row.id, row.verb, person, merge),
            )
        )

    def _is_undo(self, answer: int) -> bool:
        if answer not in self._undos:
            found = self._store.value("SELECT 1 FROM decision WHERE answer = ? AND verb = 'undo'", (answer,))
            self._undos[answer] = found is not None
        return self._undos[answer]


def _whole(into: dict[int, int], person: int) -> int:
    while person in into:
        person = into[person]
    return person


def _merge(said: _Said, into: dict[int, int], person: int, other: int) -> None:
    """What a merge says of a face of which this was said before."""
    into[person] = other
    now = _whole(into, other)
    if said.label == ("is", person):
        said.take("is", now)
    if person in said.rejected and said.label != ("is", now):
        said.rejected.add(now)


def _again(face: int, stands: _Said, meant: _Said) -> Iterator[Decision]:
    """What makes of that which stands of a face what is meant."""
    if stands.label != meant.label:
        if meant.label and meant.label[0] == "is":
            yield Decision("is", face, meant.label[1])
        elif stands.label and meant.label is None:
            yield Decision("is-not", face, stands.label[1])
    whom = meant.label[1] if meant.label else None
    for person in sorted(meant.rejected - stands.rejected - {whom}):
        yield Decision("is-not", face, person)
