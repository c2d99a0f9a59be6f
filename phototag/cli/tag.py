"""`phototag tag`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from phototag.cli import options


@click.command(short_help="Name the faces that the model is sure of.")
@options.database
@options.as_json
def tag(db: Path | None, as_json: bool) -> None:
    """Name the faces that the trained model is sure of; your own names are never touched."""
    from phototag.workflows.tag import tag_faces

    with options.store(db) as store:
        done = tag_faces(store, options.progress(as_json))
    options.show(
        asdict(done),
        f"{options.many(done.faces, 'unnamed face')}: {done.named:,} tagged, {done.faces - done.named:,} unknown.",
        as_json,
    )
