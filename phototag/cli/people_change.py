"""`phototag people rename`, `merge`, `hide`, `unhide` and `not-this-person`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from phototag.cli import options
from phototag.cli.people import name
from phototag.cli.tag import tag_and_report
from phototag.display import counted, printable

if TYPE_CHECKING:
    from phototag.workflows.naming.people import MergePreview


@click.command("rename")
@name
@click.argument("new")
@options.database
def rename(name: str, new: str, db: Path | None) -> None:
    """Change NAME to NEW."""
    from phototag.workflows.naming.people import rename as job

    with options.store(db) as store:
        person = job(store, name, new)
    click.echo(f"{printable(name)} is called {printable(person.name)} from now on.")


@click.command("merge")
@name
@click.argument("into")
@options.yes
@options.no_tag
@options.database
def merge(name: str, into: str, yes: bool, no_tag: bool, db: Path | None) -> None:
    """Say that NAME and INTO are one person, who is called INTO."""
    from phototag.workflows.naming.people import merge as job
    from phototag.workflows.naming.people import preview_merge

    with options.store(db) as store:
        click.echo(_preview(preview_merge(store, name, into)))
        if not yes:
            click.confirm("Are they one person?", abort=True)
        done = job(store, name, into)
        click.echo(
            f"{printable(done.other.name)} is {printable(done.person.name)}. `phototag undo` makes them two again."
        )
        if not no_tag:
            tag_and_report(store)


def _preview(found: MergePreview) -> str:
    person, other = printable(found.person.name), printable(found.other.name)
    text = f"{other} ({counted(found.other_faces, 'face')}) joins {person} ({counted(found.faces, 'face')})."
    if found.photos:
        text += f" Mind: both are seen in {counted(found.photos, 'photo')}, as two people would be."
    return text


@click.command("hide")
@name
@options.database
def hide(name: str, db: Path | None) -> None:
    """Leave NAME out of the album and the lists; their faces keep the name."""
    from phototag.workflows.naming.people import hide as job

    with options.store(db) as store:
        person = job(store, name)
    click.echo(f"{printable(person.name)} is hidden; `phototag people unhide` shows them again.")


@click.command("unhide")
@name
@options.database
def unhide(name: str, db: Path | None) -> None:
    """Show NAME again."""
    from phototag.workflows.naming.people import hide as job

    with options.store(db) as store:
        person = job(store, name, shown=True)
    click.echo(f"{printable(person.name)} is shown.")


@click.command("not-this-person")
@name
@click.argument("faces", type=int, nargs=-1, required=True)
@options.no_tag
@options.database
def not_this_person(name: str, faces: tuple[int, ...], no_tag: bool, db: Path | None) -> None:
    """Say that FACES (their numbers, as in `people show`) are not NAME. They never get that name again."""
    from phototag.workflows.naming.people import reject_faces

    with options.store(db) as store:
        person = reject_faces(store, name, faces)
        are = "is" if len(faces) == 1 else "are"
        click.echo(f"{counted(len(faces), 'face')} {are} not {printable(person.name)}.")
        if not no_tag:
            tag_and_report(store)
