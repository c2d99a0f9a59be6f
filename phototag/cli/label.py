"""`phototag label`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from phototag.cli import options
from phototag.cli.tag import told
from phototag.display import counted


@click.command(short_help="Take names from the folders photos lie in.")
@click.option(
    "--from-folders",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Name the main face of each photo below DIR after the folder that the photo is in.",
)
@options.no_tag
@options.database
@options.as_json
def label(folder: Path, no_tag: bool, db: Path | None, as_json: bool) -> None:
    """Take names from where the photos lie, as in `people/Ada Lovelace/1.jpg`, and look for them in all others."""
    from phototag.workflows.label import label_from_folders
    from phototag.workflows.tag import try_names

    with options.store(db) as store:
        done = label_from_folders(store, folder)
        tagged = try_names(store, options.progress(as_json)) if done.faces and not no_tag else None
    without = f"; {counted(done.faceless, 'photo')} without a face" if done.faceless else ""
    lines = [f"Named {counted(done.faces, 'face')} of {counted(done.people, 'person', 'people')}{without}."]
    lines += told(tagged) if tagged else []
    options.show({**asdict(done), "tagged": asdict(tagged) if tagged else None}, "\n".join(lines), as_json)
