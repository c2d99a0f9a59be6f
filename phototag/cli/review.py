"""`phototag review`."""

from __future__ import annotations

from pathlib import Path

import click

from phototag import extras
from phototag.cli import options

_HERE = "127.0.0.1"


@click.command(short_help="The same in a browser: who is who, asked and put right.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="NUMBER", help="Where (default: a free one).")
@click.option(
    "--host",
    default=_HERE,
    metavar="ADDRESS",
    help="Listen elsewhere than on this machine alone: 0.0.0.0 lets in everybody on your network who has the link, "
    "unencrypted.",
)
@click.option("--open", "opened", is_flag=True, help="Open the pages in your browser.")
@options.database
def review(port: int, host: str, opened: bool, db: Path | None) -> None:
    """Answer in a browser who the faces are, and look through people, photos and past answers; Ctrl-C ends it.

    The address that is printed is for you alone: whoever has it can answer, too. It changes each time.
    """
    extras.require("phototag review", "starlette", "uvicorn")
    from phototag.web.server import serve
    from phototag.workflows.recognition.refresh import refresh

    def ready(address: str, once: str) -> None:
        if host not in (_HERE, "localhost", "::1"):
            click.echo(
                f"Listening on {host}: whoever is on your network and has this link (with this machine's address for "
                "127.0.0.1) sees your faces and can answer, and it travels unencrypted.",
                err=True,
            )
        click.echo(f"Open {address}")
        click.echo("Ctrl-C ends it; every answer is saved at once.", err=True)
        if opened:
            click.launch(once)

    with options.store(db) as store:
        refresh(store, options.progress(False))  # before there is a page that would have to wait for it
    serve(options.settings(db=db).db, host, port, ready)
