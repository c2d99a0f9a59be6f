"""Groups of unknown faces: the pages of each, and lists of them in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from phototag.report import layout
from phototag.report.album import Album, FaceEntry, GroupEntry
from phototag.report.page_writer import PageWriter
from phototag.report.paging import FACES_A_PAGE, chunks, pages, with_neighbours

_GROUPS_A_PAGE = 20
_SAMPLE = 10  # faces of each group on a list; _GROUPS_A_PAGE · _SAMPLE ≤ FACES_A_PAGE
_TEASER = 3


@dataclass(frozen=True, slots=True)
class GroupCard:
    """A group on a list: its size and its most central faces."""

    number: int
    size: int
    faces: Sequence[FaceEntry]


def write_groups(album: Album, writer: PageWriter) -> list[GroupCard]:
    """Write every group's pages and the lists; returns the first few groups."""
    teaser: list[GroupCard] = []
    cards = (_group(writer, group) for group in album.groups())
    for number, (_, shown, after) in enumerate(with_neighbours(chunks(cards, _GROUPS_A_PAGE)), 1):
        _list(writer, number, shown, more=after is not None)
        teaser = teaser or shown[:_TEASER]
    if not teaser:
        _list(writer, 1, [], more=False)
    return teaser


def _group(writer: PageWriter, group: GroupEntry) -> GroupCard:
    for pager, faces in pages(group.faces, FACES_A_PAGE, layout.group(group.number)):
        writer.page(pager.here, "group.html", group=group, pager=pager, faces=faces)
    return GroupCard(group.number, len(group.faces), tuple(group.faces[:_SAMPLE]))


def _list(writer: PageWriter, number: int, groups: list[GroupCard], more: bool) -> None:
    writer.page(
        layout.numbered(layout.GROUPS, number),
        "groups.html",
        groups=groups,
        number=number,
        before=layout.numbered(layout.GROUPS, number - 1) if number > 1 else None,
        after=layout.numbered(layout.GROUPS, number + 1) if more else None,
    )
