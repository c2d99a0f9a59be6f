"""An evaluation as a page: plots and crops made of what was measured."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime
from pathlib import Path

from phototag import __version__
from phototag.analysis.decode_pool import Decoder, decode_photos, workers_for
from phototag.config import Settings
from phototag.display import path_text
from phototag.imaging.crops import face_crop
from phototag.learn.trials import OpenSetRates
from phototag.learn.tsne import tsne_positions
from phototag.learn.verification import STEP
from phototag.progress import Progress
from phototag.report import plots
from phototag.report.evaluation import (
    EvaluationPage,
    Figure,
    PairEntry,
    PairFace,
    PairList,
    Plot,
    Section,
    write_evaluation,
)
from phototag.types import DecodedPhoto
from phototag.workflows.evaluation.figures import Evaluation, HardPair, WholeTree
from phototag.workflows.evaluation.tree import Tree

#: The people with the most photos, and how many of their faces, that the plane of faces shows.
_PEOPLE, _FACES = 60, 800


def write_page(
    found: Evaluation, out: Path, settings: Settings, progress: Progress, decode: Decoder = decode_photos
) -> Path:
    """Write the page to the folder `out`; returns its first page. Raises UsageError, DiskFullError."""
    progress.start("Writing the page", None)
    drawn = _plots(found) if plots.available() else []
    notes = () if drawn else (f"There are no plots: {plots.HOW}.",)
    if not drawn:
        progress.note(f"the page has no plots: {plots.HOW}")
    crops = _crops(found, settings, decode)
    page = write_evaluation(
        EvaluationPage(
            title="Evaluation",
            lead=f"{len(found.tree.photos):,} faces of {found.people:,} people, found by {found.detector} and told "
            f"apart by {found.embedder}.",
            created_at=datetime.now().isoformat(timespec="seconds"),
            version=__version__,
            sections=_sections(found),
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
    sweep, chosen = found.sweep, found.verification.chosen.threshold
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


def _crops(found: Evaluation, settings: Settings, decode: Decoder) -> dict[int, bytes]:
    """The pictures of the faces in hard pairs, by row; of photos that can't be read any more there is none."""
    rows = sorted({row for pair in (*found.alike, *found.unlike) for row in pair.rows})
    tree = found.tree
    crops: dict[int, bytes] = {}
    photos = [(row, tree.photos[row]) for row in rows]
    for row, outcome in decode(photos, jobs=workers_for(len(rows), settings.jobs), side=settings.detail_side):
        if isinstance(outcome, DecodedPhoto):
            crops[row] = face_crop(outcome.image, tree.boxes[row]).jpeg
    return crops


def _entry(tree: Tree, pair: HardPair, crops: dict[int, bytes]) -> PairEntry:
    one, other = (
        PairFace(tree.people[row], path_text(os.path.basename(tree.photos[row])), crops.get(row)) for row in pair.rows
    )
    return PairEntry((one, other), pair.distance)


def _sections(found: Evaluation) -> list[Section]:
    sections = [_verification_section(found)]
    if whole := found.whole_tree:
        sections.append(_classifier_section(whole))
        if whole.open_set:
            sections.append(_open_set_section(whole.open_set))
        sections.append(_grouping_section(whole))
    return sections


def _verification_section(found: Evaluation) -> Section:
    checked = found.verification
    one_percent, one_per_mille = checked.at_far
    figures = [
        Figure("pairs", f"{checked.pairs:,}", f"{checked.same:,} of one person, each pair once"),
        Figure("accuracy", str(checked.accuracy), "by ten folds"),
        Figure("threshold", f"{checked.chosen.threshold:.3f}", f"F1 {checked.chosen.f1:.4f}"),
        Figure("true accepts at 1 % false", f"{one_percent.tar:.4f}"),
        Figure("true accepts at 0.1 % false", f"{one_per_mille.tar:.4f}"),
    ]
    if found.whole_tree and (balanced := found.whole_tree.balanced):
        meaning = f"{balanced.pairs:,} pairs, as many same as different, in {balanced.folds} folds"
        figures.append(Figure("accuracy, balanced", str(balanced.accuracy), meaning))
    return Section("Is it the same person?", figures)


def _classifier_section(whole: WholeTree) -> Section:
    trials = ((whole.odd_even, "odd photos learnt, even ones asked"), (whole.k_fold, "five folds"))
    return Section(
        "Who of these is it?",
        [
            Figure(label, "–" if trial is None else f"{getattr(trial, name):.4f}", meaning)
            for trial, meaning in trials
            for name, label in (("svm", "linear SVM"), ("knn", "nearest face"))
        ],
    )


def _open_set_section(rates: OpenSetRates) -> Section:
    return Section(
        "Who is it, with strangers about?",
        [
            Figure("phototag", f"{rates.gated:.4f}", f"of {rates.probes:,} faces of known people named"),
            Figure("nearest face and threshold", f"{rates.knn:.4f}"),
            Figure("plain SVM", f"{rates.svm:.4f}", f"1 % of {rates.strangers:,} strangers too"),
        ],
    )


def _grouping_section(whole: WholeTree) -> Section:
    return Section(
        "Who belongs together?",
        [
            Figure("B³ F", f"{whole.groups.f1:.4f}"),
            Figure("precision", f"{whole.groups.precision:.4f}"),
            Figure("recall", f"{whole.groups.recall:.4f}"),
        ],
    )
