"""Accuracy on the small research sets, as benchmarks/main_job.py measures it, within the bounds that it declares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks import main_job
from benchmarks.figures import Measured, Value, filled

pytestmark = pytest.mark.data


def hold(values: Mapping[str, Value | Measured], part: str) -> None:
    """Every declared figure of the part was measured and meets the bound that tests hold."""
    declared = {measure.key for measure in main_job.MEASURES if measure.part == part}
    assert values.keys() == declared
    found = filled(main_job.MEASURES, values)
    bounded = [figure for figure in found if figure.measure.wanted]
    assert bounded
    missed = [
        f"{figure.measure.label}: {figure.text()}, wanted {figure.measure.wanted}"
        for figure in bounded
        if figure.measure.wanted and not figure.measure.wanted.held_by(figure.judged)
    ]
    assert not missed


def test_celebrities_are_tagged_rightly_or_not_at_all(data: Path) -> None:
    hold(main_job.celebrity(data / "celebrity-5"), "celebrity")


def test_half_of_ten_people_classifies_the_other_half(data: Path) -> None:
    hold(main_job.halves(data / "lfw-100"), "halves")


def test_two_albums_grouped_together_mix_nobody(data: Path) -> None:
    hold(main_job.groups(data / "album", data / "lfw-100"), "groups")
