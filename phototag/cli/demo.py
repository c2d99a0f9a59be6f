"""`phototag demo`."""

from __future__ import annotations

from pathlib import Path

import click

from phototag.cli import options
from phototag.display import counted


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
    from phototag.workflows.demo.demo import demo as job

    done = job(out, options.settings(), options.progress(as_json))
    options.show(
        {"page": done.page, "photos": done.photos, "faces": done.faces, "people": done.people,
         "tagged": done.tagged, "problems": done.problems},
        f"{counted(done.photos, 'photo')} with {counted(done.faces, 'face')} indexed; "
        f"{counted(done.people, 'person', 'people')} named from a few photos each, "
        f"{counted(done.tagged, 'face')} recognised elsewhere; "
        f"{counted(done.problems, 'broken file')} noted.\nOpen {done.page.resolve().as_uri()}",
        as_json,
    )  # fmt: skip
