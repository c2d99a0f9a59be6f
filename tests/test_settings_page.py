"""docs/settings.md names every setting and every environment variable, with the range and the default that hold."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from phototag import config
from phototag.cli.main import cli
from phototag.config import DEVICES, LOG_LEVELS, RANGES, Settings

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
ROWS = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in PAGE.read_text("utf-8").splitlines()
        if line.startswith("| `")]  # fmt: skip
SETTINGS = {name: row for row in ROWS if len(row) == 5 for name in re.findall(r"`(\w+)`", row[0])}
VARIABLES = {row[0].strip("`"): row[1] for row in ROWS if len(row) == 2}


def test_every_setting_is_there() -> None:
    known = {field.name for field in fields(Settings)} - {"unset"}
    assert set(SETTINGS) == known | {"detail"}


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_defaults_ranges_and_options(name: str) -> None:
    _, option, default, allowed, _ = SETTINGS[name]
    field = next(field for field in fields(Settings) if field.name == {"detail": "image_side"}.get(name, name))
    if field.name in RANGES:
        assert tuple(map(float, allowed.split(" to "))) == RANGES[field.name]
        if field.name != "jobs":
            assert re.match(r"[\d.]+", default) and float(re.match(r"[\d.]+", default)[0].rstrip(".")) == field.default  # type: ignore[index]
    options = {word for command in (cli.commands["index"], cli.commands["train"]) for parameter in command.params
               for word in parameter.opts}  # fmt: skip
    if option != "–":
        assert option.strip("`") in options


def test_lists_of_values() -> None:
    assert re.findall(r"`(\w+)`", SETTINGS["device"][3]) == list(DEVICES)
    assert re.findall(r"`(\w+)`", VARIABLES["PHOTOTAG_LOG"])[: len(LOG_LEVELS)] == list(LOG_LEVELS)


def test_every_environment_variable_is_there() -> None:
    source = Path(config.__file__).read_text("utf-8")
    assert set(VARIABLES) == set(re.findall(r'environment_variable\("(PHOTOTAG_\w+)"\)', source))
