"""`phototag run`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from phototag.cli import options
from phototag.cli.index import sentence, status
from phototag.cli.report import default_folder


@click.command(short_help="The whole job: index, group, tag, write the report.")
@options.paths
@options.index_options
@click.option("--out", type=click.Path(path_type=Path), help="The report's folder (else beside the database).")
@options.database
@options.as_json
def run(
    paths: tuple[Path, ...],
    detector: str | None,
    embedder: str | None,
    device: str | None,
    jobs: int | None,
    min_face: int | None,
    detail: int | None,
    time_budget: float | None,
    follow: bool,
    retry: bool,
    accept_missing: bool,
    out: Path | None,
    db: Path | None,
    as_json: bool,
) -> int:
    """Index folders, group faces, tag the people you named, write the report, and say where it is."""
    from phototag.workflows.run import run as job

    settings = options.settings(
        db=db, detector=detector, embedder=embedder, device=device, jobs=jobs, min_face=min_face, image_side=detail
    )
    with options.store(db, create=True) as store:
        done = job(
            store, paths, settings, out or default_folder(store.path), options.progress(as_json),
            accept_missing=accept_missing, follow=follow, retry=retry, budget=time_budget,
        )  # fmt: skip
    lines = [sentence(done.indexed), f"{options.many(done.clustered.groups, 'unnamed group')}."]
    if done.tagged:
        lines.append(f"{options.many(done.tagged.named, 'face')} tagged.")
    if done.clustered.groups:
        lines.append("Name people with `phototag name`.")
    lines.append(f"Open {done.page.resolve().as_uri()}")
    options.show(asdict(done), "\n".join(lines), as_json)
    return status(done.indexed)
