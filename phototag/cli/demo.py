"""`phototag demo`."""

from __future__ import annotations

from pathlib import Path

import click

from phototag.cli import options


@click.command(short_help="Try it all on a small built-in library.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("phototag-demo"),
    show_default=True,
    help="The folder to work in; it is made, and must not exist unless a demo made it.",
)
@options.as_json
def demo(out: Path, as_json: bool) -> None:
    """Do the whole job on a small built-in library, offline, in about a minute."""
    from phototag.workflows.demo import demo as job

    done = job(out, options.settings(), options.progress(as_json))
    options.show(
        {"page": done.page, "photos": done.photos, "faces": done.faces, "people": done.people,
         "tagged": done.tagged, "problems": done.problems},
        f"{options.many(done.photos, 'photo')} with {options.many(done.faces, 'face')} indexed; "
        f"{options.many(done.people, 'person', 'people')} named from a few photos each, "
        f"{options.many(done.tagged, 'face')} recognised elsewhere; "
        f"{options.many(done.problems, 'broken file')} noted.\nOpen {done.page.resolve().as_uri()}",
        as_json,
    )  # fmt: skip
