"""`phototag audit`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phototag.cli import options
from phototag.display import counted, path_text, printable

if TYPE_CHECKING:
    from phototag.store.unplaced import Unplaced
    from phototag.workflows.recognition.doubts import Doubt, Witness
    from phototag.workflows.recognition.similar_people import SimilarPeople

#: Findings of each kind that are shown.
_SHOWN = 20
#: Faces of a photo that are proposed for a name without a face, each with its command.
_CHOICES = 4


@click.command(short_help="Find names that may be wrong.")
@options.database
@options.as_json
def audit(db: Path | None, as_json: bool) -> None:
    """Find faces that don't fit their names, people who look like one, and names that two faces of a photo might have.

    Changes nothing: say who a face is with `phototag faces is` or `not`.
    """
    from phototag.workflows.recognition.audit import audit as job

    with options.store(db, write=False) as store:
        done = job(store, options.progress(as_json))
    lines = [
        f"{counted(done.faces, 'named face')} and {counted(done.tags, 'tag')} checked: "
        f"{counted(len(done.doubts), 'doubtful name')}, "
        f"{counted(len(done.alike), 'pair')} of people who look like one, "
        f"{counted(len(done.twice), 'name')} that two faces of a photo might have."
    ]
    lines += options.first_lines([_doubt(one) for one in done.doubts], _SHOWN)
    lines += options.first_lines([_alike(one) for one in done.alike], _SHOWN)
    lines += options.first_lines(
        [
            f"{path_text(one.face.photo)}: face {one.face.face} might be {printable(one.person)}, but face"
            f" {one.kept.face} has that name"
            for one in done.twice
        ],
        _SHOWN,
    )
    if done.unplaced:
        lines.append(
            f"{counted(len(done.unplaced), 'name')} without a face since the photo was edited. Say which face it is,"
            " where a missed face is, or that they aren't on the photo any more; `phototag review` shows them (People):"
        )
        lines += options.first_lines(["\n    ".join(_unplaced(one)) for one in done.unplaced], _SHOWN)
    options.show(asdict(done), "\n".join(lines), as_json)


def _unplaced(one: Unplaced) -> list[str]:
    """A name without a face, and the commands that settle it."""
    photo, person = shlex.quote(path_text(one.photo)), shlex.quote(printable(one.person))
    return [
        f"{path_text(one.photo)}: {printable(one.person)}",
        *(f"phototag faces is {face} {person}" for face in one.unnamed[:_CHOICES]),
        f"phototag faces add {photo} {person} --box X,Y,W,H",
        f"phototag faces absent {photo} {person}",
    ]


def _doubt(one: Doubt) -> str:
    by = "you named" if one.source == "human" else "tagged"
    rather = f"looks like {printable(one.looks_like)}" if one.looks_like else "looks like nobody you named"
    return (
        f"{path_text(one.place.photo)}: face {one.place.face}, {by} {printable(one.person)}, {rather}"
        f" ({'; '.join(map(_witness, one.evidence))})"
    )


def _witness(one: Witness) -> str:
    return f"{printable(one.person)}'s face {one.place.face} is {one.distance:.2f} away"


def _alike(one: SimilarPeople) -> str:
    first, second, away = one.evidence[0]
    names = [printable(name) for name in one.people]
    return (
        f"{names[0]} and {names[1]} may be one person: {one.shares[0]:.0%} and {one.shares[1]:.0%} of their faces would"
        f" pass for the other's (faces {first.face} and {second.face} are {away:.2f} apart)"
    )
