"""`phototag people export` and `people import`: names on their way to another machine, or back."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phototag.cli import options
from phototag.cli.tag import told as told_of_tags
from phototag.display import counted, path_text, printable
from phototag.errors import DONE_WITH_PROBLEMS, UsageError

if TYPE_CHECKING:
    from phototag.interop.names import Names
    from phototag.workflows.naming.import_names import Imported

#: So many of a list are told; `--json` tells all.
_MOST = 10
_file = click.argument("file", type=click.Path(path_type=Path, allow_dash=True))


@click.command("export")
@_file
@options.database
def people_export(file: Path, db: Path | None) -> None:
    """Write all that you said to FILE (- for standard output).

    `people import` reads it. Faces are told by their photo's content and their place in it, so that names move between
    machines and outlive a lost database. The file is for your eyes only (mode 0600), and holds no picture.
    """
    from phototag.interop import files
    from phototag.interop.names import HEAD, render
    from phototag.workflows.naming.export_names import export_names

    with options.store(db, write=False) as store:
        exported = export_names(store)
    data = render(exported.names)
    if str(file) == "-":
        sys.stdout.buffer.write(data)
        return
    files.write(file, data, HEAD)
    who = counted(len(exported.names.people), "person", "people")
    click.echo(f"Wrote {who} and what you said of {counted(exported.faces, 'face')} to {_path(file)}.")
    if exported.left_out:
        they = counted(exported.left_out, "face")
        click.echo(f"Left out {they}: their photos can't be read any more (`phototag status` says which).")


@click.command("import")
@_file
@click.option("--overrule", is_flag=True, help="Where you said otherwise here, let the file's word go.")
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
@options.no_tag
@options.database
@options.as_json
def people_import(file: Path, overrule: bool, dry_run: bool, no_tag: bool, db: Path | None, as_json: bool) -> int:
    """Say all that FILE (- for standard input) says.

    Photos are told by their content, so index them first. The names are looked for in all other photos at once. What
    you said here stays where the file differs, unless you --overrule it. All is one answer, which one `phototag undo`
    undoes; what stands already isn't said again. An entry that can't be (a box outside its photo) is left out and
    listed; then the exit code is 3.
    """
    from phototag.workflows.naming.import_names import import_names
    from phototag.workflows.recognition.refresh import refresh

    names = _read(file)
    settings = options.settings(db=db)
    with options.store(db) as store:
        watcher = options.progress(as_json)
        done = import_names(store, names, settings, watcher, overrule=overrule, dry_run=dry_run)
        tagged = refresh(store, watcher) if done.answer is not None and not (no_tag or dry_run) else None
    lines = _told(done, dry_run) + (told_of_tags(tagged) if tagged else [])
    options.show({**asdict(done), "tagged": asdict(tagged) if tagged else None}, "\n".join(lines), as_json)
    return DONE_WITH_PROBLEMS if done.problems or done.left_out else 0


def _read(file: Path) -> Names:
    from phototag.interop import files
    from phototag.interop.names import MAX_BYTES, NamesError, parse

    data = sys.stdin.buffer.read(MAX_BYTES + 1) if str(file) == "-" else files.read(file, MAX_BYTES)
    try:
        return parse(data)
    except NamesError as error:
        where = "standard input" if str(file) == "-" else _path(file)
        raise UsageError(f"{where} can't be imported, and nothing was changed: {error}") from error


def _told(done: Imported, dry_run: bool) -> list[str]:
    many = options.many
    would = "Would name" if dry_run else "Named"
    lines = [f"{would} {many(done.names, 'face')}; {many(done.people, 'new person', 'new people')}."]
    others = done.faces - done.names
    if others > 0 or done.pairs:
        lines.append(f"Also said something of {many(others, 'other face')} and {many(done.pairs, 'pair')}.")
    if done.added:
        lines.append(f"{many(done.added, 'face')} of them no detector had found here: added from the photos.")
    if done.standing:
        lines.append(f"{many(done.standing, 'thing')} stood here already.")
    if done.differences:
        stays = f"{done.overruled:,} of them overruled" if done.overruled else "what you said here stays"
        lines.append(f"{many(len(done.differences), 'difference')} ({stays}):")
        lines += options.first_lines([printable(str(one)) for one in done.differences], _MOST)
    if done.not_indexed:
        lines.append(f"{many(len(done.not_indexed), 'photo')} of the file not here: index them and import again:")
        lines += options.first_lines([path_text(path) for path in done.not_indexed], _MOST)
    if done.left_out:
        were = "was" if len(done.left_out) == 1 else "were"
        lines.append(f"{many(len(done.left_out), 'entry', 'entries')} of the file can't be, and {were} left out:")
        lines += options.first_lines([printable(one) for one in done.left_out], _MOST)
    if done.forgotten:
        they_are = "is of somebody" if done.forgotten == 1 else "are of people"
        lines.append(f"{many(done.forgotten, 'face')} of the file left out: {they_are} you forgot here.")
    if done.problems:
        lines.append(f"{many(len(done.problems), 'photo')} can't be used, so faces in them were not added.")
    return lines


def _path(file: Path) -> str:
    return printable(str(file))
