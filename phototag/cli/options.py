"""Options that several commands share, and how a result is shown."""

from __future__ import annotations

import io
import json
import math
import os
import re
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from phototag.display import and_more, path_text
from phototag.errors import UsageError

if TYPE_CHECKING:
    from phototag.config import Settings
    from phototag.progress import Progress
    from phototag.store.connect import Store
    from phototag.types import Box

F = TypeVar("F", bound=Callable[..., Any])

database: Callable[[F], F] = click.option(
    "--db",
    type=click.Path(path_type=Path),
    help="The database file (default: PHOTOTAG_DB, else one in your data folder).",
)
as_json: Callable[[F], F] = click.option("--json", "as_json", is_flag=True, help="Print JSON, progress too.")
threshold: Callable[[F], F] = click.option(
    "--threshold",
    type=click.FloatRange(0, 2),
    metavar="DISTANCE",
    help="Distance below which two faces are one person, 0 to 2 (default: the embedder's own).",
)
precision: Callable[[F], F] = click.option(
    "--precision",
    type=float,
    metavar="SHARE",
    help="The share of tags that should be right, as 0.995; it is remembered (at first 0.99).",
)
no_tag: Callable[[F], F] = click.option("--no-tag", is_flag=True, help="Don't look for the names in other photos yet.")
yes: Callable[[F], F] = click.option("--yes", "-y", is_flag=True, help="Don't ask.")
paths = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
names_file = click.argument("file", type=click.Path(path_type=Path, allow_dash=True))


def seconds(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """A duration in seconds from `90`, `45s`, `30m`, `2h`, `1h30m` or `30d`."""
    if value is None:
        return None
    found = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?|(\d+)", value.strip().lower())
    if not found or not any(found.groups()):
        raise click.BadParameter(f"{value!r} is not a duration: give each number a unit, as in 2h, 1h30m or 45s")
    days, hours, minutes, *rest = (int(part or 0) for part in found.groups())
    return 86400.0 * days + 3600 * hours + 60 * minutes + sum(rest)


def box(_context: click.Context, _parameter: click.Parameter, value: str) -> Box:
    """A box from `120,40,60,80`: left, top, width, height."""
    from phototag.types import Box

    try:
        sides = [float(side) for side in value.split(",")]
    except ValueError:
        sides = []
    if len(sides) != 4 or not all(map(math.isfinite, sides)) or min(sides[2:]) <= 0:
        raise click.BadParameter(f"{value!r} is not a box: give left, top, width and height, as in 120,40,60,80")
    return Box(*sides)


_ANALYSIS = ("detector", "embedder", "device", "jobs", "min_face", "detail")
_SETTINGS = ("db", *_ANALYSIS, "precision")
_INDEXING = ("budget", "follow", "retry", "accept_missing")


_ENGINES: tuple[Callable[[F], F], ...] = (
    click.option("--detector", help="Which detector finds faces (see `phototag engines list`)."),
    click.option("--embedder", help="Which embedder tells people apart (see `phototag engines list`)."),
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "gpu"]),
        help="Where engines run: auto (the default) uses a GPU if onnxruntime or dlib finds one, "
        "gpu refuses to run without one.",
    ),
    click.option(
        "--jobs",
        type=int,
        help="Number of processes that decode photos, and of pairs of engines (default: one a core, at most 16).",
    ),
    click.option(
        "--min-face",
        type=int,
        help="Smallest face to find, in pixels, 12 or more (default: what the library remembers, else 20).",
    ),
    click.option(
        "--detail",
        type=int,
        help="Long side of the image in which faces are searched, in pixels, 64 to 8192 (default: what the library "
        "remembers, else 1280).",
    ),
)


def engine_options(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """The options of a command that analyzes photos, passed to it as `settings`."""

    @wraps(command)
    def packed(**flags: Any) -> int | None:
        return command(settings=settings(**{name: flags.pop(name) for name in _ANALYSIS}), **flags)

    for option in reversed(_ENGINES):
        packed = option(packed)
    return packed


def index_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options of a command that indexes, passed to it as `settings`, and as `how`: keyword arguments of the job."""

    @wraps(command)
    def packed(**flags: Any) -> int:
        chosen = settings(**{name: flags.pop(name) for name in _SETTINGS if name in flags})
        return command(settings=chosen, how={name: flags.pop(name) for name in _INDEXING}, **flags)

    for option in reversed(
        [
            *_ENGINES,
            click.option(
                "--time-budget",
                "budget",
                callback=seconds,
                metavar="DURATION",
                help="Stop after this time (2h, 1h30m); the next run continues.",
            ),
            click.option("--follow", is_flag=True, help="Follow symbolic links."),
            click.option("--retry", is_flag=True, help="Retry files that could not be used before."),
            click.option("--accept-missing", is_flag=True, help="Continue even if many files are missing at once."),
            database,
        ]
    ):
        packed = option(packed)
    return packed


def settings(**flags: Any) -> Settings:
    """The settings of this run."""
    from phototag.config import load

    return load(**flags)


@contextmanager
def store(db: Path | None, *, write: bool = True) -> Generator[Store, None, None]:
    """The open database that flags and environment name."""
    from phototag.store.connect import open_reader, open_store

    path = settings(db=db).db
    with open_store(path) if write else open_reader(path) as opened:
        yield opened


@contextmanager
def store_for(folders: Sequence[Path], db: Path) -> Generator[Store, None, None]:
    """The open database to index folders into; it is created if it doesn't exist and all folders do.

    Raises UsageError if a folder doesn't exist, or without both folders and database.
    """
    from phototag.store.connect import open_store

    if not db.exists():
        for folder in folders:
            if not folder.is_dir():
                where = path_text(os.path.abspath(os.fsencode(folder)))
                raise UsageError(f"{where} is not a folder: name the folder that holds your photos")
    with open_store(db, create=bool(folders)) as opened:
        yield opened


def progress(as_json: bool) -> Progress:
    """The progress display of this run."""
    from phototag.cli.progress import Lines, watch

    return Lines(as_json=True) if as_json else watch()


def show(result: object, text: str, as_json: bool) -> None:
    """Print a command's result: as JSON, or as text for people."""
    click.echo(json.dumps(result, default=_plain, indent=2) if as_json else text)


def first_lines(lines: Sequence[str], most: int = 10) -> list[str]:
    """The first lines of a list, indented, and how many more there are."""
    hidden = len(lines) - most
    return [f"  {line}" for line in [*lines[:most], *([f"{and_more(hidden)}: `--json` has them all"] * (hidden > 0))]]


def distance_and_limit(distance: float, limit: float) -> str:
    """`(distance 0.42, limit 0.38)`, with a third digit if both would read the same."""
    digits = 3 if f"{distance:.2f}" == f"{limit:.2f}" else 2
    return f"(distance {distance:.{digits}f}, limit {limit:.{digits}f})"


@contextmanager
def in_utf8() -> Generator[TextIO, None, None]:
    """Standard output for other programs: UTF-8 whatever the terminal's encoding, line ends unchanged."""
    sys.stdout.flush()
    file = io.TextIOWrapper(sys.stdout.buffer, "utf-8", errors="backslashreplace", newline="")
    try:
        yield file
        file.flush()
    finally:
        file.detach()


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return path_text(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(type(value).__name__)


def place(box: Box) -> str:
    """Where a face is in its photo: `(120, 40)`, its upper left corner."""
    return f"({box.x:.0f}, {box.y:.0f})"
