"""Lists cut into pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TypeVar

from phototag.report import layout

T = TypeVar("T")

FACES_A_PAGE = 200
CARDS_A_PAGE = 100
ROWS_A_PAGE = 200


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """`items` in lists of `size`, the last one perhaps shorter; reads no further than it must."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def with_neighbours(items: Iterable[T]) -> Iterator[tuple[T | None, T, T | None]]:
    """Each item between the one before and the one after; reads one item ahead."""
    before: T | None = None
    rest = iter(items)
    for current in islice(rest, 1):
        item = current
        for after in rest:
            yield before, item, after
            before, item = item, after
        yield before, item, None


def runs(items: Iterable[T], heading: Callable[[T], str]) -> list[tuple[str, list[T]]]:
    """Neighbouring items under one heading put together."""
    return [(words, list(run)) for words, run in groupby(items, heading)]


@dataclass(frozen=True, slots=True)
class Pager:
    """The place of page `number` among the `total` pages of the list that begins at page `first`."""

    first: str
    number: int
    total: int

    def url(self, number: int) -> str:
        """Where page `number` lies in the report."""
        return layout.numbered(self.first, number)

    @property
    def here(self) -> str:
        """Where this page lies in the report."""
        return self.url(self.number)

    @property
    def window(self) -> list[int | None]:
        """The numbers to offer: first, last and those around this one, None for what is left out."""
        near = range(max(1, self.number - 2), min(self.total, self.number + 2) + 1)
        shown: list[int | None] = []
        for number in sorted({1, *near, self.total}):
            if shown and number - 1 != shown[-1]:
                shown.append(None)
            shown.append(number)
        return shown


def pages(items: Sequence[T], size: int, first: str) -> Iterator[tuple[Pager, Sequence[T]]]:
    """`items` as pages that know their place; one empty page for no items."""
    total = max(1, -(-len(items) // size))
    for number in range(1, total + 1):
        yield Pager(first, number, total), items[(number - 1) * size : number * size]
