"""`phototag evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phototag.cli import options
from phototag.display import counted
from phototag.errors import DONE_WITH_PROBLEMS

if TYPE_CHECKING:
    from phototag.config import Settings
    from phototag.workflows.evaluation.figures import Evaluation


@click.command(short_help="Measure accuracy on photos with a folder for each person.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--pairs",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Measure verification on the pairs of this list (in the format of LFW's pairs.txt), and nothing else.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Write a page with plots there.")
@click.option(
    "--far",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Choose the threshold by this share of false accepts (default: by the best F1).",
)
@click.option(
    "--strangers",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    metavar="SHARE",
    help="The share of people held out as strangers when people are identified.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of all random choices.")
@options.engine_options
@options.as_json
def evaluate(folder: Path, out: Path | None, settings: Settings, as_json: bool, **how: Any) -> int:
    """Measure how well the engines tell people apart, on DIR with a folder of photos for each person.

    Verification (thresholds, accuracy, true accepts at few false ones), identification with and without strangers, and
    grouping. Faces are kept in your cache folder, so that the next run takes seconds.
    """
    from phototag.workflows.evaluation.as_json import evaluation_as_json
    from phototag.workflows.evaluation.evaluate import evaluate as job

    progress = options.progress(as_json)
    found = job(folder, settings, progress, **how)
    text, page = _text(found), None
    if out is not None:
        from phototag.workflows.evaluation.page import write_page

        page = write_page(found, out, settings, progress)
        text += f"\nOpen {page.resolve().as_uri()}"
    options.show(evaluation_as_json(found, page), text, as_json)
    return DONE_WITH_PROBLEMS if found.tree.problems else 0


def _text(found: Evaluation) -> str:
    """The figures in a few lines."""
    checked, whole = found.verification, found.whole_tree
    one_percent, one_per_mille = checked.at_far
    lines = [
        f"{counted(len(found.tree.photos), 'face')} of {counted(found.people, 'person', 'people')} "
        f"({found.detector}, {found.embedder}); "
        f"{counted(len(found.tree.faceless), 'photo')} without a face",
        f"verification     accuracy {checked.accuracy} "
        f"of {checked.pairs:,} pairs; threshold {checked.chosen.threshold:.3f}, F1 {checked.chosen.f1:.4f}; "
        f"true accepts at 1 % false ones {one_percent.tar:.4f}, at 0.1 % {one_per_mille.tar:.4f}",
    ]
    if whole is None:
        return "\n".join(lines)
    if whole.balanced:
        lines.append(
            f"balanced pairs   accuracy {whole.balanced.accuracy} "
            f"of {whole.balanced.pairs:,} pairs in {whole.balanced.folds} folds"
        )
    if whole.odd_even and whole.k_fold:
        halves, folds = whole.odd_even, whole.k_fold
        lines.append(
            f"identification   odd and even photos: SVM {halves.svm:.4f}, KNN {halves.knn:.4f}; "
            f"by folds {folds.svm:.4f}, {folds.knn:.4f}"
        )
    if whole.open_set:
        lines.append(
            f"among strangers  identified at 1 % false: {whole.open_set.gated:.4f}, KNN with a threshold "
            f"{whole.open_set.knn:.4f}, plain SVM {whole.open_set.svm:.4f}"
        )
    lines.append(
        f"grouping         B³ F {whole.groups.f1:.4f}, precision {whole.groups.precision:.4f}, "
        f"recall {whole.groups.recall:.4f}"
    )
    return "\n".join(lines)
