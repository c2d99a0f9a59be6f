"""`phototag name`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from phototag.cli import options
from phototag.display import printable
from phototag.errors import TooLittleDataError, UsageError


@click.command(short_help="Say who the groups are.")
@click.argument("group", type=int, required=False)
@click.argument("name", required=False)
@click.option("--no-images", is_flag=True, help="Show no faces in the terminal.")
@options.database
def name(group: int | None, name: str | None, no_images: bool, db: Path | None) -> None:
    """Say who the groups are: one after the other, largest first, or GROUP is NAME at once.

    \b
    phototag name
    phototag name 12 "Ada Lovelace"
    """
    from phototag.store import clusters
    from phototag.workflows.name import group_faces, name_faces

    with options.store(db) as store:
        if not clusters.exists(store):
            raise TooLittleDataError("there are no groups yet: run `phototag run FOLDER` first")
        if group is not None:
            if name is None:
                raise UsageError(f'say who group {group} is, as in `phototag name {group} "Ada Lovelace"`')
            members = group_faces(store, group)
            person = name_faces(store, members, name)
            click.echo(f"{options.many(len(members), 'face')} of group {group} are {printable(person.name)}.")
            return
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError('naming asks questions on a terminal; elsewhere use `phototag name GROUP "NAME"`')
        from phototag.cli.interview import interview

        interview(store, images=not no_images)
