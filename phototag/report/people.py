"""People: two indexes (by number of faces, by name), and the pages of each person."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from phototag.report import layout
from phototag.report.album import Album, PersonEntry
from phototag.report.describe import year
from phototag.report.page_writer import PageWriter
from phototag.report.paging import CARDS_A_PAGE, FACES_A_PAGE, pages, runs

_COMPANIONS = 12
_MAX_LETTERS = 80  # with more initials (of Chinese names, say) a row of links is of no use


def write_people(album: Album, writer: PageWriter, people: Sequence[PersonEntry]) -> None:
    """Write both indexes and every person's pages; only one person's faces are in memory at a time."""
    _index(writer, layout.PEOPLE, people)
    _index(writer, layout.PEOPLE_BY_NAME, sorted(people, key=_alphabetical), by_name=True)
    for person in people:
        _person(album, writer, person)


def _index(writer: PageWriter, first: str, people: Sequence[PersonEntry], by_name: bool = False) -> None:
    spread = list(pages(people, CARDS_A_PAGE, first))
    letters: dict[str, str] = {}
    for pager, shown in spread:
        for person in shown:
            letters.setdefault(_letter(person), pager.here)
    for pager, shown in spread:
        writer.page(
            pager.here,
            "people.html",
            pager=pager,
            by_name=by_name,
            letters=letters if by_name and len(letters) <= _MAX_LETTERS else {},
            runs=runs(shown, _letter) if by_name else [("", list(shown))],
        )


def _person(album: Album, writer: PageWriter, person: PersonEntry) -> None:
    spread = list(pages(list(album.faces_of(person.id)), FACES_A_PAGE, layout.person(person.id)))
    years: dict[str, str] = {}
    for pager, faces in spread:
        for face in faces:
            years.setdefault(year(face), pager.here)
    together = [(other, photos) for other, photos in album.together(person.id) if other.id in writer.shown]
    for pager, faces in spread:
        writer.page(
            pager.here,
            "person.html",
            person=person,
            pager=pager,
            years=years,
            runs=runs(faces, year),
            together=together[:_COMPANIONS],
        )


def _letter(person: PersonEntry) -> str:
    """The heading of a name: its first letter without accents, `#` for anything but a letter."""
    first = unicodedata.normalize("NFKD", person.name)[:1].upper()[:1]
    return first if first.isalpha() else "#"


def _alphabetical(person: PersonEntry) -> tuple[bool, str, str]:
    return _letter(person) == "#", _letter(person), unicodedata.normalize("NFKD", person.name).casefold()
