"""`phototag people import`: answers from a names file."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phototag.cli import options
from phototag.cli.tag import tagging_lines
from phototag.display import counted, path_text, printable
from phototag.errors import DONE_WITH_PROBLEMS, UsageError

if TYPE_CHECKING:
    from phototag.interop.names_file import NamesFile
    from phototag.workflows.naming.import_names import Imported


@click.command("import")
@options.names_file
@click.option("--overrule", is_flag=True, help="Where your answers differ from the file's, take the file's.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@options.no_tag
@options.database
@options.as_json
def people_import(file: Path, overrule: bool, dry_run: bool, no_tag: bool, db: Path | None, as_json: bool) -> int:
    """Take over all answers in FILE (- for standard input), and look for the names in all other photos.

    Photos are identified by their content, so index them first. Where your answers here differ from the file's, yours
    stay, unless you --overrule them. An import is one answer, so `phototag undo` undoes it all. Invalid entries, such
    as a box outside its photo, are left out and listed; then the exit code is 3.
    """
    from phototag.workflows.naming.import_names import import_names
    from phototag.workflows.recognition.refresh import refresh

    names = _read(file)
    settings = options.settings(db=db)
    with options.store(db) as store:
        watcher = options.progress(as_json)
        done = import_names(store, names, settings, watcher, overrule=overrule, dry_run=dry_run)
        tagged = refresh(store, watcher) if done.answer is not None and not (no_tag or dry_run) else None
    lines = _summary(done, dry_run) + (tagging_lines(tagged) if tagged else [])
    options.show({**asdict(done), "tagged": asdict(tagged) if tagged else None}, "\n".join(lines), as_json)
    return DONE_WITH_PROBLEMS if done.problems or done.left_out else 0


def _read(file: Path) -> NamesFile:
    from phototag.interop import files
    from phototag.interop.json_checks import MAX_BYTES, NamesError
    from phototag.interop.read_names import parse

    data = sys.stdin.buffer.read(MAX_BYTES + 1) if str(file) == "-" else files.read(file, MAX_BYTES)
    try:
        return parse(data)
    except NamesError as error:
        where = "standard input" if str(file) == "-" else _path(file)
        raise UsageError(f"{where} can't be imported, and nothing was changed: {error}") from error


def _summary(done: Imported, dry_run: bool) -> list[str]:
    would = "Would name" if dry_run else "Named"
    lines = [f"{would} {counted(done.names, 'face')}; {counted(done.people, 'new person', 'new people')}."]
    others = done.faces - done.names
    if others > 0 or done.pairs:
        lines.append(f"Also took over answers about {counted(others, 'other face')} and {counted(done.pairs, 'pair')}.")
    if done.added:
        lines.append(f"{counted(done.added, 'face')} of them no detector had found here: added from the photos.")
    if done.standing:
        lines.append(f"{counted(done.standing, 'answer')} stood here already.")
    if done.differences:
        stays = f"{done.overruled:,} of them overruled" if done.overruled else "your answers here stay"
        lines.append(f"{counted(len(done.differences), 'difference')} ({stays}):")
        lines += options.first_lines([printable(str(one)) for one in done.differences])
    if done.not_indexed:
        lines.append(f"{counted(len(done.not_indexed), 'photo')} of the file not here: index them and import again:")
        lines += options.first_lines([path_text(path) for path in done.not_indexed])
    if done.left_out:
        were = "was" if len(done.left_out) == 1 else "were"
        lines.append(f"{counted(len(done.left_out), 'entry', 'entries')} of the file {were} invalid and left out:")
        lines += options.first_lines([printable(one) for one in done.left_out])
    if done.forgotten:
        they_are = "is of somebody" if done.forgotten == 1 else "are of people"
        lines.append(f"{counted(done.forgotten, 'face')} of the file left out: {they_are} you forgot here.")
    if done.problems:
        lines.append(f"{counted(len(done.problems), 'photo')} can't be used, so faces in them were not added.")
    return lines


def _path(file: Path) -> str:
    return printable(str(file))
