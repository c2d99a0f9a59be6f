"""Tells files that are no weights, and may run code when they are read, by their first bytes."""

from __future__ import annotations

from pathlib import Path

from phototag.errors import WeightsError


def unsafe_kind_of(path: Path) -> str:
    """`unsafe_kind` of a file. Raises WeightsError for one that can't be read."""
    try:
        with path.open("rb") as file:
            return unsafe_kind(file.read(8))
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror}): give a file that can be") from error


def unsafe_kind(start: bytes) -> str:
    """What a file that begins like this is, if it is a pickle or may hold one, else nothing."""
    if start.startswith(b"\x80"):  # as every pickle since protocol 2
        return "a pickle, which may run code when it is read"
    if start.startswith(b"PK\x03\x04"):  # in which PyTorch keeps one, and Keras code
        return "a zip archive, which may hold a pickle or code"
    return ""
