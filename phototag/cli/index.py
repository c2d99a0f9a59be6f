"""`phototag index`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phototag.cli import options
from phototag.display import counted
from phototag.errors import DONE_WITH_PROBLEMS, LibraryOfflineError

if TYPE_CHECKING:
    from phototag.config import Settings
    from phototag.workflows.library.index import Indexed


@click.command(short_help="Find faces in new and changed photos.")
@options.paths
@click.option(
    "--relocate",
    nargs=2,
    type=click.Path(path_type=Path),
    metavar="OLD NEW",
    help="Say that the indexed folder OLD was renamed to, or is mounted at, NEW. All names stay.",
)
@options.index_options
@options.as_json
def index(
    paths: tuple[Path, ...],
    relocate: tuple[Path, Path] | None,
    settings: Settings,
    how: dict[str, Any],
    as_json: bool,
) -> int:
    """Find the faces in new and changed photos of PATHS (default: all indexed folders).

    Photos are only read. You can stop it at any time; the next run continues. Skipped are hidden files and folders,
    folders with a `.nomedia` or `.noimage` file, folders of the system and, without --follow, symbolic links.
    """
    from phototag.workflows.library.index import index as job
    from phototag.workflows.library.relocate import relocate as move

    with options.store_for(() if relocate else paths, settings.db) as store:
        if relocate:
            move(store, *relocate)
            paths = (*paths, relocate[1])
        done = job(store, paths, settings, options.progress(as_json), **how)
    options.show(asdict(done), sentence(done), as_json)
    return status(done)


def sentence(done: Indexed) -> str:
    """What an index run did, in a line."""
    copies = f" ({done.copies:,} of them copies of known photos)" if done.copies else ""
    parts = [f"{counted(done.photos, 'photo')} indexed{copies}, {counted(done.faces, 'face')} found"]
    if done.reembedded:
        parts.append(f"{counted(done.reembedded, 'known face')} seen by another embedder")
    if done.unchanged:
        parts.append(f"{done.unchanged:,} unchanged")
    if done.missing:
        parts.append(f"{done.missing:,} no longer there (kept in the database)")
    if done.left:
        parts.append(f"{done.left:,} left for the next run")
    if done.faces_left:
        parts.append(f"{counted(done.faces_left, 'known face')} left for another embedder to see at the next run")
    if done.problems:
        parts.append(f"{counted(done.problems, 'file')} could not be used")
    return "; ".join(parts) + "."


def status(done: Indexed) -> int:
    """The exit code of an index run. Raises LibraryOfflineError, which has one of its own."""
    if done.offline:
        raise LibraryOfflineError("; ".join(done.offline))
    return DONE_WITH_PROBLEMS if done.problems else 0
