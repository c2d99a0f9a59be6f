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


@click.command(short_help="How well are people told apart, on photos in a folder for each?")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--pairs",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compare the pairs of this list (LFW's pairs.txt) instead of all, and measure nothing else.",
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
    help="The people held out as strangers when known ones are to be identified among them.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all that is drawn by chance.")
@options.engine_options
@options.as_json
def evaluate(folder: Path, out: Path | None, settings: Settings, as_json: bool, **how: Any) -> int:
    """Measure how well the engines tell people apart on DIR, where each person's photos lie in a folder of their own.

    Verification (thresholds, accuracy, true accepts at few false ones), identification with and without strangers, and
    grouping. Found faces are remembered in your cache folder, so that the next time takes seconds.
    """
    from phototag.workflows.evaluation.evaluate import evaluate as job

    progress = options.progress(as_json)
    found = job(folder, settings, progress, **how)
    text = _text(found.figures)
    if out is not None:
        from phototag.workflows.evaluation.page import write_page

        page = write_page(found, out, settings, progress)
        found.figures["page"] = page
        text += f"\nOpen {page.resolve().as_uri()}"
    options.show(found.figures, text, as_json)
    return DONE_WITH_PROBLEMS if found.figures["problems"] else 0


def _text(figures: dict[str, Any]) -> str:
    """The figures in a few lines."""
    checked = figures["verification"]
    lines = [
        f"{counted(figures['faces'], 'face')} of {counted(figures['people'], 'person', 'people')} "
        f"({figures['detector']}, {figures['embedder']}); "
        f"{counted(len(figures['faceless']), 'photo')} without a face",
        f"verification     accuracy {_share(checked['accuracy'], checked['accuracy_error'])} "
        f"of {checked['pairs']:,} pairs; threshold {checked['threshold']:.3f}, F1 {checked['f1']:.4f}; true accepts at "
        f"1 % false ones {checked['tar_at_far_1e-2']:.4f}, at 0.1 % {checked['tar_at_far_1e-3']:.4f}",
    ]
    if balanced := checked.get("balanced"):
        lines.append(
            f"balanced pairs   accuracy {_share(balanced['accuracy'], balanced['accuracy_error'])} "
            f"of {balanced['pairs']:,} pairs in {balanced['folds']} folds"
        )
    if (named := figures.get("classifiers")) and named["tested"]:
        lines.append(
            "identification   odd and even photos: SVM {:.4f}, KNN {:.4f}; by folds {:.4f}, {:.4f}".format(
                *(named[name][kind] for kind in ("accuracy", "k_fold_accuracy") for name in ("svm", "knn"))
            )
        )
    if opened := figures.get("open_set"):
        key = "identified_at_fpir_1e-2"
        lines.append(
            f"among strangers  identified at 1 % false: {opened[key]:.4f}, KNN with a threshold "
            f"{opened['knn_' + key]:.4f}, plain SVM {opened['svm_' + key]:.4f}"
        )
    if grouped := figures.get("clustering"):
        lines.append(
            f"grouping         B³ F {grouped['b3_f']:.4f}, precision {grouped['b3_precision']:.4f}, "
            f"recall {grouped['b3_recall']:.4f}"
        )
    return "\n".join(lines)


def _share(mean: float, error: float | None) -> str:
    return f"{mean:.4f}" + (f" ± {error:.4f}" if error is not None else "")
