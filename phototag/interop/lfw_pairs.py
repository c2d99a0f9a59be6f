"""LFW's list of pairs (Huang, Ramesh, Berg, Learned-Miller 2007): which photos are compared, in which fold."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.errors import UsageError

#: Folds of the published list; a list without folds is dealt out to as many.
FOLDS = 10


@dataclass(frozen=True, slots=True)
class PhotoPair:
    """A pair of photos, each by its person's name and its number from 1; `fold` from 0."""

    one: tuple[str, int]
    other: tuple[str, int]
    fold: int

    @property
    def same(self) -> bool:
        return self.one[0] == self.other[0]


def parse(text: str, where: str) -> list[PhotoPair]:
    """The pairs of a `pairs.txt`: `folds count` (or `count`), then for each fold as many same and different pairs.

    `Ada 1 4` is Ada's photos 1 and 4, `Ada 1 Ben 2` two people's. The first line may be missing. A list without folds
    is dealt out to ten. Raises UsageError, with the line, for anything else.
    """
    lines = [line.split("\t") if "\t" in line else line.split() for line in text.splitlines()]
    headless = bool(lines) and len(lines[0]) in (3, 4) and not all(part.isdigit() for part in lines[0])
    head, *rows = [[], *lines] if headless else lines or [[]]
    folds, count = (1, 0) if headless else _head(head, where)
    listed = []
    first_line = 1 if headless else 2
    for number, row in enumerate(row for row in rows if row):
        fold = number // (2 * count) if folds > 1 else number % FOLDS
        try:
            one, first, *other, second = (part.strip() for part in row)
            if len(other) > 1:
                raise ValueError
            listed.append(PhotoPair((one, int(first)), (other[0] if other else one, int(second)), fold))
        except ValueError:
            raise UsageError(
                f"{where}, line {number + first_line}, must be a name and two numbers, or two names, each with a number"
            ) from None
    if not headless and len(listed) != 2 * folds * count:
        raise UsageError(
            f"{where} must list {2 * folds * count:,} pairs, as its first line says, and not {len(listed):,}"
        )
    return listed


def _head(head: list[str], where: str) -> tuple[int, int]:
    """The number of folds, and of same (or different) pairs in each. Raises UsageError."""
    try:
        folds, count = (1, *map(int, head))[-2:]
    except ValueError:
        folds = count = 0
    if not 1 <= len(head) <= 2 or folds < 1 or count < 1:
        raise UsageError(
            f"{where}, line 1, must be the numbers of folds and of pairs in each, as in LFW's pairs.txt, or a pair"
        )
    return folds, count
