"""The user's own engines: weights that somebody brought, copied, hashed and registered in a folder each.

A folder holds `engine.toml` and one weights file. It appears whole or not at all, and its file is
hashed before anyone parses it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeAlias

from phototag import atomic, toml
from phototag.config import engines_folder
from phototag.engines.formats import card as cards
from phototag.engines.formats.card import Card
from phototag.errors import UsageError, WeightsError
from phototag.remedies import AddEngineAgain, RemoveEngine, Show

ENTRY = "engine.toml"
#: What a network yields for fixed inputs: for each, some numbers of its output. Empty where nothing is exported.
Fingerprint: TypeAlias = tuple[tuple[float, ...], ...]
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Weights in the form that a family keeps: the file's bytes and its suffix, such as `.onnx` or `.npz`.

    `dim`: of an embedder's vectors, where the weights and no card tell.
    """

    data: bytes
    suffix: str
    dim: int | None = None
    fingerprint: Fingerprint = ()


@dataclass(frozen=True, slots=True)
class Shelved:
    """An engine on the shelf: its name, its family, its folder, and the weights file in it with its SHA-256.

    `dim`: of an embedder's vectors, where it was noted. `source`: the path or URL that it came from. `licence`:
    as the catalogue says, else empty. `added_at`: ISO 8601, UTC.
    """

    name: str
    family: str
    folder: Path
    file: str
    sha256: str
    card: Card | None = None
    dim: int | None = None
    source: str = ""
    licence: str = ""
    added_at: str = ""
    fingerprint: Fingerprint = ()


@contextmanager
def usable() -> Iterator[None]:
    """Says what is wrong with the shelf's folder where the system refuses it: DiskFullError, UsageError."""
    try:
        yield
    except OSError as error:
        folder = engines_folder()
        if atomic.is_disk_full(error):
            raise atomic.disk_full(folder, "no engine was added") from error
        raise UsageError(
            f"the folder of engines, {folder}, can't be used ({error.strerror or error}): mend it, or name another "
            "one with PHOTOTAG_ENGINES"
        ) from error


@usable()
def keep(
    name: str, family: str, prepared: Prepared, card: Card | None, *, source: str = "", licence: str = ""
) -> Shelved:
    """Put weights that their family has prepared on the shelf.

    Raises UsageError for a name that's bad or taken, or a shelf that can't be written, DiskFullError.
    """
    folder = require_free(name)
    shelved = Shelved(
        name=name,
        family=family,
        folder=folder,
        file=f"weights{prepared.suffix}",
        sha256=hashlib.sha256(prepared.data).hexdigest(),
        card=card,
        dim=card.dim if card else prepared.dim,
        source=source,
        licence=licence,
        added_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        fingerprint=prepared.fingerprint,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{name}-"))
    try:
        (temporary / shelved.file).write_bytes(prepared.data)
        (temporary / ENTRY).write_text(_entry(shelved), "utf-8")
        temporary.chmod(0o755)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return shelved


@usable()
def require_free(name: str) -> Path:
    """The folder that an engine called `name` would have. Raises UsageError if the name is bad or taken."""
    folder = _folder(name)
    if folder.exists():
        raise UsageError(f"there is an engine called {name} already", RemoveEngine(name))
    return folder


@usable()
def require_taken(name: str) -> Path:
    """The folder of the engine called `name`, damaged or not. Raises UsageError if there is none."""
    folder = _folder(name)
    if not folder.is_dir():
        raise UsageError(f"there is no engine called {name} on the shelf", Show("engines"))
    return folder


@usable()
def shelved() -> list[Shelved]:
    """All engines on the shelf, by name. Raises WeightsError for an entry that can't be read."""
    try:
        names = sorted(path.name for path in engines_folder().iterdir() if NAME.fullmatch(path.name))
    except FileNotFoundError:
        return []
    return [found for name in names if (found := find(name))]


@usable()
def find(name: str) -> Shelved | None:
    """The engine called `name`, if it is on the shelf. Raises WeightsError for an entry that can't be read."""
    if not NAME.fullmatch(name):
        return None
    folder = engines_folder() / name
    try:
        return _read(name, folder, toml.read(folder / ENTRY))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, UsageError) as error:
        raise WeightsError(f"{folder / ENTRY} can't be read ({error})", AddEngineAgain(name)) from error


def load(shelved: Shelved) -> bytes:
    """The weights' bytes, once they are those that were put there. Raises WeightsError."""
    path = shelved.folder / shelved.file
    again = AddEngineAgain(shelved.name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror})", again) from error
    if hashlib.sha256(data).hexdigest() != shelved.sha256:
        raise WeightsError(f"{path} is not what was added (its SHA-256 differs); nothing of it was used", again)
    return data


@usable()
def remove(name: str) -> None:
    """Take an engine off the shelf, damaged or not. Raises UsageError if there is none of this name."""
    shutil.rmtree(require_taken(name))


def _folder(name: str) -> Path:
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for an engine: use small letters, digits, dots, - and _")
    return engines_folder() / name


def _read(name: str, folder: Path, entry: dict[str, Any]) -> Shelved:
    table = entry.pop("card", None)
    fingerprint = tuple(tuple(float(number) for number in row) for row in entry.pop("fingerprint", ()))
    if not all(isinstance(value, int if key == "dim" else str) for key, value in entry.items()):
        raise TypeError("a value is of the wrong kind")
    file = entry["file"]
    if entry["name"] != name or file in (".", "..") or Path(file).name != file:
        raise ValueError("it speaks of another folder")
    card = cards.from_table(table, "card") if table else None
    return Shelved(folder=folder, card=card, fingerprint=fingerprint, **entry)


def _entry(shelved: Shelved) -> str:
    keys = ("name", "family", "file", "sha256", "dim", "licence", "source", "added_at")
    table: dict[str, Any] = {key: value for key in keys if (value := getattr(shelved, key)) is not None}
    if shelved.fingerprint:
        table["fingerprint"] = shelved.fingerprint
    if shelved.card:
        table["card"] = shelved.card.table()
    return toml.format_table(table)
