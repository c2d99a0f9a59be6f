"""`phototag people export`: all answers as a names file, for another machine or as a backup."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from phototag.cli import options
from phototag.display import counted, path_text


@click.command("export")
@options.names_file
@options.database
def people_export(file: Path, db: Path | None) -> None:
    """Write all your answers to FILE (- for standard output), which `people import` reads.

    The file identifies a face by its photo's content and its place in the photo. So names can move to another machine,
    and survive the loss of the database. Only you can read the file (mode 0600). It holds no pictures.
    """
    from phototag.interop import files
    from phototag.interop.names_file import HEAD
    from phototag.interop.write_names import render
    from phototag.workflows.naming.export_names import export_names

    with options.store(db, write=False) as store:
        exported = export_names(store)
    data = render(exported.names)
    if str(file) == "-":
        sys.stdout.buffer.write(data)
        return
    files.write(file, data, HEAD)
    who = counted(len(exported.names.people), "person", "people")
    where = path_text(os.fsencode(file))
    click.echo(f"Wrote {who} and your answers about {counted(exported.faces, 'face')} to {where}.")
    if exported.left_out:
        click.echo(f"Left out {counted(exported.left_out, 'face')}: their photos can't be read any more.")
