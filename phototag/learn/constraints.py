"""Must-link and cannot-link constraints between faces and people, made consistent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Constraint:
    """Two nodes (faces or people) are the same person (`same`: must-link), or are not (cannot-link)."""

    one: int
    other: int
    same: bool


@dataclass(slots=True)
class ConstraintSet:
    """A consistent set of constraints: a union-find of must-links, with the cannot-links between its sets."""

    _parent: dict[int, int] = field(default_factory=dict)
    _cannot_link: dict[int, set[int]] = field(default_factory=dict)
    _people: set[int] = field(default_factory=set)

    def add_person(self, node: int) -> None:
        """Declare that a node is a person: no two people are the same."""
        self._people.add(self.representative(node))

    def add(self, constraints: Iterable[Constraint]) -> list[Constraint]:
        """Add constraints, the most certain first; returns those that contradict earlier ones, and are left out."""
        return [constraint for constraint in constraints if not self._add(constraint)]

    def representative(self, node: int) -> int:
        """The node that represents all nodes that are the same person as this one."""
        parent = self._parent
        while (above := parent.get(node, node)) != node:
            parent[node] = parent.get(above, above)
            node = above
        return node

    def cannot_link_keys(self) -> dict[int, set[int]]:
        """Keys of each representative: two of them share a key if, and only if, they must stay apart."""
        keys: dict[int, set[int]] = {node: {0} for node in self._people}
        key = 0
        for one, others in sorted(self._cannot_link.items()):
            for other in sorted(others):
                if one < other:
                    key += 1
                    keys.setdefault(one, set()).add(key)
                    keys.setdefault(other, set()).add(key)
        return keys

    def _add(self, constraint: Constraint) -> bool:
        """Whether it agrees with what was there before."""
        one, other = self.representative(constraint.one), self.representative(constraint.other)
        if constraint.same:
            return one == other or self._merge(one, other)
        if one == other:
            return False
        self._cannot_link.setdefault(one, set()).add(other)
        self._cannot_link.setdefault(other, set()).add(one)
        return True

    def _merge(self, one: int, other: int) -> bool:
        """Make two representatives one, unless they must stay apart."""
        if other in self._cannot_link.get(one, ()) or {one, other} <= self._people:
            return False
        if len(self._cannot_link.get(one, ())) < len(self._cannot_link.get(other, ())):
            one, other = other, one
        self._parent[other] = one
        for apart in self._cannot_link.pop(other, ()):
            self._cannot_link[apart].discard(other)
            self._cannot_link[apart].add(one)
            self._cannot_link.setdefault(one, set()).add(apart)
        if other in self._people:
            self._people.discard(other)
            self._people.add(one)
        return True
