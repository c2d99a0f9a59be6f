"""`phototag report`."""

from __future__ import annotations

from pathlib import Path

import click

from phototag.cli import options


@click.command(short_help="Write an album of static pages.")
@click.argument("out", type=click.Path(path_type=Path), required=False)
@options.database
@options.as_json
def report(out: Path | None, db: Path | None, as_json: bool) -> None:
    """Write an album of static pages into the folder OUT; open its index.html in a browser.

    Without OUT it is written beside the database.
    """
    from phototag.workflows.report import report as job

    with options.store(db, write=False) as store:
        page = job(store, out or default_folder(store.path), options.progress(as_json))
    options.show({"page": page}, f"Open {page.resolve().as_uri()}", as_json)


def default_folder(db: Path) -> Path:
    """The album's folder unless another one is given."""
    return db.with_name(db.stem + "-report")
