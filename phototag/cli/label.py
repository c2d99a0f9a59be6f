"""`phototag label`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from phototag.cli import options


@click.command(short_help="Take names from the folders photos lie in.")
@click.option(
    "--from-folders",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Name the main face of each photo below DIR after the folder that the photo is in.",
)
@options.database
@options.as_json
def label(folder: Path, db: Path | None, as_json: bool) -> None:
    """Take names from where the photos lie, as in `people/Ada Lovelace/1.jpg`."""
    from phototag.workflows.label import label_from_folders

    with options.store(db) as store:
        done = label_from_folders(store, folder)
    without = f"; {options.many(done.faceless, 'photo')} without a face" if done.faceless else ""
    options.show(
        asdict(done),
        f"Named {options.many(done.faces, 'face')} of {options.many(done.people, 'person', 'people')}{without}.",
        as_json,
    )
