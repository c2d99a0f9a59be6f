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
from phototag.display import printable

if TYPE_CHECKING:
    from phototag.store.history import Answer, Part

_SAID = {"typed": "", "reviewed": ", in the browser", "folder": ", by a folder's name", "imported": ", from a file"}


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
    when = datetime.fromisoformat(answer.at).astimezone().strftime("%Y-%m-%d %H:%M")
    said = "; ".join(filter(None, map(_sentence, _telling(answer.parts))))
    gone = "" if answer.stands or answer.parts[0].verb == "undo" else " (taken back)"
    return f"{answer.number:5}  {when}  {said}{_SAID[answer.origin]}{gone}"


def _telling(parts: tuple[Part, ...]) -> list[Part]:
    """Of a merge and a split the one part that tells it; the rest only says it of each face."""
    whole = [part for part in parts if part.verb in ("merge", "split")]
    return whole or list(parts)


def _sentence(part: Part) -> str:
    who, other = printable(part.person or ""), printable(part.other_person or "somebody else")
    faces = options.many(part.faces, "face")
    are = "is" if part.faces == 1 else "are"
    match part.verb:
        case "is":
            return f"{faces} {are} {who}"
        case "is-not":
            return f"{faces} {are} not {who}"
        case "same":
            return "two faces are the same person"
        case "different":
            return f"{who} and {other} are different people" if part.person else "two faces are different people"
        case "a-face":
            return f"{faces} shown by hand"
        case "not-a-face":
            return f"{faces} {are} no face"
        case "dont-care":
            return f"{faces} left unnamed for good"
        case "rename":
            return f"{printable(part.person or '')} renamed to {printable(part.name or '')}"
        case "merge":
            return f"{who} is {other}"
        case "split":
            return f"{other} was taken for {who}"
        case "hide":
            return f"{who} hidden"
        case "show":
            return f"{who} shown again"
        case "undo":
            return f"answer {part.undoes} taken back"


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
                click.confirm(f"Take back {options.many(count, 'answer')}?", abort=True)
            done = undo_since(store, when)
        if not done.decisions:
            nothing = "There is nothing to take back."
            click.echo(nothing if answer is None else f"Answer {answer} was taken back before.")
            return
        numbers = ", ".join(map(str, done.answers))
        some = "s" if len(done.answers) > 1 else ""
        click.echo(f"Took back answer{some} {numbers} ({options.many(done.decisions, 'decision')}).")
        if not no_tag:
            try_names(store, None)


def _moment(text: str) -> datetime:
    """`2h`, `30m`, `3d` ago, or a date, or a date and time, in local time unless it says otherwise."""
    if ago := re.fullmatch(r"(\d{1,6})([dhm])", text.strip().lower()):
        hours = {"d": 24.0, "h": 1.0, "m": 1 / 60}[ago[2]]
        return datetime.now(timezone.utc) - timedelta(hours=int(ago[1]) * hours)
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no moment: write 2h, 30m, 3d, 2026-11-24 or 2026-11-24T18:30") from error
