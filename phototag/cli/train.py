"""`phototag train`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from phototag.cli import options


@click.command(short_help="Learn the people that you named.")
@options.database
@options.as_json
def train(db: Path | None, as_json: bool) -> None:
    """Learn the people that you named, from their faces that are sharp and large enough."""
    from phototag.workflows.train import train_people

    with options.store(db) as store:
        done = train_people(store, options.progress(as_json))
    text = f"Learnt {options.many(done.people, 'person', 'people')} from {options.many(done.faces, 'named face')}"
    if done.left_out:
        text += f" ({done.left_out:,} too poor to learn from)"
    options.show(asdict(done), f"{text}.", as_json)
