"""`phototag people`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from phototag.cli import options
from phototag.display import counted, path_text, photos_away, printable

name = click.argument("name")


@click.group(short_help="The people that you named: rename, merge, split, hide them.")
def people() -> None:
    """Show and change the people that you named. You can undo any change with `phototag undo`.

    \b
    phototag people list
    phototag people rename Ada "Ada Lovelace"
    phototag people merge Addie "Ada Lovelace"
    """


@people.command("list")
@click.option("--all", "everyone", is_flag=True, help="Show hidden people, too.")
@options.database
@options.as_json
def people_list(everyone: bool, db: Path | None, as_json: bool) -> None:
    """List names, how many faces, and how sure the machine is of those that it tagged."""
    from phototag.store.people import summaries
    from phototag.store.photos import count_away

    with options.store(db, write=False) as store:
        away = count_away(store)
        shown = [entry for entry in summaries(store) if everyone or as_json or not entry.person.hidden]
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
                "hidden": entry.person.hidden,
            }
            for entry in shown
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    if not shown:
        click.echo("Nobody is named yet: `phototag name` asks who each group is.")
    width = max((len(printable(entry.person.name)) for entry in shown), default=0)
    if shown:
        click.echo(f"{'name':{width}}  faces  by you  tagged  sure")
    for entry in shown:
        sure = f"{entry.sure:.0%}" if entry.sure is not None else "-"
        name = printable(entry.person.name)
        click.echo(f"{name:{width}}  {entry.faces:5,}  {entry.confirmed:6,}  {entry.tagged:6,}  {sure:>4}")
    if away:
        click.echo(f"{photos_away(away)}.")


@people.command("show")
@name
@options.database
@options.as_json
def people_show(name: str, db: Path | None, as_json: bool) -> None:
    """Show what is known of NAME: other names, who is often beside them, and every face, the least typical first."""
    from phototag.store.faces import identified
    from phototag.store.people import aliases, get, seen_together
    from phototag.workflows.naming.people import require_person

    with options.store(db, write=False) as store:
        person = require_person(store, name)
        also = aliases(store, person.id)
        company = [(get(store, other).name, photos) for other, photos in seen_together(store, person.id)]
        found = sorted(identified(store, person=person.id), key=lambda face: (face.probability or 0, face.id))
    if as_json:
        rows = [{"face": face.id, "photo": path_text(face.path), "source": face.source} for face in found]
        beside = [{"name": other, "photos": photos} for other, photos in company]
        show = {"id": person.id, "name": person.name, "hidden": person.hidden, "also": also, "with": beside}
        click.echo(json.dumps({**show, "faces": rows}, indent=2))
        return
    tagged = sum(face.source == "machine" for face in found)
    hidden = ", hidden" if person.hidden else ""
    click.echo(f"{printable(person.name)}: {counted(len(found), 'face')}, {tagged:,} of them tagged{hidden}")
    if also:
        click.echo(f"  also called {', '.join(map(printable, also))}")
    if company:
        click.echo(f"  seen with {', '.join(f'{printable(other)} ({photos})' for other, photos in company)}")
    for face in found:
        how = f"tagged, {face.probability:.0%}" if face.source == "machine" else "by you"
        click.echo(f"  face {face.id}: {path_text(face.path)} {options.place(face.box)}: {how}")
