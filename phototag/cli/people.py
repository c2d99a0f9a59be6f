"""`phototag people`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from phototag.cli import options
from phototag.display import printable


@click.group(short_help="The people that you named.")
def people() -> None:
    """Show the people that you named."""


@people.command("list")
@options.database
@options.as_json
def people_list(db: Path | None, as_json: bool) -> None:
    """List names, how many faces, and how sure the machine is of those that it tagged."""
    from phototag.store.people import listed

    with options.store(db, write=False) as store:
        everyone = listed(store)
    if as_json:
        rows = [
            {
                "id": entry.person.id,
                "name": entry.person.name,
                "faces": entry.faces,
                "confirmed": entry.confirmed,
                "tagged": entry.tagged,
                "probability": entry.sure,
                "first_taken": entry.first,
                "last_taken": entry.last,
            }
            for entry in everyone
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    if not everyone:
        click.echo("Nobody is named yet: `phototag name` asks who each group is.")
        return
    width = max(len(printable(entry.person.name)) for entry in everyone)
    click.echo(f"{'name':{width}}  faces  by you  tagged  sure")
    for entry in everyone:
        sure = f"{entry.sure:.0%}" if entry.sure is not None else "-"
        name = printable(entry.person.name)
        click.echo(f"{name:{width}}  {entry.faces:5,}  {entry.confirmed:6,}  {entry.tagged:6,}  {sure:>4}")
