"""`phototag cluster`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from phototag.cli import options


@click.command(short_help="Group the faces that nobody named.")
@options.database
@options.as_json
def cluster(db: Path | None, as_json: bool) -> None:
    """Group the faces that nobody has named yet."""
    from phototag.workflows.cluster import cluster_faces

    with options.store(db) as store:
        done = cluster_faces(store, options.progress(as_json))
    options.show(
        asdict(done),
        f"{options.many(done.faces, 'unnamed face')}: {options.many(done.groups, 'group')}, {done.alone:,} alone.",
        as_json,
    )
