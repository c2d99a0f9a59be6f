"""Write all pages of the album into a folder."""

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
    """Write all pages and pictures into the empty `folder`, which will be at `final` once it is published.

    Photos come first, because other pages show the pictures that are written with them. Progress counts faces. Raises
    what the album raises, and OSError.
    """
    summary = album.summary()
    people = album.people()
    writer = PageWriter(folder, final, summary, frozenset(person.id for person in people))
    progress.start("report", summary.faces)
    for name in (layout.STYLE, layout.ICON):
        writer.file(name, (templates_folder() / name).read_bytes())
    # Keeps the album's pictures out of the index if the album is inside a photo library.
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
