"""`phototag faces`."""

from __future__ import annotations

import csv
import json
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phototag.cli import did_you_mean, options
from phototag.cli.tag import tag_and_report
from phototag.display import path_text, printable

if TYPE_CHECKING:
    from phototag.store.faces import Identified
    from phototag.types import Box


_face = click.argument("face", type=int)
_other = click.argument("other", type=int)
_person = click.argument("person")


@click.group(short_help="List faces, and say who single faces are.")
def faces() -> None:
    """List the faces that were found, and say who single faces are, or are not.

    \b
    phototag faces list
    phototag faces is 12 "Ada Lovelace"
    phototag faces not 15 "Ada Lovelace"
    phototag faces same 15 19
    phototag faces add party.jpg "Ada Lovelace" --box 1210,340,96,120
    phototag faces absent party.jpg "Ada Lovelace"
    """


@faces.command("list")
@options.database
@click.option("--json", "form", flag_value="json", help="A JSON list.")
@click.option("--csv", "form", flag_value="csv", help="Comma-separated values.")
def faces_list(db: Path | None, form: str | None) -> None:
    """List every face: photo, box in upright pixels, group, person, who named it, how sure that is.

    A face is listed once for each file of its photo, so copies are listed, too; `phototag status` counts it once.
    """
    from phototag.store.faces import identified

    with (
        options.store(db, write=False) as store,
        closing(face for face in identified(store, every_place=True)) as found,
    ):
        if form == "json":
            _json(map(_row, found))
        elif form == "csv":
            with options.in_utf8() as file:
                table = csv.writer(file)
                table.writerow(["photo", "x", "y", "w", "h", "cluster", "person", "source", "probability"])
                for face in found:
                    row = _row(face)
                    table.writerow([row["photo"], *row["box"], *list(row.values())[4:]])
        else:
            for face in found:
                who = printable(face.person) if face.person else "unknown"
                how = f" ({face.source}, {face.probability:.0%})" if face.probability is not None else ""
                group = f" group {face.cluster}" if face.cluster is not None else ""
                place = ",".join(f"{value:.0f}" for value in (face.box.x, face.box.y, face.box.w, face.box.h))
                click.echo(f"face {face.id}: {path_text(face.path)} [{place}]: {who}{how}{group}")


@faces.command("is")
@_face
@_person
@did_you_mean.new
@options.no_tag
@options.database
def faces_is(face: int, person: str, new: bool, no_tag: bool, db: Path | None) -> None:
    """Say that FACE is PERSON, and look for PERSON in all other photos."""
    from phototag.workflows.naming.name import name_face
    from phototag.workflows.naming.people import require_face

    with options.store(db) as store:
        require_face(store, face)
        named = name_face(store, face, did_you_mean.intended_name(store, person, new=new))
        click.echo(f"Face {face} is {printable(named.name)}.")
        if not no_tag:
            tag_and_report(store)


@faces.command("not")
@_face
@_person
@options.no_tag
@options.database
def faces_not(face: int, person: str, no_tag: bool, db: Path | None) -> None:
    """Say that FACE is not PERSON. Neither a group nor a tag gives it that name again."""
    from phototag.workflows.naming.people import reject_faces

    with options.store(db) as store:
        click.echo(f"Face {face} is not {printable(reject_faces(store, person, [face]).name)}.")
        if not no_tag:
            tag_and_report(store)


@faces.command("add")
@click.argument("photo", type=click.Path(path_type=Path))
@click.argument("person", required=False)
@click.option(
    "--box",
    required=True,
    callback=options.box,
    metavar="X,Y,W,H",
    help="Where: left, top, width and height in pixels of the upright full-size photo.",
)
@did_you_mean.new
@options.no_tag
@options.database
def faces_add(photo: Path, person: str | None, box: Box, new: bool, no_tag: bool, db: Path | None) -> None:
    """Add a missed face of PHOTO, at --box, and say that it is PERSON. It stays even if another detector runs later.

    \b
    phototag faces add party.jpg "Ada Lovelace" --box 1210,340,96,120
    """
    from phototag.workflows.naming.add_face import add_face

    with options.store(db) as store:
        person = None if person is None else did_you_mean.intended_name(store, person, new=new)
        done = add_face(store, photo, box, person, options.settings(db=db), options.progress(False))
        who = f"; it is {printable(done.person.name)}" if done.person else ""
        click.echo(f"Face {done.face} was {'known there already' if done.known else 'added'}{who}.")
        if done.person and not no_tag:
            tag_and_report(store)


@faces.command("absent")
@click.argument("photo", type=click.Path(path_type=Path))
@_person
@options.database
def faces_absent(photo: Path, person: str, db: Path | None) -> None:
    """Say that PERSON is no longer on PHOTO since it was edited: they were cropped away or painted over.

    `phototag audit` lists such names. If the unedited photo comes back, it has its names again.
    """
    from phototag.workflows.naming.add_face import photo_at
    from phototag.workflows.naming.placing import mark_absent

    with options.store(db) as store:
        where = photo_at(store, photo)
        who = mark_absent(store, where.id, person)
        click.echo(f"{printable(who.name)} is not on {path_text(where.path)}.")


@faces.command("same")
@_face
@_other
@options.no_tag
@options.database
def faces_same(face: int, other: int, no_tag: bool, db: Path | None) -> None:
    """Say that FACE and OTHER are the same person: they will be in one group."""
    from phototag.workflows.naming.name import compare

    with options.store(db) as store:
        compare(store, "same", face, other)
        click.echo(f"Faces {face} and {other} are the same person.")
        if not no_tag:
            tag_and_report(store)


@faces.command("different")
@_face
@_other
@options.no_tag
@options.database
def faces_different(face: int, other: int, no_tag: bool, db: Path | None) -> None:
    """Say that FACE and OTHER are different people: they will never be in one group."""
    from phototag.workflows.naming.name import compare

    with options.store(db) as store:
        compare(store, "different", face, other)
        click.echo(f"Faces {face} and {other} are different people.")
        if not no_tag:
            tag_and_report(store)


def _row(face: Identified) -> dict[str, Any]:
    box = face.box
    return {
        "id": face.id,
        # surrogateescape: JSON's \\udcXX carries a name that isn't UTF-8 back byte for byte
        "photo": os.fsdecode(face.path),
        "box": [round(value, 1) for value in (box.x, box.y, box.w, box.h)],
        "quality": round(face.quality, 3),
        "cluster": face.cluster,
        "person": face.person,
        "source": face.source,
        "probability": None if face.probability is None else round(face.probability, 4),
    }


def _json(rows: Any) -> None:
    """A JSON list, streamed: a library may have a million faces."""
    click.echo("[", nl=False)
    for number, row in enumerate(rows):
        click.echo((",\n " if number else "\n ") + json.dumps(row), nl=False)
    click.echo("\n]")
