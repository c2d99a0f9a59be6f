"""`phototag people forget`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phototag.cli import options
from phototag.cli.forget import dry_run, still_there
from phototag.cli.people import name
from phototag.cli.tag import tagging_lines
from phototag.display import counted, printable

if TYPE_CHECKING:
    from phototag.store.connect import Store
    from phototag.workflows.naming.forget_person import ForgottenPerson


@click.command("forget")
@name
@click.option("--tagged", is_flag=True, help="Also the faces that the machine tagged: look through them first.")
@dry_run
@click.option("--yes", "-y", is_flag=True, help="Don't ask whether; --name-again is needed, too.")
@click.option("--name-again", metavar="NAME", help="The name once more, instead of typing it when you are asked.")
@options.database
@options.as_json
def people_forget(
    name: str, tagged: bool, dry_run: bool, yes: bool, name_again: str | None, db: Path | None, as_json: bool
) -> None:
    """Delete all that is known of NAME for good: names, the faces that you named, their crops and embeddings.

    \b
    phototag people forget "Ada Lovelace" --dry-run
    phototag people forget "Ada Lovelace"

    The photos stay, and these faces are not looked for again. The history has a number instead of the name. This can't
    be undone, so you are asked twice.
    """
    from phototag.workflows.naming.forget_person import forget_person
    from phototag.workflows.recognition.refresh import refresh

    with options.store(db) as store:
        told = forget_person(store, name, dry_run=True)
        lines, tags = _person(told, tagged), None
        if not dry_run:
            if not yes:
                click.echo("\n".join(lines), err=as_json)
                click.confirm("Drop all this for good?", abort=True, err=as_json)
            _require_name(store, told, name_again, as_json)
            told = forget_person(store, name, tagged=tagged)
            tags = refresh(store, options.progress(as_json))
            lines = _gone(told, tagged) + (tagging_lines(tags) if tags else [])
        options.show({**asdict(told), "tags": asdict(tags) if tags else None}, "\n".join(lines), as_json)


def _require_name(store: Store, told: ForgottenPerson, again: str | None, as_json: bool) -> None:
    """The second question. Raises UsageError for another name."""
    from phototag.errors import UsageError
    from phototag.workflows.naming.people import find

    if again is None:
        again = str(click.prompt("Type the name once more", err=as_json))
    same = find(store, again)
    if same is None or same.id != told.number:
        raise UsageError("that is another name: nothing was forgotten")


def _person(told: ForgottenPerson, tagged: bool) -> list[str]:
    also = f" (also called {', '.join(map(printable, told.also))})" if told.also else ""
    then = "be forgotten, too" if tagged else "be unknown again (--tagged forgets them, too)"
    lines = [
        f"{printable(told.name)}{also}: {counted(told.faces, 'face')} named by you, on "
        f"{counted(told.photos, 'photo')}; {counted(told.tagged, 'face')} tagged, which would {then}.",
        "Their names, pictures and vectors, and what you said of them, can't be brought back. The photos stay.",
    ]
    return lines + _named_paths(told)


def _named_paths(told: ForgottenPerson) -> list[str]:
    if not told.paths:
        return []
    hold = "holds" if told.paths == 1 else "hold"
    return [f"{counted(told.paths, 'path')} of your photos {hold} the name, and will as long as the folders do."]


def _gone(told: ForgottenPerson, tagged: bool) -> list[str]:
    also = f", and {counted(told.tagged, 'face')} that {'was' if told.tagged == 1 else 'were'} tagged" if tagged else ""
    return [
        f"Forgotten: {counted(told.faces, 'face')} on {counted(told.photos, 'photo')}{also}. "
        f"The history knows them as person {told.number}.",
        "Albums and files of names that were written before still have them: write them anew, or delete them.",
        *_named_paths(told),
        *still_there(told.left),
    ]
