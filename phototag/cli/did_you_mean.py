"""A new name that is nearly an old one asks first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from phototag.display import printable
from phototag.errors import UsageError

if TYPE_CHECKING:
    from phototag.store.connect import Store

new = click.option("--new", is_flag=True, help="This is a new person, even if the name is close to another one.")


def meant(store: Store, name: str, *, new: bool) -> str:
    """The name that is meant: `name`, or the one that it is nearly, if whoever is at the terminal says so.

    Raises UsageError for what can't be a name, and where there is nobody to ask.
    """
    from phototag.workflows.naming.near_names import similar_person

    nearly = None if new else similar_person(store, name)
    if nearly is None:
        return name
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            f"{printable(name)} is nearly {printable(nearly.name)}: give that name if you mean them, or say --new "
            "for a new person; nothing was saved"
        )
    return nearly.name if is_meant(nearly.name) else name


def is_meant(name: str) -> bool:
    """Ask whether somebody of this name is meant. Raises Abort where there is no answer."""
    click.echo(f"Did you mean {printable(name)}? [Enter] yes / [n] new person ", nl=False)
    while True:
        try:
            key = click.getchar().lower()
        except (KeyboardInterrupt, EOFError):
            key = ""
        if key in ("\r", "\n", "y", "n", "", "\x03", "\x04", "\x1b"):
            click.echo()
            break
    if key not in ("\r", "\n", "y", "n"):
        raise click.Abort
    return key != "n"
