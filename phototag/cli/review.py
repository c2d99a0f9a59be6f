"""`phototag review`."""

from __future__ import annotations

from pathlib import Path

import click

from phototag import extras
from phototag.cli import options

_HERE = "127.0.0.1"


@click.command(short_help="Name and correct people in a browser.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="NUMBER", help="Default: a free one.")
@click.option(
    "--host",
    default=_HERE,
    metavar="ADDRESS",
    help="Listen to other machines, too: 0.0.0.0 lets in everybody on your network who has the link, unencrypted.",
)
@click.option("--open", "opened", is_flag=True, help="Open the pages in your browser.")
@options.database
def review(port: int, host: str, opened: bool, db: Path | None) -> None:
    """Name people in a browser, and look through and correct people, photos and past answers. Ctrl-C ends it.

    Keep the printed address to yourself: whoever has it can see and answer everything. It changes each time.
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
        refresh(store, options.progress(False))  # now, so that no page has to wait for it
    serve(options.settings(db=db).db, host, port, ready)
