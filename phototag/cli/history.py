"""`phototag history` and `phototag undo`."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phototag.cli import options
from phototag.display import counted

if TYPE_CHECKING:
    from phototag.store.history import Answer
    from phototag.workflows.naming.history import Undone

_SAID = {"typed": "", "reviewed": ", in a review", "folder": ", by a folder's name", "imported": ", from a file"}


@click.command(short_help="What you answered, and when.")
@click.option(
    "-n", "--last", type=click.IntRange(min=1), default=20, metavar="COUNT", help="Show this many (default: 20)."
)
@click.option("--all", "everything", is_flag=True, help="Show all answers.")
@options.database
@options.as_json
def history(last: int, everything: bool, db: Path | None, as_json: bool) -> None:
    """Show your answers, the latest first. `phototag undo NUMBER` undoes one; undoing an undo is a redo."""
    from phototag.store.history import answers
    from phototag.workflows.naming.history import describe_in_full

    with options.store(db, write=False) as store:
        told = list(answers(store, limit=None if everything else last))
        in_words = [] if as_json else [describe_in_full(store, answer) for answer in told]
    if as_json:
        click.echo(json.dumps([asdict(answer) for answer in told], indent=2))
    elif not told:
        click.echo("You answered nothing yet: `phototag name` asks who each group is.")
    for answer, words in zip(told, in_words, strict=True) if not as_json else ():
        click.echo(_line(answer, words))


def _line(answer: Answer, words: str) -> str:
    when = datetime.fromisoformat(answer.at).astimezone().strftime("%Y-%m-%d %H:%M")
    gone = "" if answer.stands else f" (undone by {answer.undone_by})"
    return f"{answer.number:5}  {when}  {words}{_SAID[answer.origin]}{gone}"


@click.command(short_help="Undo answers, and redo them.")
@click.argument("answer", type=click.IntRange(0, (1 << 63) - 1), required=False)
@click.option("--all-since", metavar="WHEN", help="Undo all answers since a time: 2h, 2026-11-24, 2026-11-24T18:30.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@options.yes
@options.no_tag
@options.database
def undo(answer: int | None, all_since: str | None, dry_run: bool, yes: bool, no_tag: bool, db: Path | None) -> None:
    """Undo the last thing that you did, or the answer of this number (`phototag history` shows them).

    An undo has a number, too, and undoing it is a redo. So `phototag undo` twice changes nothing.

    \b
    phototag undo
    phototag undo 31 --dry-run
    phototag undo 31
    phototag undo --all-since 2h

    Nothing is deleted: the history keeps both the answer and the undo.
    """
    from phototag.cli.tag import tag_and_report
    from phototag.store.history import undoable_since
    from phototag.workflows.naming.history import undo as job
    from phototag.workflows.naming.history import undo_since

    if all_since is not None and answer is not None:
        raise click.UsageError("give a number or --all-since, not both")
    when = None if all_since is None else _moment(all_since)
    with options.store(db) as store:
        if when is None:
            done = job(store, answer, try_only=dry_run)
        else:
            count = len(undoable_since(store, when))
            if count and not (yes or dry_run):
                click.confirm(f"Undo {counted(count, 'answer')}?", abort=True)
            done = undo_since(store, when, try_only=dry_run)
        _show(done, dry_run)
        if done.number is not None and not (no_tag or dry_run):
            tag_and_report(store)


def _show(done: Undone, dry_run: bool) -> None:
    """What was undone, what it changed, and how it is redone."""
    if dry_run and done.number is not None:
        click.echo(f"This would {'redo' if done.redone else 'undo'} {done.which}.")
    else:
        click.echo(str(done))
    for line in done.changes:
        click.echo(f"  {line}")
    if done.number is not None and not done.changes:
        click.echo("  No face and no name changes: other answers say the same, or later ones say otherwise.")
    if dry_run:
        click.echo("Nothing was changed.")
    elif done.number is not None:
        click.echo(f"`phototag undo {done.number}` {'undoes' if done.redone else 'redoes'} it.")


def _moment(text: str) -> datetime:
    """`2h`, `30m`, `3d` ago, or a date, or a date and time, in local time unless it says otherwise."""
    if ago := re.fullmatch(r"(\d{1,6})([dhm])", text.strip().lower()):
        hours = {"d": 24.0, "h": 1.0, "m": 1 / 60}[ago[2]]
        return datetime.now(timezone.utc) - timedelta(hours=int(ago[1]) * hours)
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no moment: write 2h, 30m, 3d, 2026-11-24 or 2026-11-24T18:30") from error
