"""What is said again of faces because two people are one: it holds as long as what it repeats holds, and the merge.

A merge says of each face of the one that it is the other. If answers are undone or redone later, some of that has lost
its reason, and other faces are somebody's who has been merged meanwhile: the undo puts both right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from phototag.display import printable
from phototag.errors import UsageError
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
        self._undos: dict[int, bool] = {}  # answer → whether it is an undo
        for row, answer, person, other, stands in store.rows(
            "SELECT d.id, d.answer, d.person, d.other_person, NOT EXISTS (SELECT 1 FROM withdrawn w"
            " WHERE w.decision = d.id) FROM decision d WHERE d.verb = 'merge' ORDER BY d.id"
        ):
            self._merges.setdefault(answer, []).append((row, person, other, bool(stands)))
            if stands:
                self._into[person] = other
        for person in self._into:
            self._chain(person)

    def _chain(self, person: int) -> list[int]:
        """The person, and whom they were merged into, one after the other."""
        chain = [person]
        while (other := self._into.get(chain[-1])) is not None:
            if other in chain:
                one, two = (
                    self._store.value("SELECT name FROM person WHERE id = ?", (who,)) for who in (chain[-1], other)
                )
                raise UsageError(
                    f"{printable(one)} can't be {printable(two)}: the other way round was said, too, and stands; "
                    "`phototag history` shows it, undo that first"
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
        said, without_reason = _Said(), []
        for row in self._rows(face):
            if self._has_reason(row, said):
                said.take(row.verb, row.person)
            else:
                without_reason.append(row.id)
        return without_reason, list(self._again(face, said))

    def _rows(self, face: int) -> list[_Row]:
        return [
            _Row(row, answer, origin == "imported", verb, person or 0)
            for row, answer, origin, verb, person in self._store.rows(
                "SELECT id, answer, origin, verb, person FROM standing WHERE face = ?"
                " AND verb IN ('is', 'is-not', 'not-a-face', 'dont-care') ORDER BY id",
                (face,),
            )
        ]

    def _has_reason(self, row: _Row, said: _Said) -> bool:
        """Whether a row was said by a human, or still repeats something that stands."""
        if row.verb not in ("is", "is-not"):
            return True
        if self._is_undo(row.answer):
            known = {said.label[1]} if row.verb == "is" and said.label else said.rejected
            return any(row.person in self._chain(who)[1:] for who in known if said.says(row.verb, who))
        merges = [one for one in self._merges.get(row.answer, ()) if one[2] == row.person and one[0] < row.id]
        if row.imported:  # a file says more than its merges do
            merges = [one for one in merges if self._repeats_lost(row, one[1], one[0])]
        return not merges or any(stands and said.says(row.verb, person) for _, person, _, stands in merges)

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

    def _again(self, face: int, said: _Said) -> Iterator[Decision]:
        whom = said.label[1] if said.label and said.label[0] == "is" else None
        now = None if whom is None else self._chain(whom)[-1]
        if now != whom:
            yield Decision("is", face, now)
        refused = {self._chain(person)[-1] for person in said.rejected} - said.rejected - {now}
        for person in sorted(refused):
            yield Decision("is-not", face, person)
