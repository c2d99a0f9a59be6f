"""`phototag tag`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phototag.cli import options
from phototag.display import counted, path_text, printable

if TYPE_CHECKING:
    from phototag.store.connect import Store
    from phototag.workflows.recognition.tag import Tagged

#: Names that two faces of one photo might have: how many are shown.
_SHOWN = 5


@click.command(short_help="Name the faces that the model is sure of.")
@click.option(
    "--precision",
    type=float,
    metavar="SHARE",
    help="The share of tags that should be right this time, as 0.995 (default: the last one of `train` or `run`).",
)
@options.database
@options.as_json
def tag(precision: float | None, db: Path | None, as_json: bool) -> None:
    """Name the faces that the trained model is sure of; your own names are never touched."""
    from phototag.workflows.recognition.tag import tag_faces
    from phototag.workflows.recognition.tagging_input import TaggingInput
    from phototag.workflows.recognition.train import train_people
    from phototag.workflows.recognition.trained_model import usable_model

    settings = options.settings(db=db, precision=precision)
    with options.store(db) as store:
        read = TaggingInput.read(store)
        usable_model(store)
        train_people(store, options.progress(as_json), read=read)  # answers may have been saved since the last training
        done = tag_faces(store, options.progress(as_json), precision=settings.requested_precision(), read=read)
    options.show(asdict(done), "\n".join(tagging_lines(done)), as_json)


def tag_and_report(store: Store) -> None:
    """Find the named people on all other faces, print the result, and group the remaining faces again."""
    from phototag.workflows.recognition.refresh import refresh

    if done := refresh(store, options.progress(False)):
        for line in tagging_lines(done):
            click.echo(line)


def tagging_lines(done: Tagged) -> list[str]:
    """How many faces were tagged, how many tags should be wrong, and names that two faces of a photo might have."""
    rest = done.faces - done.named
    lines = [f"{counted(done.faces, 'unnamed face')}: {done.named:,} tagged, {rest:,} unknown."]
    if done.named and done.wrong is None:
        lines.append("There are not enough names yet to tell how many of these tags are wrong.")
    elif done.named:
        lines.append(f"About {done.wrong:.1f} of these tags should be wrong; `phototag tune` shows other choices.")
    if done.twice:
        lines.append("In these photos two faces might have the same name; the more probable one has it:")
        twice = [
            f"{path_text(one.face.photo)}: face {one.kept.face} is {printable(one.person)}, not face {one.face.face}"
            for one in done.twice
        ]
        lines += options.first_lines(twice, _SHOWN)
    return lines
