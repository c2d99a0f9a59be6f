"""`phototag cluster`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from phototag.cli import options


@click.command(short_help="Group the faces that nobody named.")
@options.database
@click.option("--from-scratch", is_flag=True, help="Group all faces anew; groups get new numbers.")
@click.option("--preview", is_flag=True, help="Only say what would change.")
@options.as_json
def cluster(db: Path | None, from_scratch: bool, preview: bool, as_json: bool) -> None:
    """Group the faces that nobody has named yet.

    New faces go to the groups that they belong to, or found new ones; groups keep their faces and their numbers.
    What you said about faces holds always.
    """
    from phototag.workflows.cluster import cluster_faces

    with options.store(db) as store:
        done = cluster_faces(store, options.progress(as_json), from_scratch=from_scratch, preview=preview)
    lines = [f"{options.many(done.faces, 'unnamed face')}: {options.many(done.groups, 'group')}, {done.alone:,} alone."]
    if done.joined or done.moved or preview:
        lines.append(
            f"{options.many(done.joined, 'face')} joined a group that was there before, "
            f"{options.many(done.founded, 'group')} new, {options.many(done.moved, 'face')} in other company."
        )
    twice = sum(conflict.reason == "one photo" for conflict in done.conflicts)
    if twice:
        lines.append(f"{options.many(twice, 'pair')} of faces in one photo look like one person and are kept apart.")
    if twice < len(done.conflicts):
        lines.append(f"{options.many(len(done.conflicts) - twice, 'answer')} passed over: later ones say otherwise.")
    if done.conflicts:
        lines.append("`phototag cluster --preview --json` lists them.")
    if preview:
        lines.append("This is a preview: nothing was changed.")
    options.show({**asdict(done), "preview": preview}, "\n".join(lines), as_json)
