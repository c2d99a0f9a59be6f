"""Installed engines: weights that the user brought or fetched, in a folder for each engine.

The folder holds `engine.toml` and one weights file. It appears whole or not at all, and the file's SHA-256 is compared
with the one in `engine.toml` before anything parses it.
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
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
#: Numbers of a network's output for each of a few fixed inputs; empty for engines whose network is not exported.
Fingerprint: TypeAlias = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class PreparedWeights:
    """Weights in the form that their family reads: a file's bytes and its suffix, such as `.onnx` or `.npz`.

    `dim`: length of an embedder's vectors, if the weights tell it and no card does.
    """

    data: bytes
    suffix: str
    dim: int | None = None
    fingerprint: Fingerprint = ()


@dataclass(frozen=True, slots=True)
class InstalledEngine:
    """An installed engine: its name, its family, its folder, and the weights file in it with its SHA-256.

    `dim`: length of an embedder's vectors, if known. `source`: the path or URL that the weights came from. `licence`:
    from the catalogue, else empty. `added_at`: ISO 8601, UTC.
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
def explained_os_errors() -> Iterator[None]:
    """Turns the system's errors about the folder of engines into DiskFullError or UsageError, which name it."""
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


@explained_os_errors()
def save(
    name: str, family: str, prepared: PreparedWeights, card: Card | None, *, source: str = "", licence: str = ""
) -> InstalledEngine:
    """Install weights that their family has prepared.

    Raises UsageError for a name that is bad or taken, or a folder that can't be written; DiskFullError.
    """
    folder = require_unused_name(name)
    engine = InstalledEngine(
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
        (temporary / engine.file).write_bytes(prepared.data)
        (temporary / ENTRY).write_text(_as_toml(engine), "utf-8")
        temporary.chmod(0o755)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return engine


@explained_os_errors()
def require_unused_name(name: str) -> Path:
    """The folder that an engine called `name` would have. Raises UsageError if the name is bad or taken."""
    folder = _folder(name)
    if folder.exists():
        raise UsageError(f"there is an engine called {name} already", RemoveEngine(name))
    return folder


@explained_os_errors()
def require_installed(name: str) -> Path:
    """The folder of the engine called `name`, damaged or not. Raises UsageError if there is none."""
    folder = _folder(name)
    if not folder.is_dir():
        raise UsageError(f"there is no engine called {name} among those that you added", Show("engines"))
    return folder


@explained_os_errors()
def installed_engines() -> list[InstalledEngine]:
    """All installed engines, by name. Raises WeightsError for an entry that can't be read."""
    try:
        names = sorted(path.name for path in engines_folder().iterdir() if NAME.fullmatch(path.name))
    except FileNotFoundError:
        return []
    return [found for name in names if (found := find(name))]


@explained_os_errors()
def find(name: str) -> InstalledEngine | None:
    """The installed engine called `name`, if there is one. Raises WeightsError for an entry that can't be read."""
    if not NAME.fullmatch(name):
        return None
    folder = engines_folder() / name
    try:
        return _read(name, folder, toml.read(folder / ENTRY))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, UsageError) as error:
        raise WeightsError(f"{folder / ENTRY} can't be read ({error})", AddEngineAgain(name)) from error


def load(engine: InstalledEngine) -> bytes:
    """The weights' bytes. Raises WeightsError if they can't be read, or their SHA-256 is not the one noted."""
    path = engine.folder / engine.file
    again = AddEngineAgain(engine.name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror})", again) from error
    if hashlib.sha256(data).hexdigest() != engine.sha256:
        raise WeightsError(f"{path} is not what was added (its SHA-256 differs); nothing of it was used", again)
    return data


@explained_os_errors()
def remove(name: str) -> None:
    """Delete an installed engine, damaged or not. Raises UsageError if there is none of this name."""
    shutil.rmtree(require_installed(name))


def _folder(name: str) -> Path:
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for an engine: use small letters, digits, dots, - and _")
    return engines_folder() / name


def _read(name: str, folder: Path, entry: dict[str, Any]) -> InstalledEngine:
    table = entry.pop("card", None)
    fingerprint = tuple(tuple(float(number) for number in row) for row in entry.pop("fingerprint", ()))
    if not all(isinstance(value, int if key == "dim" else str) for key, value in entry.items()):
        raise TypeError("a value is of the wrong kind")
    file = entry["file"]
    if entry["name"] != name or file in (".", "..") or Path(file).name != file:
        raise ValueError("it names another engine or folder")
    card = cards.from_table(table, "card") if table else None
    return InstalledEngine(folder=folder, card=card, fingerprint=fingerprint, **entry)


def _as_toml(engine: InstalledEngine) -> str:
    keys = ("name", "family", "file", "sha256", "dim", "licence", "source", "added_at")
    table: dict[str, Any] = {key: value for key in keys if (value := getattr(engine, key)) is not None}
    if engine.fingerprint:
        table["fingerprint"] = engine.fingerprint
    if engine.card:
        table["card"] = engine.card.table()
    return toml.format_table(table)
