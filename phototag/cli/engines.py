"""`phototag engines`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from phototag.cli import options
from phototag.cli.hints import command
from phototag.display import printable
from phototag.errors import StoppedError


@click.group(short_help="Detectors and embedders: list, install, add, remove.")
def engines() -> None:
    """List, install, add and remove engines: detectors find faces, embedders tell people apart."""


@engines.command("list")
@options.as_json
def engines_list(as_json: bool) -> None:
    """List engines: built in, of other packages, added by you, installable, and families whose weights you bring.

    A star marks what a new library uses. An existing library keeps its own, which `phototag status` shows.
    """
    from phototag.workflows.engine_list import listing

    rows = listing(options.settings())
    lines = [f"  {'engine':16} {'kind':9} {'origin':12} {'dim':>4} {'same':>6} gpu  what it is"]
    for row in rows:
        same = f"{row.threshold:6.3f}" if row.threshold else f"{'-':>6}"
        lines.append(
            f"{'*' if row.default else ' '} {printable(row.name):16} {row.kind or '-':9} {row.origin:12}"
            f" {row.dim or '-':>4} {same} {'yes' if row.gpu else '-':>3}  {printable(row.trouble or row.summary)}"
            f"{f' ({printable(row.licence)})' if row.licence else ''}"
        )
    lines += ["", "To add those that aren't there yet:", *(f"  {command(row.how)}" for row in rows if row.how)]
    found = [{**asdict(row), "how": command(row.how) if row.how else ""} for row in rows]
    options.show(found, "\n".join(lines), as_json)


@engines.command("add")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--family",
    help="What kind of weights: onnx, yunet, openface, facenet, projection (default: told by NAME or FILE).",
)
@click.option("--card", type=click.Path(path_type=Path), help="A TOML file that describes an ONNX embedder.")
def engines_add(name: str, file: Path, family: str | None, card: Path | None) -> None:
    """Check the weights in FILE (a folder, for OpenFace's CSV files), copy them and register them as NAME."""
    from phototag.workflows.engines import add

    installed = add(name, file, family, card)
    click.echo(f"{installed.name} added ({installed.family}, SHA-256 {installed.sha256}).")


@engines.command("install")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
@options.as_json
def engines_install(name: str, yes: bool, as_json: bool) -> None:
    """Fetch NAME from the catalogue, verify it and register it; the only command that uses the network."""
    from phototag.engines.catalogue import install, require_installable
    from phototag.workflows.engines import entry

    found = entry(name)
    require_installable(found)
    click.echo(
        f"{found.name}: {found.summary}; {found.figures}.\n"
        f"Licence {found.licence}, {found.size / 1e6:.1f} MB, from {found.url}",
        err=True,
    )
    if not yes:
        _confirm("Fetch it?", "nothing was fetched")
    installed = install(found, options.progress(as_json))
    options.show(
        {"name": installed.name, "family": installed.family, "sha256": installed.sha256, "licence": installed.licence},
        f"{installed.name} installed; new libraries use it, others with `phototag index --"
        f"{'detector' if found.card is None else 'embedder'} {installed.name}`.",
        as_json,
    )


@engines.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
@options.database
def engines_remove(name: str, yes: bool, db: Path | None) -> None:
    """Remove an engine that you added or installed; names and faces stay in your databases.

    Says so if the database uses it.
    """
    from phototag.engines.choice import best
    from phototag.engines.installation import remove, require_installed
    from phototag.workflows.library.engines_in_use import used_as

    require_installed(name)
    library = options.settings(db=db).db
    use = used_as(name, library)
    if use == "coming":
        click.echo(f"{library} is being changed to {name}; without it, its former embedder stays.", err=True)
    elif use:
        click.echo(f"{library} was indexed with {name}.", err=True)
    if not yes:
        _confirm(f"Remove the engine {name}?", "nothing was removed")
    remove(name)
    click.echo(f"{name} removed; names and faces stay.")
    if use and use != "coming":
        click.echo(f"Index with another {use}, as in `phototag index --{use} {best(use)}`, or add {name} again.")


def _confirm(question: str, otherwise: str) -> None:
    """Raises StoppedError, which says what happened `otherwise`, for any answer but yes."""
    try:
        said = click.confirm(question, err=True)
    except click.Abort:  # Ctrl-C, or nobody there
        click.echo(err=True)
        said = False
    if not said:
        raise StoppedError(otherwise)
