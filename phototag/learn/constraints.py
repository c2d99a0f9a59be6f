"""What humans said about pairs, made consistent: who belongs together, and who must stay apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Statement:
    """Two nodes (faces, or people) are one person, or are not."""

    one: int
    other: int
    together: bool


@dataclass(slots=True)
class Reconciled:
    """Sets of nodes that belong together, kept while statements come in."""

    _above: dict[int, int] = field(default_factory=dict)
    _apart: dict[int, set[int]] = field(default_factory=dict)
    _named: set[int] = field(default_factory=set)

    def name(self, node: int) -> None:
        """Declare that a node is a person: no two of these are the same."""
        self._named.add(self.of(node))

    def add(self, statements: Iterable[Statement]) -> list[Statement]:
        """Take statements in, the most certain first; returns those that contradict what was there before."""
        return [statement for statement in statements if not self._add(statement)]

    def of(self, node: int) -> int:
        """The node that stands for everybody with whom this one belongs together."""
        above = self._above
        while (top := above.get(node, node)) != node:
            above[node] = above.get(top, top)
            node = top
        return node

    def marks(self) -> dict[int, set[int]]:
        """By node that stands for others: marks, one of which two nodes share if they must stay apart."""
        found: dict[int, set[int]] = {node: {0} for node in self._named}
        mark = 0
        for one, others in sorted(self._apart.items()):
            for other in sorted(others):
                if one < other:
                    mark += 1
                    found.setdefault(one, set()).add(mark)
                    found.setdefault(other, set()).add(mark)
        return found

    def _add(self, statement: Statement) -> bool:
        one, other = self.of(statement.one), self.of(statement.other)
        apart = other in self._apart.get(one, ()) or {one, other} <= self._named
        if not statement.together:
            if one == other:
                return False
            self._apart.setdefault(one, set()).add(other)
            self._apart.setdefault(other, set()).add(one)
            return True
        if one == other:
            return True
        if apart:
            return False
        if len(self._apart.get(one, ())) < len(self._apart.get(other, ())):
            one, other = other, one
        self._above[other] = one
        for foe in self._apart.pop(other, ()):
            self._apart[foe].discard(other)
            self._apart[foe].add(one)
            self._apart.setdefault(one, set()).add(foe)
        if other in self._named:
            self._named.discard(other)
            self._named.add(one)
        return True
