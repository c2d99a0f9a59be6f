"""`phototag train`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from phototag.cli import options
from phototag.display import counted


@click.command(short_help="Learn the people that you named.")
@options.precision
@options.database
@options.as_json
def train(precision: float | None, db: Path | None, as_json: bool) -> None:
    """Learn the people that you named, from sharp and large faces, and how probable a guess is to be right."""
    from phototag.workflows.recognition.train import train_people

    settings = options.settings(db=db, precision=precision)
    with options.store(db) as store:
        done = train_people(store, options.progress(as_json), precision=settings.requested_precision())
    text = f"Learnt {counted(done.people, 'person', 'people')} from {counted(done.faces, 'named face')}"
    if done.left_out:
        text += f" ({done.left_out:,} too poor to learn from)"
    text += "."
    if done.people == 1:
        text += " One person can't be compared with anybody: name another group with `phototag name`."
    elif not done.calibrated_on:
        text += " Too few faces are named to measure how reliable guesses are: the embedder's typical values are used."
    options.show(asdict(done), text, as_json)
