"""Lists cut into pages, as the review pages ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from phototag.report.paging import window

T = TypeVar("T")

CARDS_A_PAGE = 96


@dataclass(frozen=True, slots=True)
class Pager:
    """Page `number` of `total`; `first`: the address that takes `page=NUMBER` at its end."""

    first: str
    number: int
    total: int

    def url(self, number: int) -> str:
        """The address of another page."""
        return f"{self.first}page={number}"

    @property
    def window(self) -> list[int | None]:
        """The page numbers to offer, None for a gap."""
        return window(self.number, self.total)


def paginate(items: Sequence[T], size: int, wanted: int, first: str) -> tuple[Sequence[T], Pager]:
    """One page of `items`: the wanted one, or the nearest that there is."""
    total = max(1, -(-len(items) // size))
    number = min(max(1, wanted), total)
    return items[(number - 1) * size : number * size], Pager(first, number, total)
