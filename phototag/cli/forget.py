"""`phototag forget`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phototag.cli import options
from phototag.cli.tag import tagging_lines
from phototag.display import counted, path_text, printable

if TYPE_CHECKING:
    from phototag.workflows.library.forget import ForgottenPhotos, Left

dry_run = click.option("--dry-run", is_flag=True, help="Only show what would be forgotten.")


@click.command(short_help="Forget photos that are deleted, or a folder.")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--missing", is_flag=True, help="Forget the photos that are away or deleted.")
@click.option(
    "--older-than",
    callback=options.seconds,
    metavar="DURATION",
    help="Only those that have been missing for this long (30d, 12h).",
)
@dry_run
@options.yes
@options.database
@options.as_json
def forget(
    folder: Path | None,
    missing: bool,
    older_than: float | None,
    dry_run: bool,
    yes: bool,
    db: Path | None,
    as_json: bool,
) -> None:
    """Forget the photos that are --missing, or those in FOLDER: their faces, crops and embeddings.

    \b
    phototag forget --missing --older-than 30d
    phototag forget ~/Pictures/Scans --dry-run

    A photo that is also in another folder stays. No file is touched. Your answers stay in the journal: if the photos
    are indexed again, they have their names again.
    """
    from phototag.workflows.library.forget import forget_folder, forget_missing
    from phototag.workflows.recognition.refresh import refresh

    if missing == (folder is not None):
        raise click.UsageError("say which photos to forget: --missing, or a folder")
    if older_than is not None and not missing:
        raise click.UsageError("--older-than goes with --missing")

    since = datetime.now(timezone.utc) - timedelta(seconds=older_than or 0)  # what goes away meanwhile isn't meant

    def job(*, dry_run: bool) -> ForgottenPhotos:
        if folder is not None:
            return forget_folder(store, folder, dry_run=dry_run)
        return forget_missing(store, since, dry_run=dry_run)

    with options.store(db) as store:
        forgotten = job(dry_run=True)
        nothing = not (forgotten.files or forgotten.photos) and missing
        if not dry_run:
            if not (yes or nothing):
                click.echo(f"{_photos(forgotten, 'Would forget')}\nTheir names stay in the journal.", err=as_json)
                _ask("Type yes to forget them", "yes", as_json)
            forgotten = job(dry_run=False)
        tagged = refresh(store, options.progress(as_json)) if forgotten.photos and not dry_run else None
        lines = [_photos(forgotten, "Would forget" if dry_run else "Forgot"), *_indexed_anew(forgotten)]
        if nothing:
            lines = ["No photo is missing that long." if older_than else "No photo is missing."]
        lines += [*still_there(forgotten.left), *(tagging_lines(tagged) if tagged else [])]
        options.show({**asdict(forgotten), "tagged": asdict(tagged) if tagged else None}, "\n".join(lines), as_json)


def _indexed_anew(forgotten: ForgottenPhotos) -> list[str]:
    if forgotten.inside is None:
        return []
    return [
        f"The next index of {path_text(forgotten.inside)} finds what still lies there, with its names; a file called "
        ".nomedia in the folder keeps it out."
    ]


def _photos(forgotten: ForgottenPhotos, how: str) -> str:
    return (
        f"{how} {counted(forgotten.photos, 'photo')} with {counted(forgotten.faces, 'face')}, "
        f"{forgotten.named:,} of them named by you."
    )


def _ask(question: str, wanted: str, as_json: bool) -> None:
    if click.prompt(question, default="", show_default=False, err=as_json).strip() != wanted:
        raise click.Abort


def still_there(left: Left | None) -> list[str]:
    """Where what was forgotten still is."""
    if left is None:
        return []
    lines = []
    if left.backups:
        lines.append("Copies of the database from before still hold it; delete them if you need them no more:")
        lines += [f"  {printable(str(backup))}" for backup in left.backups]
    if not left.wiped:
        lines.append(
            "Another program uses the database, so that traces are left in the file: end it, and run `phototag forget "
            "--missing`, which wipes them."
        )
    return lines
