"""`phototag label`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from phototag.cli import options
from phototag.cli.tag import tagging_lines
from phototag.display import counted


@click.command(short_help="Take names from folders.")
@click.option(
    "--from-folders",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Name the main face of each photo below DIR after the first folder below it.",
)
@options.no_tag
@options.database
@options.as_json
def label(folder: Path, no_tag: bool, db: Path | None, as_json: bool) -> None:
    """Take names from folders, as in `people/Ada Lovelace/2019/1.jpg`, and look for these people in all other photos.

    A photo that is in two people's folders, or on which several faces may be the person, is left out and listed.
    """
    from phototag.workflows.naming.label import label_from_folders
    from phototag.workflows.recognition.refresh import refresh

    with options.store(db) as store:
        done = label_from_folders(store, folder)
        tagged = refresh(store, options.progress(as_json)) if done.faces and not no_tag else None
    without = f"; {counted(done.faceless, 'photo')} without a face" if done.faceless else ""
    lines = [f"Named {counted(done.faces, 'face')} of {counted(done.people, 'person', 'people')}{without}."]
    if done.conflicts:
        count = counted(len(done.conflicts), "photo")
        lines.append(f"{count} left out: it isn't clear which face is who. Name them with `phototag faces is`:")
        lines += [f"  {conflict}" for conflict in done.conflicts]
    lines += tagging_lines(tagged) if tagged else []
    options.show({**asdict(done), "tagged": asdict(tagged) if tagged else None}, "\n".join(lines), as_json)
