"""A whole report: every page of an album, written in one go into one folder."""

from __future__ import annotations

from pathlib import Path

from phototag.progress import Progress
from phototag.report import layout
from phototag.report.pages import Album
from phototag.report.people import write_people
from phototag.report.photos import write_photos
from phototag.report.press import Press
from phototag.report.problems import write_problems
from phototag.report.reliability import write_reliability
from phototag.report.render import templates
from phototag.report.unknown import write_groups

_FIRST_PEOPLE = 24


def write_book(album: Album, folder: Path, final: Path, progress: Progress) -> None:
    """All pages and pictures into the empty `folder`, which will lie at `final` in the end.

    Photos come first: the pages after them show the pictures that they wrote. Progress counts faces.
    Raises what the album or the file system raises.
    """
    summary = album.summary()
    people = album.people()
    press = Press(folder, final, summary, frozenset(person.id for person in people))
    progress.start("report", summary.faces)
    for name in (layout.STYLE, layout.ICON):
        press.file(name, (templates() / name).read_bytes())
    # Keeps this report's own pictures out of the next walk, should it lie inside a photo library.
    press.file(".nomedia", b"")
    shelf = write_photos(album, press, progress)
    write_reliability(album, press)
    write_people(album, press, people)
    groups = write_groups(album, press)
    write_problems(album, press)
    press.page(
        layout.HOME,
        "home.html",
        people=people[:_FIRST_PEOPLE],
        groups=groups,
        years=shelf.years,
        recent=list(reversed(shelf.recent)),
    )
    progress.finish()
