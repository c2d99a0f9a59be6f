"""`phototag verify`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phototag.cli import options
from phototag.display import percent

if TYPE_CHECKING:
    from phototag.config import Settings
    from phototag.workflows.recognition.verify import Comparison


@click.command(short_help="Do two photos show the same person?")
@click.argument("one", metavar="A.jpg", type=click.Path(path_type=Path))
@click.argument("other", metavar="B.jpg", type=click.Path(path_type=Path))
@click.option("--all", "every", is_flag=True, help="Compare all faces, not only the largest of each photo.")
@options.threshold
@options.engine_options
@options.as_json
def verify(one: Path, other: Path, every: bool, threshold: float | None, settings: Settings, as_json: bool) -> None:
    """Say whether the largest faces of two photos show the same person: their distance is below the limit.

    The percentage is the probability of the same person, if before looking that is as likely as different people. No
    database is needed, and none is written.
    """
    from phototag.analysis.face_analyzer import FaceAnalyzer
    from phototag.workflows.recognition.verify import verify as job

    analyzer = FaceAnalyzer.open(settings, photos=2)
    found = job(one, other, analyzer, settings, threshold=threshold, every=every)
    result = asdict(found[0])
    if every:
        result["pairs"] = [asdict(compared) for compared in found]
    options.show(result, "\n".join(_sentence(compared, every) for compared in found), as_json)


def _sentence(compared: Comparison, every: bool) -> str:
    verdict = _verdict(compared)
    where = " and ".join(options.place(box) for box in compared.boxes)
    figures = options.distance_and_limit(compared.distance, compared.threshold)
    return f"{where}: {verdict} {figures}" if every else f"{verdict[0].upper()}{verdict[1:]} {figures}"


def _verdict(compared: Comparison) -> str:
    likely = "less than 1 %" if compared.probability < 0.01 else percent(compared.probability)
    if compared.same:
        doubt = " by this limit, though more likely not" if compared.probability < 0.5 else ""
        return f"the same person ({likely}){doubt}."
    if compared.probability >= 0.5:
        return f"probably the same person ({likely}), but not sure enough to say so."
    return f"different people ({likely} likely to be the same person)."
