"""What an embedder expects and yields, as a TOML card says it: for networks that carry no such facts themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from phototag import toml
from phototag.errors import UsageError
from phototag.types import Thresholds

Triple = tuple[float, float, float]

#: What a text must be, if not just any.
CHOICES = {"channels": ("rgb", "bgr"), "numbers": ("float32", "int8")}


@dataclass(frozen=True, slots=True)
class Card:
    """An embedder's input and output.

    `input_size`: side of the square chips, in pixels. `alignment`: a name known to `imaging.align`.
    The network sees (pixel · scale − mean) / std, `mean` and `std` in the order of `channels` ("rgb" or
    "bgr"). `dim`: of the vectors. `flip`: sum the vectors of a chip and its mirror image before normalising.
    `numbers`: in which the network multiplies, "float32" or "int8".
    """

    input_size: int
    alignment: str
    dim: int
    thresholds: Thresholds
    channels: str = "rgb"
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    scale: float = 1.0
    flip: bool = False
    numbers: str = "float32"

    def table(self) -> dict[str, Any]:
        """The card as a TOML table, which `from_table` reads."""
        return asdict(self)


def parse(text: str, where: str) -> Card:
    """The card in a TOML text; `where` names its origin in messages. Raises UsageError with the key that is wrong."""
    return from_table(toml.parse(text, where), where)


def read(path: Path) -> Card:
    """The card in a TOML file. Raises UsageError for one that can't be read, or with the key that is wrong."""
    try:
        return from_table(toml.read(path), str(path))
    except OSError as error:
        raise UsageError(f"{path} can't be read ({error.strerror}): name the file that holds the card") from error


def from_table(table: Mapping[str, Any], where: str) -> Card:
    """The card that a TOML table holds. Raises UsageError with the key that is wrong."""
    try:
        values = _values(Card, table)
        values["thresholds"] = Thresholds(**_values(Thresholds, values["thresholds"], "thresholds."))
    except _Wrong as wrong:
        raise UsageError(f"{where}: {wrong}") from None
    return Card(**values)


class _Wrong(Exception):
    """A key and what is wrong with it."""


def _values(kind: type[Card] | type[Thresholds], table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    known = {field.name: field for field in fields(kind)}
    for key in table:
        if key not in known:
            raise _Wrong(f"{prefix}{key} is no key of a card: use {', '.join(known)}")
    for key, field in known.items():
        if field.default is MISSING and key not in table:
            raise _Wrong(f"{prefix}{key} is missing")
    return {key: _checked(prefix + key, str(known[key].type), value) for key, value in table.items()}


def _checked(key: str, kind: str, value: Any) -> Any:
    """`value` as the dataclass wants it: each kind of field has its own idea of sense."""
    match kind:
        case "int" if type(value) is int and 1 <= value <= 4096:
            return value
        case "float" if _is_number(value) and value > 0:
            return float(value)
        case "bool" if isinstance(value, bool):
            return value
        case "Triple" if isinstance(value, (list, tuple)) and len(value) == 3 and all(map(_is_number, value)):
            if key == "std" and min(value) <= 0:
                raise _Wrong("std must be above 0")
            return tuple(map(float, value))
        case "str" if isinstance(value, str) and value in CHOICES.get(key, (value,)):
            return value
        case "Thresholds" if isinstance(value, dict):
            return value
    wanted = {
        "int": "a whole number from 1 to 4096",
        "float": "a number above 0",
        "bool": "true or false",
        "Triple": "three numbers",
        "str": " or ".join(f'"{choice}"' for choice in CHOICES.get(key, ())) or "a text",
        "Thresholds": "a table",
    }
    raise _Wrong(f"{key} is {value!r} and must be {wanted[kind]}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
