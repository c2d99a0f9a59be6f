"""An evaluation as a page: plots and crops made of what was measured."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from phototag import __version__
from phototag.analysis.decode_pool import Task, decoded
from phototag.config import Settings
from phototag.display import path_text
from phototag.imaging.crops import face_crop
from phototag.learn.tsne import tsne_positions
from phototag.learn.verification import STEP
from phototag.progress import Progress
from phototag.report import plots
from phototag.report.evaluation import (
    EvaluationPage,
    Figure,
    PairEntry,
    PairList,
    Plot,
    Section,
    Shown,
    write_evaluation,
)
from phototag.types import DecodedPhoto, PhotoFile
from phototag.workflows.evaluation.evaluate import Evaluation, HardPair
from phototag.workflows.evaluation.tree import Tree

#: The people with the most photos, and how many of their faces, that the plane of faces shows.
_PEOPLE, _FACES = 60, 800


def write_page(found: Evaluation, out: Path, settings: Settings, progress: Progress) -> Path:
    """Write the page to the folder `out`; returns its first page. Raises UsageError, DiskFullError."""
    progress.start("Writing the page", None)
    drawn = _plots(found) if plots.available() else []
    notes = () if drawn else (f"There are no plots: {plots.HOW}.",)
    if not drawn:
        progress.note(f"the page has no plots: {plots.HOW}")
    figures = found.figures
    crops = _crops(found, settings)
    page = write_evaluation(
        EvaluationPage(
            title="Evaluation",
            lead=f"{figures['faces']:,} faces of {figures['people']:,} people, found by {figures['detector']} and told "
            f"apart by {figures['embedder']}.",
            created_at=datetime.now().isoformat(timespec="seconds"),
            version=__version__,
            sections=_sections(figures),
            plots=drawn,
            pairs=[
                PairList(
                    "Two people who look alike",
                    "The nearest faces of different people. A threshold wider than their distance takes them for one; "
                    "some may be one person filed under two names.",
                    [_entry(found.tree, pair, crops) for pair in found.alike],
                ),
                PairList(
                    "One person who doesn't look alike",
                    "The farthest faces of one person; some may be filed under a wrong name.",
                    [_entry(found.tree, pair, crops) for pair in found.unlike],
                ),
            ],
            notes=notes,
        ),
        out,
    )
    progress.finish()
    return page


def _plots(found: Evaluation) -> list[Plot]:
    sweep, chosen = found.sweep, found.figures["verification"]["threshold"]
    made = [
        Plot(
            "True and false accepts",
            "At each threshold; 0.1 % and 1 % are marked.",
            plots.accepts(sweep.far, sweep.tar),
        ),
        Plot(
            "F1 and accuracy",
            "By threshold: faces closer than it are taken for one person.",
            plots.sweep(sweep.thresholds, sweep.f1, sweep.accuracy, chosen),
        ),
        Plot(
            "Distances",
            "Of faces of one person, and of two.",
            plots.histograms(sweep.same, sweep.different, STEP, chosen),
        ),
    ]
    tree = found.tree
    most = {person for person, _ in Counter(tree.people).most_common(_PEOPLE)}
    rows = [row for row, person in enumerate(tree.people) if person in most][:_FACES]
    if len(rows) >= 4:
        places = tsne_positions(tree.vectors[rows])
        caption = f"{len(rows):,} faces of the people with the most photos laid out by t-SNE: like lies beside like."
        made.append(Plot("Faces on a plane", caption, plots.plane(places, [tree.people[row] for row in rows])))
    return made


def _crops(found: Evaluation, settings: Settings) -> dict[int, bytes]:
    """The pictures of the faces in hard pairs, by row; of photos that can't be read any more there is none."""
    rows = sorted({row for pair in (*found.alike, *found.unlike) for row in pair.rows})
    tree = found.tree
    crops: dict[int, bytes] = {}
    tasks = (Task(row, PhotoFile(tree.photos[row], 0, 0), tree.photos[row]) for row in rows)
    for task, outcome in decoded(tasks, jobs=max(1, min(settings.jobs, len(rows))), side=settings.detail_side):
        if isinstance(outcome, DecodedPhoto):
            crops[task.photo] = face_crop(outcome.image, tree.boxes[task.photo]).jpeg
    return crops


def _entry(tree: Tree, pair: HardPair, crops: dict[int, bytes]) -> PairEntry:
    one, other = (
        Shown(tree.people[row], path_text(os.path.basename(tree.photos[row])), crops.get(row)) for row in pair.rows
    )
    return PairEntry((one, other), pair.distance)


def _sections(figures: dict[str, Any]) -> Sequence[Section]:
    checked = figures["verification"]
    sections = [
        Section(
            "Is it the same person?",
            [
                Figure("pairs", f"{checked['pairs']:,}", f"{checked['same']:,} of one person, each pair once"),
                Figure("accuracy", _share(checked["accuracy"], checked["accuracy_error"]), "by ten folds"),
                Figure("threshold", f"{checked['threshold']:.3f}", f"F1 {checked['f1']:.4f}"),
                Figure("true accepts at 1 % false", f"{checked['tar_at_far_1e-2']:.4f}"),
                Figure("true accepts at 0.1 % false", f"{checked['tar_at_far_1e-3']:.4f}"),
            ],
        )
    ]
    if balanced := checked.get("balanced"):
        share = _share(balanced["accuracy"], balanced["accuracy_error"])
        meaning = f"{balanced['pairs']:,} pairs, as many same as different, in {balanced['folds']} folds"
        sections[0] = Section(sections[0].title, [*sections[0].figures, Figure("accuracy, balanced", share, meaning)])
    if named := figures.get("classifiers"):
        sections.append(
            Section(
                "Who of these is it?",
                [
                    Figure(label, _or_none(named[name][kind]), meaning)
                    for kind, meaning in (
                        ("accuracy", "odd photos learnt, even ones asked"),
                        ("k_fold_accuracy", "five folds"),
                    )
                    for name, label in (("svm", "linear SVM"), ("knn", "nearest face"))
                ],
            )
        )
    if opened := figures.get("open_set"):
        key = "identified_at_fpir_1e-2"
        sections.append(
            Section(
                "Who is it, with strangers about?",
                [
                    Figure("phototag", f"{opened[key]:.4f}", f"of {opened['probes']:,} faces of known people named"),
                    Figure("nearest face and threshold", f"{opened['knn_' + key]:.4f}"),
                    Figure("plain SVM", f"{opened['svm_' + key]:.4f}", f"1 % of {opened['strangers']:,} strangers too"),
                ],
            )
        )
    if grouped := figures.get("clustering"):
        sections.append(
            Section(
                "Who belongs together?",
                [
                    Figure("B³ F", f"{grouped['b3_f']:.4f}"),
                    Figure("precision", f"{grouped['b3_precision']:.4f}"),
                    Figure("recall", f"{grouped['b3_recall']:.4f}"),
                ],
            )
        )
    return sections


def _share(mean: float, error: float | None) -> str:
    return f"{mean:.4f}" + (f" ± {error:.4f}" if error is not None else "")


def _or_none(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
