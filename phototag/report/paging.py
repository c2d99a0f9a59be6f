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
    """`items` in lists of `size`, the last one perhaps shorter. Lazy."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def with_neighbours(items: Iterable[T]) -> Iterator[tuple[T | None, T, T | None]]:
    """Each item with the one before and the one after it. Lazy: it reads one item ahead."""
    before: T | None = None
    rest = iter(items)
    for current in islice(rest, 1):
        item = current
        for after in rest:
            yield before, item, after
            before, item = item, after
        yield before, item, None


def runs(items: Iterable[T], heading: Callable[[T], str]) -> list[tuple[str, list[T]]]:
    """Consecutive items grouped by their heading."""
    return [(words, list(run)) for words, run in groupby(items, heading)]


@dataclass(frozen=True, slots=True)
class Pager:
    """Page `number` of `total`; `first`: the file name of page 1."""

    first: str
    number: int
    total: int

    def url(self, number: int) -> str:
        """The file name of another page."""
        return layout.numbered(self.first, number)

    @property
    def here(self) -> str:
        """The file name of this page."""
        return self.url(self.number)

    @property
    def window(self) -> list[int | None]:
        """The page numbers to offer, None for a gap."""
        return window(self.number, self.total)


def window(number: int, total: int) -> list[int | None]:
    """The page numbers to offer on page `number`: first, last and its neighbours; None for a gap."""
    near = range(max(1, number - 2), min(total, number + 2) + 1)
    offered: list[int | None] = []
    for other in sorted({1, *near, total}):
        if offered and other - 1 != offered[-1]:
            offered.append(None)
        offered.append(other)
    return offered


def pages(items: Sequence[T], size: int, first: str) -> Iterator[tuple[Pager, Sequence[T]]]:
    """`items` cut into pages; one empty page for no items."""
    total = max(1, -(-len(items) // size))
    for number in range(1, total + 1):
        yield Pager(first, number, total), items[(number - 1) * size : number * size]
