"""Checks of a JSON document that nobody vouches for, value by value, each with its place in the file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

#: The largest size, in bytes: more than a million named faces take.
MAX_BYTES = 256 << 20
#: The largest number of pixels, in any direction.
MAX_PIXELS = 1_000_000


class NamesError(ValueError):
    """What is wrong with a names file, and where in it."""


def load(data: bytes) -> object:
    """The JSON document. Raises NamesError."""
    if len(data) > MAX_BYTES:
        raise NamesError(f"it is larger than {MAX_BYTES >> 20} MiB, which no file of names is")
    try:
        loaded: object = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once, parse_int=_integer)
    except RecursionError as error:
        raise NamesError("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise NamesError("it is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise NamesError(f"it is not JSON ({error.msg}, line {error.lineno})") from error
    return loaded


class _KeyTwice:
    """Stands for an object that has a key twice: which of the values is meant?"""


def _once(pairs: list[tuple[str, object]]) -> object:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _KeyTwice()


def _integer(digits: str) -> int | float:
    """An integer; infinity for one of more digits than any number in a names file has."""
    return int(digits) if len(digits) < 400 else math.inf


def entries(about: dict[str, Any], key: str, where: str) -> Iterator[tuple[object, str]]:
    """The items of a list, which may be absent, each with where it is."""
    place = f"{where}, {key}" if where else key
    for number, item in enumerate(json_list(about.get(key, []), place), 1):
        yield item, f"{place} {number}"


def json_object(value: object, where: str) -> dict[str, Any]:
    if isinstance(value, _KeyTwice):
        raise NamesError(f"{where} has a key twice")
    if not isinstance(value, dict):
        raise NamesError(f"{where} must be an object")
    return value


def json_list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise NamesError(f"{where} must be a list")
    return value


def boolean(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise NamesError(f"{where} must be true or false")
    return value


def path_bytes(value: object, where: str) -> bytes:
    try:
        return text(value, where).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise NamesError(f"{where} is no path") from error


def text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise NamesError(f"{where} must be text")
    return value


def choice(value: object, where: str, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise NamesError(f"{where} must be one of {', '.join(choices)}")
    return value


def whole_number(value: object, where: str, most: int) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise NamesError(f"{where} must be a whole number from 1 to {most:,}")
    return value


def number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -MAX_PIXELS <= value <= MAX_PIXELS:
        raise NamesError(f"{where} must be of numbers, none beyond {MAX_PIXELS:,}")  # NaN is in no interval
    return float(value)
