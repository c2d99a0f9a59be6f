"""Group numbers that last: a new group takes the number of the old one that has most of its faces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChangedGroup:
    """A group whose faces are not those that it had.

    `number`: its number now, or the last one if it is gone. `was`: the number of the group that it was, None for a new
    one; of groups made from scratch, of the one with most of their faces. `before`, `after`: how many faces, without
    those that were named meanwhile. `gained`, `lost`: how many of them came and went.
    """

    number: int
    was: int | None
    before: int
    after: int
    gained: int
    lost: int


def match_numbers(groups: Sequence[Sequence[int]], old: Mapping[int, int | None]) -> dict[int, int]:
    """For each group (by its place) the number that it had: each number goes to the group with most of its faces.

    `old`: face → number. New groups are left out.
    """
    votes = Counter(
        (place, number) for place, group in enumerate(groups) for face in group if (number := old.get(face)) is not None
    )
    matched: dict[int, int] = {}
    taken: set[int] = set()
    for (place, number), _ in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0][1], vote[0][0])):
        if place not in matched and number not in taken:
            matched[place] = number
            taken.add(number)
    return matched


def changed_groups(
    groups: Sequence[Sequence[int]], numbers: Sequence[int], matched: Mapping[int, int], old: Mapping[int, int]
) -> Iterator[ChangedGroup]:
    """The groups that are new, gone, or have other faces. `old`: face → number, of faces that were in a group."""
    before = Counter(old.values())
    for place, (number, group) in enumerate(zip(numbers, groups, strict=True)):
        was = matched.get(place)
        had = 0 if was is None else before.pop(was)
        kept = sum(face in old and old[face] == was for face in group)
        if not had == kept == len(group):
            yield ChangedGroup(number, was, had, len(group), len(group) - kept, had - kept)
    for number, had in before.items():
        yield ChangedGroup(number, number, had, 0, 0, had)
