"""TOML files: one reader for all versions of Python, and one way to say that a file is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from phototag.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def parse(text: str, where: str) -> dict[str, Any]:
    """The table in a TOML text; `where` names its origin in the message. Raises UsageError for bad syntax."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where} can't be read as TOML ({error}): mend or remove it") from error


def read(path: Path) -> dict[str, Any]:
    """The table in a TOML file. Raises OSError, or UsageError for a file that holds anything else."""
    try:
        return parse(path.read_text("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} can't be read as TOML ({error}): mend or remove it") from error


def format_table(table: dict[str, Any]) -> str:
    """A table as TOML text, which `parse` reads back."""
    import tomli_w  # only `engines add` and `install` write TOML

    return tomli_w.dumps(table)
