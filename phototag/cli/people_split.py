"""`phototag people split`: take apart two people who bear one name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phototag.cli import did_you_mean, hints, options
from phototag.cli.people import name
from phototag.cli.tag import tag_and_report
from phototag.display import counted, printable
from phototag.errors import UsageError

if TYPE_CHECKING:
    from phototag.store.connect import Store
    from phototag.workflows.naming.people import Split

#: Numbers and pictures of a part that are shown.
_SHOWN = 6


@click.command("split")
@name
@click.option("--part", type=click.IntRange(min=1), help="The part that is somebody else (without it: asks, or lists).")
@click.option("--face", "faces", type=int, multiple=True, help="Instead of a part, single faces; may be repeated.")
@click.option("--as", "other", metavar="OTHER", help="Whose they are (without it: somebody yet to be named).")
@click.option("--no-images", is_flag=True, help="Show no faces in the terminal.")
@did_you_mean.new
@options.no_tag
@options.database
def split(
    name: str,
    part: int | None,
    faces: tuple[int, ...],
    other: str | None,
    no_images: bool,
    new: bool,
    no_tag: bool,
    db: Path | None,
) -> None:
    """Move faces of NAME that show somebody else: shows NAME's faces in parts that look alike, and asks whose each is.

    \b
    phototag people split Ada
    phototag people split Ada --part 2 --as "Annabella"
    phototag people split Ada --face 12 --face 15
    """
    from phototag.workflows.naming.people import require_person, split_proposal
    from phototag.workflows.naming.people import split as job

    if part is not None and faces:
        raise click.UsageError("give --part or --face, not both")
    with options.store(db) as store:
        require_person(store, name)
        found = [] if faces else split_proposal(store, name)
        if part is not None and part > len(found):
            are = "there is 1 part" if len(found) == 1 else f"there are {len(found)} parts"
            raise click.UsageError(f"{are}: `phototag people split` lists them")
        done = []
        if faces or part is not None:
            other = None if other is None else did_you_mean.intended_name(store, other, new=new)
            done = [job(store, name, faces or found[(part or 1) - 1], other)]
            click.echo(_summary(done[0]))
        elif sys.stdin.isatty() and sys.stdout.isatty():
            done = _ask(store, name, found, images=not no_images, new=new)
        else:
            for number, group in enumerate(found, 1):
                click.echo(_line(number, group))
        if done and not no_tag:
            tag_and_report(store)


def _line(number: int, group: Sequence[int]) -> str:
    more = ", …" if len(group) > _SHOWN else ""
    return f"part {number}: {counted(len(group), 'face')} ({', '.join(map(str, group[:_SHOWN]))}{more})"


def _summary(done: Split) -> str:
    are = "is" if done.faces == 1 else "are"
    whose = printable(done.other.name) if done.other else "somebody yet to be named"
    return f"{counted(done.faces, 'face')} of {printable(done.person.name)} {are} {whose}."


def _ask(store: Store, name: str, found: Sequence[Sequence[int]], *, images: bool, new: bool = False) -> list[Split]:
    """Ask of part after part whose it is; every answer is saved at once."""
    from rich.console import Console

    from phototag.cli.pictures import show
    from phototag.workflows.naming.name import crops
    from phototag.workflows.naming.people import split as job

    console = Console(highlight=False, emoji=False)
    if len(found) < 2:
        console.print(f"All faces of {printable(name)} look like one person.", markup=False)
    done: list[Split] = []
    for number, group in enumerate(found, 1):
        console.rule(_line(number, group))
        if images:
            show(console, crops(store, group[:_SHOWN]))
        while answer := click.prompt(
            f"Enter: {printable(name)}; a name: whose they are; ?: somebody else; q: no more",
            default="",
            show_default=False,
        ).strip():
            if answer == "q":
                return done
            try:
                other = None if answer == "?" else did_you_mean.intended_name(store, answer, new=new)
                done.append(job(store, name, group, other))
            except UsageError as error:
                click.echo(hints.sentence(error))
                continue
            click.echo(_summary(done[-1]))
            break
    return done
