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

_SAID = {"typed": "", "reviewed": ", in a review", "folder": ", by a folder's name", "imported": ", from a file"}


@click.command(short_help="What you answered, and when.")
@click.option("-n", "--last", type=click.IntRange(min=1), default=20, metavar="COUNT", help="So many (default: 20).")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@options.database
@options.as_json
def history(last: int, everything: bool, db: Path | None, as_json: bool) -> None:
    """Show your answers, the latest first; `phototag undo NUMBER` takes one back."""
    from phototag.store.history import answers

    with options.store(db, write=False) as store:
        told = list(answers(store, limit=None if everything else last))
    if as_json:
        click.echo(json.dumps([asdict(answer) for answer in told], indent=2))
    elif not told:
        click.echo("You answered nothing yet: `phototag name` asks who each group is.")
    for answer in [] if as_json else told:
        click.echo(_line(answer))


def _line(answer: Answer) -> str:
    from phototag.workflows.history import in_words

    when = datetime.fromisoformat(answer.at).astimezone().strftime("%Y-%m-%d %H:%M")
    gone = "" if answer.stands or answer.parts[0].verb == "undo" else " (taken back)"
    return f"{answer.number:5}  {when}  {in_words(answer)}{_SAID[answer.origin]}{gone}"


@click.command(short_help="Take answers back.")
@click.argument("answer", type=int, required=False)
@click.option("--all-since", metavar="WHEN", help="All answers since a moment: 2h, 2026-11-24, 2026-11-24T18:30.")
@options.yes
@options.no_tag
@options.database
def undo(answer: int | None, all_since: str | None, yes: bool, no_tag: bool, db: Path | None) -> None:
    """Take back the last answer, or the one of this number (`phototag history` shows them).

    \b
    phototag undo
    phototag undo 31
    phototag undo --all-since 2h

    Nothing is deleted: the history keeps both the answer and that it was taken back.
    """
    from phototag.cli.tag import try_names
    from phototag.store.history import since
    from phototag.workflows.history import undo as job
    from phototag.workflows.history import undo_since, utc

    if all_since is not None and answer is not None:
        raise click.UsageError("give a number or --all-since, not both")
    with options.store(db) as store:
        if all_since is None:
            done = job(store, answer)
        else:
            when = _moment(all_since)
            count = len(since(store, utc(when)))
            if count and not yes:
                click.confirm(f"Take back {counted(count, 'answer')}?", abort=True)
            done = undo_since(store, when)
        if not done.decisions:
            nothing = "There is nothing to take back."
            click.echo(nothing if answer is None else f"Answer {answer} was taken back before.")
            return
        numbers = ", ".join(map(str, done.answers))
        some = "s" if len(done.answers) > 1 else ""
        click.echo(f"Took back answer{some} {numbers} ({counted(done.decisions, 'decision')}).")
        if not no_tag:
            try_names(store)


def _moment(text: str) -> datetime:
    """`2h`, `30m`, `3d` ago, or a date, or a date and time, in local time unless it says otherwise."""
    if ago := re.fullmatch(r"(\d{1,6})([dhm])", text.strip().lower()):
        hours = {"d": 24.0, "h": 1.0, "m": 1 / 60}[ago[2]]
        return datetime.now(timezone.utc) - timedelta(hours=int(ago[1]) * hours)
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no moment: write 2h, 30m, 3d, 2026-11-24 or 2026-11-24T18:30") from error
