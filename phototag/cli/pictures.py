"""Pictures of faces on a terminal, by what it supports: sixel, kitty's or iTerm's protocol, else half-blocks."""

from __future__ import annotations

import base64
import io
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from phototag.config import environment_variable
from phototag.imaging.crops import contact_sheet

# textual_image logs a traceback if a terminal doesn't tell the size of its characters, and goes on with a usual size.
logging.getLogger("textual_image").setLevel(logging.CRITICAL)

#: Faces in a row, and columns of the terminal that each takes.
COLUMNS, _WIDTH = 6, 16


def show(console: Console, pictures: Sequence[bytes], *, first: int | None = None) -> None:
    """Show small pictures (JPEG) in rows; `first`: the number of the first one, written below it."""
    columns = min(len(pictures), COLUMNS, max(1, console.width // _WIDTH))
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns or 1)]
    for number, row in enumerate(rows if first is not None else [pictures] if pictures else []):
        _sheet(console, contact_sheet(row, columns=columns), min(len(row), columns) * _WIDTH)
        if first is not None:
            start = first + number * columns
            line = "".join(f"{place:^{_WIDTH}}" for place in range(start, start + len(row)))
            console.print(line.rstrip(), highlight=False)


def _sheet(console: Console, sheet: bytes, width: int) -> None:
    if _speaks_iterm():
        console.file.write(_inline(sheet, min(console.width, width)))
        console.file.flush()
        return
    from textual_image.renderable import Image  # queries the terminal on import: only once there is something to show

    console.print(Image(io.BytesIO(sheet), width=min(console.width, width), height="auto"))


def open_all(pictures: Sequence[bytes]) -> None:
    """Show pictures in the desktop's viewer, on one sheet."""
    open_picture(contact_sheet(pictures))


def open_picture(picture: bytes) -> None:
    """Show one picture (PNG or JPEG) in the desktop's viewer."""
    suffix = ".png" if picture.startswith(b"\x89PNG") else ".jpg"
    with tempfile.NamedTemporaryFile(prefix="phototag-", suffix=suffix, delete=False) as file:
        file.write(picture)
    click.echo(f"opening {file.name}")
    click.launch(Path(file.name).as_uri())


def _speaks_iterm() -> bool:
    """Whether the terminal shows pictures in iTerm's protocol; such terminals don't answer textual-image's queries."""
    return "iTerm" in environment_variable("TERM_PROGRAM") + environment_variable("LC_TERMINAL")


def _inline(picture: bytes, columns: int) -> str:
    """A picture in iTerm's protocol (https://iterm2.com/documentation-images.html)."""
    data = base64.b64encode(picture).decode()
    return f"\x1b]1337;File=inline=1;size={len(picture)};width={columns};preserveAspectRatio=1:{data}\x07\n"
