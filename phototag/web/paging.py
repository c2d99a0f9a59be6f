"""Pagination of the lists on the review pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from phototag.report.paging import window

T = TypeVar("T")

CARDS_A_PAGE = 96


@dataclass(frozen=True, slots=True)
class Pager:
    """Page `number` of `total`; `base`: the address to which `page=NUMBER` is appended."""

    base: str
    number: int
    total: int

    def url(self, number: int) -> str:
        """The address of another page."""
        return f"{self.base}page={number}"

    @property
    def window(self) -> list[int | None]:
        """The page numbers to link to, None for a gap."""
        return window(self.number, self.total)


def paginate(items: Sequence[T], size: int, wanted: int, base: str) -> tuple[Sequence[T], Pager]:
    """Page `wanted` of `items`, or the nearest page that exists."""
    total = max(1, -(-len(items) // size))
    number = min(max(1, wanted), total)
    return items[(number - 1) * size : number * size], Pager(base, number, total)
