"""A run with a time budget stops cleanly and is finished by the next one."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from phototag.cli.options import seconds
from tests.cli.conftest import Demo, Run

PARAMETER = click.Option(["--time-budget"])
CONTEXT = click.Context(click.Command("index"))


@pytest.mark.parametrize(
    ("text", "expected"), [("90", 90), ("45s", 45), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), (" 2H ", 7200)]
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(CONTEXT, PARAMETER, text) == expected


@pytest.mark.parametrize("text", ["", "h", "soon", "-5m", "1.5h", "2h2h", "2h30", "5m10", "1h2m3"])
def test_no_durations(text: str) -> None:
    with pytest.raises(click.UsageError, match="give each number a unit, as in 2h, 1h30m or 45s"):
        seconds(CONTEXT, PARAMETER, text)


def test_what_is_left_is_done_by_the_next_run(demo: Demo, phototag: Run, tmp_path: Path) -> None:
    db = tmp_path / "x.db"
    photos = demo.folder / "photos" / "people"
    first = json.loads(phototag("index", photos, "--time-budget", "0s", "--json", "--db", db).stdout)
    assert first["photos"] == 0
    assert first["left"] == 6
    again = json.loads(phototag("index", photos, "--json", "--db", db).stdout)
    assert again["photos"] == 6
    assert again["left"] == 0
