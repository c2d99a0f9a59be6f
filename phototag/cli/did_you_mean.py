"""The question "Did you mean Ada?" for a new name that is nearly a known one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from phototag.display import printable
from phototag.errors import UsageError

if TYPE_CHECKING:
    from phototag.store.connect import Store

new = click.option("--new", is_flag=True, help="This is a new person, even if the name is close to another one.")


def intended_name(store: Store, name: str, *, new: bool) -> str:
    """`name`, or the known name near it if the user confirms that one; `new`: don't ask.

    Raises UsageError for an invalid name, and if there is a near name, but no terminal to ask on.
    """
    from phototag.workflows.naming.near_names import similar_person

    nearly = None if new else similar_person(store, name)
    if nearly is None:
        return name
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            f"{printable(name)} is nearly {printable(nearly.name)}: give that name if you mean them, or add --new "
            "for a new person; nothing was saved"
        )
    return nearly.name if confirm_name(nearly.name) else name


def confirm_name(name: str) -> bool:
    """Ask whether the user meant this name. Raises Abort if the user gives no answer."""
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
