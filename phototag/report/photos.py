"""Photos in one pass: their pictures, a page each, lists by year, and the index of years."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field

from phototag.display import relative_url
from phototag.progress import Progress
from phototag.report import layout
from phototag.report.album import Album, PhotoEntry
from phototag.report.describe import year
from phototag.report.jinja import day, month
from phototag.report.marks import marks
from phototag.report.page_writer import PageWriter
from phototag.report.paging import CARDS_A_PAGE, FACES_A_PAGE, runs, with_neighbours

_RECENT = 12


@dataclass(frozen=True, slots=True)
class YearPage:
    """One list page of a year: its file name, and its first and last day."""

    url: str
    photos: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class PhotoIndex:
    """The list pages of each year, and the last few photos."""

    years: dict[str, list[YearPage]] = field(default_factory=dict)
    recent: deque[PhotoEntry] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def remember(self, photo: PhotoEntry) -> None:
        """Keep `photo` among the recent ones; an undated one only as long as there is no dated one."""
        if year(photo) or not (self.recent and year(self.recent[-1])):
            self.recent.append(photo)

    def next_page(self, photo: PhotoEntry) -> str:
        """The list page that `photo` will be on: the next one of its year."""
        return layout.numbered(layout.year(year(photo)), len(self.years.get(year(photo), ())) + 1)


def write_photos(album: Album, writer: PageWriter, progress: Progress) -> PhotoIndex:
    """Write every photo's page and pictures, and a list page of its year whenever one is full."""
    index = PhotoIndex()
    cards: list[PhotoEntry] = []
    previous_list: str | None = None
    for before, photo, after in with_neighbours(album.photos()):
        _pictures(album, writer, photo)
        _photo(writer, index, before, photo, after)
        cards.append(photo)
        index.remember(photo)
        if after is None or len(cards) == CARDS_A_PAGE or year(after) != year(photo):
            previous_list = _list(writer, index, cards, previous_list, after)
            cards = []
        progress.advance(len(photo.faces))
    writer.page(layout.PHOTOS, "photos.html", years=index.years)
    return index


def _pictures(album: Album, writer: PageWriter, photo: PhotoEntry) -> None:
    preview = album.preview(photo.id)
    if preview is not None:
        writer.file(layout.preview(photo.id), preview)
    for face in photo.faces:
        crop = album.crop(face.id)
        if crop is not None:
            writer.file(layout.crop(face.id), crop)


def _photo(
    writer: PageWriter, index: PhotoIndex, before: PhotoEntry | None, photo: PhotoEntry, after: PhotoEntry | None
) -> None:
    name = layout.photo(photo.id)
    faces = tuple(sorted(photo.faces, key=lambda face: (face.box.x, face.id)))[:FACES_A_PAGE]
    original = os.path.join(photo.root, photo.path)
    writer.page(
        name,
        "photo.html",
        photo=photo,
        faces=faces,
        marks=marks(photo, faces),
        before=before,
        after=after,
        original=relative_url(writer.relative_path(name, original)),
        list_url=index.next_page(photo),
    )


def _list(
    writer: PageWriter, index: PhotoIndex, cards: list[PhotoEntry], before: str | None, after: PhotoEntry | None
) -> str:
    """Write one list page; returns its file name."""
    url = index.next_page(cards[0])
    pages = index.years.setdefault(year(cards[0]), [])
    pages.append(YearPage(url, len(cards), day(cards[0].taken_at), day(cards[-1].taken_at)))
    writer.page(
        url,
        "year.html",
        year=year(cards[0]),
        number=len(pages),
        months=runs(cards, lambda photo: month(photo.taken_at)),
        before=before,
        after=index.next_page(after) if after else None,
    )
    return url
