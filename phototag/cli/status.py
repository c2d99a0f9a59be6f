"""`phototag status`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from phototag.cli import options
from phototag.display import counted, path_text, photos_away


@click.command(short_help="What is in the library.")
@options.database
@options.as_json
def status(db: Path | None, as_json: bool) -> None:
    """Show folders, photos, faces, people, the model, and the files that could not be used."""
    from phototag.workflows.library.status import status as job

    with options.store(db, write=False) as store:
        found = job(store)
        where = store.path
    lines = [f"database  {where}"]
    lines += [
        f"folder    {path_text(library.root)}: {counted(library.photos, 'photo')}"
        + (" (offline)" if library.state == "offline" else "")
        for library in found.libraries
    ]
    by_state = ", ".join(f"{count:,} {state}" for state, count in sorted(found.files.items()))
    lines += [
        f"photos    {found.photos:,} (files: {by_state or 'none'})",
        *([f"          {photos_away(found.away)}"] if found.away else []),
        f"faces     {found.faces:,}: {found.confirmed:,} named by you, {found.tagged:,} tagged, "
        f"{counted(found.groups, 'unnamed group')}",
        *(
            [f"          {counted(found.unplaced, 'name')} without a face since photos were edited: `phototag audit`"]
            if found.unplaced
            else []
        ),
        f"people    {found.people:,}",
        f"problems  {counted(found.problems, 'file')}",
        *options.first_lines([f"{path_text(one.path)}: {one.message}" for one in found.unusable]),
        f"engines   {found.detector or 'none yet'}, {found.embedder or 'none yet'}",
    ]
    if found.coming:
        name, left = found.coming
        lines.append(f"          {name} takes over once it has seen {counted(left, 'more face')}: `phototag index`")
    if found.model:
        at, people, faces = found.model
        lines.append(f"model     {counted(people, 'person', 'people')}, {counted(faces, 'face')}, {at}")
    else:
        lines.append("model     none yet: name people with `phototag name`, then `phototag train`")
    options.show({"database": where, **asdict(found)}, "\n".join(lines), as_json)
