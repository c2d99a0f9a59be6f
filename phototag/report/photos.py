"""Photos: their pictures, a page each, lists by year, and the index of years; all in one pass."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field

from phototag.display import relative_url
from phototag.progress import Progress
from phototag.report import layout
from phototag.report.marks import marks
from phototag.report.pages import Album, PhotoEntry
from phototag.report.paging import CARDS_A_PAGE, FACES_A_PAGE, runs, with_neighbours
from phototag.report.press import Press
from phototag.report.render import day, month, year

_RECENT = 12


@dataclass(frozen=True, slots=True)
class YearPage:
    """One list page of a year: where it lies and which stretch of days it covers."""

    url: str
    photos: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is remembered of the photos that streamed by: the pages of each year and the last few photos."""

    years: dict[str, list[YearPage]] = field(default_factory=dict)
    recent: deque[PhotoEntry] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def remember(self, photo: PhotoEntry) -> None:
        """Keeps `photo` among the recent ones; an undated one only while no dated one is."""
        if year(photo) or not (self.recent and year(self.recent[-1])):
            self.recent.append(photo)

    def next_page(self, photo: PhotoEntry) -> str:
        """The list page that `photo` will be on: the next one of its year to be written."""
        return layout.numbered(layout.year(year(photo)), len(self.years.get(year(photo), ())) + 1)


def write_photos(album: Album, press: Press, progress: Progress) -> Shelf:
    """Every photo's page and pictures, and a list page of its year whenever one is full."""
    shelf = Shelf()
    cards: list[PhotoEntry] = []
    previous_list: str | None = None
    for before, photo, after in with_neighbours(album.photos()):
        _pictures(album, press, photo)
        _photo(press, shelf, before, photo, after)
        cards.append(photo)
        shelf.remember(photo)
        if after is None or len(cards) == CARDS_A_PAGE or year(after) != year(photo):
            previous_list = _list(press, shelf, cards, previous_list, after)
            cards = []
        progress.advance(len(photo.faces))
    press.page(layout.PHOTOS, "photos.html", years=shelf.years)
    return shelf


def _pictures(album: Album, press: Press, photo: PhotoEntry) -> None:
    preview = album.preview(photo.id)
    if preview is not None:
        press.file(layout.preview(photo.id), preview)
    for face in photo.faces:
        crop = album.crop(face.id)
        if crop is not None:
            press.file(layout.crop(face.id), crop)


def _photo(press: Press, shelf: Shelf, before: PhotoEntry | None, photo: PhotoEntry, after: PhotoEntry | None) -> None:
    name = layout.photo(photo.id)
    faces = tuple(sorted(photo.faces, key=lambda face: (face.box.x, face.id)))[:FACES_A_PAGE]
    original = os.path.join(photo.root, photo.path)
    press.page(
        name,
        "photo.html",
        photo=photo,
        faces=faces,
        marks=marks(photo, faces),
        before=before,
        after=after,
        original=relative_url(press.way_out(name, original)),
        list_url=shelf.next_page(photo),
    )


def _list(press: Press, shelf: Shelf, cards: list[PhotoEntry], before: str | None, after: PhotoEntry | None) -> str:
    """One list page; returns where it lies."""
    url = shelf.next_page(cards[0])
    pages = shelf.years.setdefault(year(cards[0]), [])
    pages.append(YearPage(url, len(cards), day(cards[0].taken_at), day(cards[-1].taken_at)))
    press.page(
        url,
        "year.html",
        year=year(cards[0]),
        number=len(pages),
        months=runs(cards, lambda photo: month(photo.taken_at)),
        before=before,
        after=shelf.next_page(after) if after else None,
    )
    return url
