"""Weights that may be fetched: where they are, what they are, and how they are verified."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phototag import toml
from phototag.config import engines_folder
from phototag.engines import installation, registry
from phototag.engines.download import download
from phototag.engines.formats import card as cards
from phototag.engines.formats.card import Card
from phototag.engines.installation import InstalledEngine
from phototag.errors import WeightsError
from phototag.progress import Progress


@dataclass(frozen=True, slots=True)
class Entry:
    """An engine of the catalogue. `size` in bytes; `figures`: one line, measured; `home`: its project's page."""

    name: str
    family: str
    summary: str
    url: str
    sha256: str
    size: int
    licence: str
    home: str
    figures: str
    card: Card | None = None


def entries() -> list[Entry]:
    """The catalogue that comes with phototag, by name."""
    tables = toml.read(Path(__file__).with_name("catalogue.toml"))
    return [_entry(name, table) for name, table in sorted(tables.items())]


def entry_of(path: Path) -> Entry | None:
    """The entry whose weights a file holds, if any. Raises WeightsError for a file that can't be read."""
    if not path.is_file():
        return None
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror}): give a file that can be") from error
    return next((entry for entry in entries() if entry.sha256 == sha256), None)


def require_installable(entry: Entry) -> None:
    """Raises UsageError if an entry's name is taken, or a package is missing without which it could not run."""
    installation.require_unused_name(entry.name)
    registry.family(entry.family)


def install(entry: Entry, progress: Progress) -> InstalledEngine:
    """Fetch an entry's weights, verify and install them.

    What was fetched before an interruption is kept for the next attempt, unverified weights never are.
    Raises WeightsError if they can't be had or aren't the ones we know, UsageError as
    `require_installable` does or if the folder of engines can't be written, DiskFullError.
    """
    require_installable(entry)
    part = engines_folder() / ".downloads" / entry.sha256
    with installation.explained_os_errors():
        part.parent.mkdir(parents=True, exist_ok=True)
        download(entry.url, part, entry.size, progress)
        if hashlib.sha256(part.read_bytes()).hexdigest() != entry.sha256:
            part.unlink()
            raise WeightsError(
                f"{entry.url} is not the file that phototag trusts (its SHA-256 differs); it was thrown away"
            )
        try:
            return registry.add(entry.name, entry.family, part, entry.card, source=entry.url, licence=entry.licence)
        finally:
            part.unlink()


def _entry(name: str, table: dict[str, Any]) -> Entry:
    card = table.pop("card", None)
    return Entry(name=name, card=cards.from_table(card, name) if card else None, **table)
