"""Evaluate: how well the engines tell people apart, on photos in a folder for each person."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from phototag.analysis.engine_provider import INSTALLED, EngineProvider
from phototag.analysis.thresholds import thresholds_of
from phototag.config import Settings
from phototag.display import path_text
from phototag.errors import TooLittleDataError
from phototag.learn import trials
from phototag.learn.balanced_pairs import draw_balanced_pairs
from phototag.learn.cluster import cluster
from phototag.learn.metrics import b_cubed
from phototag.learn.score_normalisation import normalised_pairs
from phototag.learn.verification import (
    PairHistogram,
    all_pairs,
    cross_validated_accuracy,
    hardest_pairs,
    listed_pairs,
)
from phototag.progress import Progress
from phototag.types import Thresholds
from phototag.workflows.evaluation.figures import (
    FALSE_ACCEPT_RATES,
    BalancedPairs,
    Evaluation,
    HardPair,
    NormalisedScores,
    Verification,
    WholeTree,
)
from phototag.workflows.evaluation.pair_list import FacePairs, face_pairs, pair_distances, read_pair_list
from phototag.workflows.evaluation.tree import Tree, person_of, photos_below, read_tree

#: Hardest pairs of each kind that are shown.
_HARDEST = 12
#: Step of the sweep in the figures, in distance: that of the write-ups.
_SWEEP = 0.01


def evaluate(
    folder: Path,
    settings: Settings,
    progress: Progress,
    *,
    pairs: Path | None = None,
    far: float | None = None,
    strangers: float = 0.5,
    seed: int = 0,
    engines: EngineProvider = INSTALLED,
) -> Evaluation:
    """Measure verification, identification and grouping on the main face of each photo below `folder`.

    A photo's person is the folder that it is in. `pairs`: measure verification on the pairs of this list alone, in
    LFW's format. `far`: choose the threshold by this false accept rate, else by the best F1. `strangers`: the share of
    people held out as strangers in the open set. Raises UsageError, and TooLittleDataError for fewer than two people or
    no person with two photos.
    """
    photos = photos_below(folder, progress)
    listed = read_pair_list(pairs, photos) if pairs else None
    if listed is not None:
        photos = sorted({photo for pair in listed for photo in (pair.one, pair.other)})
    _require_people(folder, [person_of(photo) for photo in photos])
    analyzer = engines.open(settings, photos=len(photos))
    thresholds = thresholds_of(analyzer.embedder.info)
    tree = read_tree(photos, analyzer, settings, progress)
    _require_people(folder, tree.people)
    if listed is not None:
        found = face_pairs(tree, listed)
        histogram, chosen_by = listed_pairs(found.distances, found.same, found.fold), "accuracy"
        hardest, whole_tree, left_out = _hardest_listed(found), None, len(listed) - len(found.rows)
    else:
        histogram, chosen_by = all_pairs(tree.vectors, tree.people, seed=seed), "f1"
        hardest, left_out = hardest_pairs(tree.vectors, tree.people, _HARDEST), None
        progress.start("Measuring", None)
        whole_tree = _measure_whole_tree(tree, thresholds, strangers, seed)
        progress.finish()
    alike, unlike = (tuple(HardPair((one, two), distance) for one, two, distance in pairs) for pairs in hardest)
    return Evaluation(
        detector=analyzer.detector.info.name,
        embedder=analyzer.embedder.info.name,
        photos=len(photos),
        tree=tree,
        verification=_measure_verification(histogram, chosen_by, far, thresholds, left_out),
        whole_tree=whole_tree,
        sweep=histogram.sweep(),
        alike=alike,
        unlike=unlike,
    )


def _require_people(folder: Path, people: Sequence[str]) -> None:
    where = path_text(os.fsencode(folder))
    if len(set(people)) < 2:
        raise TooLittleDataError(f"{where} has faces of one person only: two folders are needed, one for each person")
    if len(set(people)) == len(people):
        raise TooLittleDataError(
            f"{where} has one face a person only: somebody needs two, so that there is a true pair"
        )


def _measure_verification(
    pairs: PairHistogram, chosen_by: str, far: float | None, thresholds: Thresholds, left_out: int | None
) -> Verification:
    """`chosen_by`: the figure by which each fold's threshold is chosen on the others."""
    sweep = pairs.sweep()
    rows = range(0, len(sweep.thresholds), round(_SWEEP * (len(sweep.thresholds) - 1) / 2))
    return Verification(
        same=int(pairs.same.sum()),
        different=int(pairs.different.sum()),
        accuracy=cross_validated_accuracy(pairs, chosen_by),
        chosen=sweep.best("f1") if far is None else sweep.at_far(far),
        at_far=tuple(sweep.at_far(rate) for rate in FALSE_ACCEPT_RATES),
        at_embedders_threshold=sweep.near(thresholds.same),
        sweep=tuple(sweep.at(row) for row in rows),
        left_out=left_out,
    )


def _measure_whole_tree(tree: Tree, thresholds: Thresholds, strangers: float, seed: int) -> WholeTree:
    vectors, people = tree.vectors, tree.people
    return WholeTree(
        balanced=_measure_balanced_pairs(tree, seed),
        normalised=_measure_normalised_scores(tree, seed),
        odd_even=trials.odd_even(vectors, people),
        k_fold=trials.k_fold(vectors, people, seed=seed),
        open_set=trials.open_set(vectors, people, thresholds, held_out=strangers, seed=seed),
        groups=b_cubed(people, cluster(vectors, thresholds).tolist()),
    )


def _measure_balanced_pairs(tree: Tree, seed: int) -> BalancedPairs | None:
    """None for fewer than two folds."""
    rows, same, fold = draw_balanced_pairs(tree.people, seed=seed)
    folds = len(np.unique(fold))
    if folds < 2:
        return None
    accuracy = cross_validated_accuracy(listed_pairs(pair_distances(tree, rows), same, fold))
    return BalancedPairs(accuracy, folds, len(rows))


def _measure_normalised_scores(tree: Tree, seed: int) -> NormalisedScores | None:
    """None with too few strangers."""
    found = normalised_pairs(tree.vectors, tree.people, seed=seed)
    if found is None:
        return None
    normalised, plain = (tuple(pairs.sweep().at_far(rate).tar for rate in FALSE_ACCEPT_RATES) for pairs in found)
    return NormalisedScores(normalised, plain)


def _hardest_listed(pairs: FacePairs) -> tuple[list[tuple[int, int, float]], ...]:
    """Of the list's pairs those of two people that are nearest, and those of one that are farthest."""
    order = np.argsort(pairs.distances, kind="stable")
    nearest = order[~pairs.same[order]][:_HARDEST]
    order = np.argsort(-pairs.distances, kind="stable")
    farthest = order[pairs.same[order]][:_HARDEST]
    return tuple(
        [(*pairs.rows[place].tolist(), float(pairs.distances[place])) for place in places]
        for places in (nearest, farthest)
    )
