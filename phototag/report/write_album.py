"""A whole report: every page of an album, written in one go into one folder."""

from __future__ import annotations

from pathlib import Path

from phototag.progress import Progress
from phototag.report import layout
from phototag.report.album import Album
from phototag.report.jinja import templates_folder
from phototag.report.page_writer import PageWriter
from phototag.report.people import write_people
from phototag.report.photos import write_photos
from phototag.report.problems import write_problems
from phototag.report.reliability import write_reliability
from phototag.report.unknown import write_groups

_FIRST_PEOPLE = 24


def write_album(album: Album, folder: Path, final: Path, progress: Progress) -> None:
    """All pages and pictures into the empty `folder`, which will lie at `final` in the end.

    Photos come first: the pages after them show the pictures that they wrote. Progress counts faces.
    Raises what the album or the file system raises.
    """
    summary = album.summary()
    people = album.people()
    writer = PageWriter(folder, final, summary, frozenset(person.id for person in people))
    progress.start("report", summary.faces)
    for name in (layout.STYLE, layout.ICON):
        writer.file(name, (templates_folder() / name).read_bytes())
    # Keeps this report's own pictures out of the next walk, should it lie inside a photo library.
    writer.file(".nomedia", b"")
    index = write_photos(album, writer, progress)
    write_reliability(album, writer)
    write_people(album, writer, people)
    groups = write_groups(album, writer)
    write_problems(album, writer)
    writer.page(
        layout.HOME,
        "home.html",
        people=people[:_FIRST_PEOPLE],
        groups=groups,
        years=index.years,
        recent=list(reversed(index.recent)),
    )
    progress.finish()
