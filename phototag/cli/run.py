"""`phototag run`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phototag.cli import options
from phototag.cli.cluster import remarks
from phototag.cli.index import sentence, status
from phototag.cli.report import default_folder
from phototag.cli.tag import tagging_lines
from phototag.display import counted

if TYPE_CHECKING:
    from phototag.config import Settings


@click.command(short_help="The whole job: index, group, tag, write the album.")
@options.paths
@options.index_options
@options.precision
@click.option("--out", type=click.Path(path_type=Path), help="The album's folder (default: beside the database).")
@options.as_json
def run(
    paths: tuple[Path, ...],
    settings: Settings,
    how: dict[str, Any],
    out: Path | None,
    as_json: bool,
) -> int:
    """Index folders, group faces, tag the people you named, write the album, and print its address."""
    from phototag.workflows.run import run as job

    with options.store_for(paths, settings.db) as store:
        done = job(store, paths, settings, out or default_folder(store.path), options.progress(as_json), **how)
    lines = [sentence(done.indexed), f"{counted(done.clustered.groups, 'unnamed group')}."]
    if done.tagged:
        lines += tagging_lines(done.tagged)
    if done.clustered.groups:
        lines.append("Name people with `phototag name`.")
    lines += remarks(done.clustered)
    lines.append(f"Open {done.page.resolve().as_uri()}")
    options.show(asdict(done), "\n".join(lines), as_json)
    return status(done.indexed)
