"""`phototag identify`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phototag.cli import options
from phototag.display import path_text, percent, printable
from phototag.errors import DONE_WITH_PROBLEMS, TooLittleDataError

if TYPE_CHECKING:
    from phototag.config import Settings
    from phototag.learn.identification import Rule
    from phototag.workflows.recognition.identify import Identity


@click.command(short_help="Who is on these photos, by the faces that you named?")
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO…", type=click.Path(path_type=Path))
@click.option(
    "--rule",
    type=click.Choice(["svm", "knn", "nearest"]),
    default="svm",
    show_default=True,
    help="A plain linear SVM (not what `phototag tag` learnt) with the threshold as a gate, a vote of the five nearest"
    " named faces, or the nearest one.",
)
@options.threshold
@options.engine_options
@options.database
@options.as_json
def identify(
    photos: tuple[Path, ...], rule: Rule, threshold: float | None, settings: Settings, db: Path | None, as_json: bool
) -> int:
    """Say which of the people you named is on each photo; the photos need not be in the library.

    Each answer comes with the named faces that are nearest. Neither photos nor database are changed. The rules are the
    classic ones, with one distance limit for all people. `phototag tag`, which names the library's own faces, is
    calibrated on your names instead.
    """
    from phototag.workflows.recognition.identify import identify as job

    with options.store(db, write=False) as store:
        found = job(store, photos, settings, options.progress(as_json), rule=rule, threshold=threshold)
    if not found.faces and not found.problems:
        raise TooLittleDataError("no face was found on these photos: look closer with a larger --detail")
    lines = [_sentence(face) for face in found.faces]
    lines += [f"{path_text(photo)}: no face found" for photo in found.faceless]
    options.show(asdict(found), "\n".join(lines), as_json)
    return DONE_WITH_PROBLEMS if found.problems else 0


def _sentence(face: Identity) -> str:
    nearest = ", ".join(f"{path_text(one.photo)} (distance {one.distance:.2f})" for one in face.evidence)
    return (
        f"{path_text(face.photo)} {options.place(face.box)}: {_verdict(face)} "
        f"{options.distance_and_limit(face.distance, face.threshold)}\n  nearest named faces: {nearest}"
    )


def _verdict(face: Identity) -> str:
    if face.person:
        return f"{printable(face.person)} ({percent(face.probability)})."
    who = f"{printable(face.likest)} ({percent(face.probability)})"
    return (
        f"probably {who}, but not sure enough to say so."
        if face.probability >= 0.5
        else f"unknown; most similar to {who}."
    )
