"""`phototag verify`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phototag.cli import options

if TYPE_CHECKING:
    from phototag.config import Settings
    from phototag.workflows.recognition.verify import Comparison


@click.command(short_help="Do two photos show one person?")
@click.argument("one", metavar="A.jpg", type=click.Path(path_type=Path))
@click.argument("other", metavar="B.jpg", type=click.Path(path_type=Path))
@click.option("--all", "every", is_flag=True, help="Compare all faces, not only the largest of each photo.")
@options.threshold
@options.engine_options
@options.as_json
def verify(one: Path, other: Path, every: bool, threshold: float | None, settings: Settings, as_json: bool) -> None:
    """Say whether the largest faces of two photos are one person's: their distance is below the threshold.

    The probability holds where one person and two are equally likely beforehand. Needs no database and writes none.
    """
    from phototag.workflows.recognition.verify import verify as job

    found = job(one, other, settings, threshold=threshold, every=every)
    result = asdict(found[0])
    if every:
        result["pairs"] = [asdict(compared) for compared in found]
    options.show(result, "\n".join(_sentence(compared, every) for compared in found), as_json)


def _sentence(compared: Comparison, every: bool) -> str:
    verdict = "the same person" if compared.same else "different people"
    where = " and ".join(options.place(box) for box in compared.boxes)
    return (
        f"{where + ': ' if every else ''}{verdict if every else verdict.capitalize()} (distance "
        f"{compared.distance:.3f}, threshold {compared.threshold:.3f}, probability {compared.probability:.3f})."
    )
