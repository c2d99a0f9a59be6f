"""Evaluate: how well the engines tell people apart, on photos in a folder for each person."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from phototag.analysis.analyze import opened
from phototag.analysis.thresholds import thresholds_of
from phototag.config import Settings
from phototag.display import path_text, printable
from phototag.errors import TooLittleDataError, UsageError
from phototag.interop.lfw_pairs import parse
from phototag.learn import trials
from phototag.learn.balanced_pairs import draw_balanced_pairs
from phototag.learn.cluster import cluster
from phototag.learn.metrics import b_cubed
from phototag.learn.score_normalisation import normalised_pairs
from phototag.learn.verification import (
    PairHistogram,
    ThresholdSweep,
    all_pairs,
    cross_validated_accuracy,
    hardest_pairs,
    listed_pairs,
)
from phototag.progress import Progress
from phototag.types import Thresholds
from phototag.workflows.evaluation.tree import Tree, person_of, photos_below, read_tree

#: False-accept rates at which true accepts are told.
RATES = (1e-2, 1e-3)
#: Hardest pairs of each kind that are shown.
_HARDEST = 12
#: Step of the sweep in the figures, in distance: that of the write-ups.
_SWEEP = 0.01


@dataclass(frozen=True, slots=True)
class HardPair:
    """Two faces that are hard to judge, by their rows in the tree."""

    rows: tuple[int, int]
    distance: float


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The figures, as JSON holds them, and what pictures are drawn from.

    `sweep`: all pairs at every threshold. `alike`: the nearest pairs of two people; `unlike`: the farthest of one.
    """

    figures: dict[str, Any]
    tree: Tree
    sweep: ThresholdSweep
    alike: tuple[HardPair, ...]
    unlike: tuple[HardPair, ...]


def evaluate(
    folder: Path,
    settings: Settings,
    progress: Progress,
    *,
    pairs: Path | None = None,
    far: float | None = None,
    strangers: float = 0.5,
    seed: int = 0,
) -> Evaluation:
    """Measure verification, identification and grouping on the main face of each photo below `folder`.

    A photo's person is the folder that it is in. `pairs`: measure verification on the pairs of this list alone, in
    LFW's format. `far`: choose the threshold by this share of false accepts, else by the best F1. `strangers`: the
    share of people held out where some of those asked about are unknown. Raises UsageError, and TooLittleDataError for
    fewer than two people or no person with two photos.
    """
    photos = photos_below(folder, progress)
    listed = _listed(pairs, photos) if pairs else None
    if listed is not None:
        photos = sorted({photo for one, other, *_ in listed for photo in (one, other)})
    _require_people(folder, [person_of(photo) for photo in photos])
    eye = opened(settings, len(photos))
    thresholds = thresholds_of(eye.embedder.info)
    tree = read_tree(photos, eye, settings, progress)
    _require_people(folder, tree.people)
    figures: dict[str, Any] = {
        "detector": eye.detector.info.name,
        "embedder": eye.embedder.info.name,
        "photos": len(photos),
        "faces": len(tree.photos),
        "people": len(set(tree.people)),
        "faceless": [path_text(path) for path in tree.faceless],
        "problems": len(tree.problems),
    }
    counted, chosen = (_from_list(tree, listed)) if listed is not None else (_every_pair(tree, seed), "f1")
    sweep = counted.sweep()
    figures["verification"] = _verification(counted, chosen, far, thresholds)
    if listed is not None:
        figures["verification"]["left_out"] = len(listed) - int(counted.same.sum() + counted.different.sum())
    else:
        progress.start("Measuring", None)
        figures["verification"]["balanced"] = _balanced(tree, seed)
        figures["verification"]["normalised"] = _normalised(tree, seed)
        odd_even = trials.odd_even(tree.vectors, tree.people)
        k_fold = trials.k_fold(tree.vectors, tree.people, seed=seed)
        figures["classifiers"] = {
            name: {
                "accuracy": getattr(odd_even, name, None),
                "k_fold_accuracy": getattr(k_fold, name, None),
            }
            for name in ("svm", "knn")
        }
        figures["classifiers"]["tested"] = odd_even.faces if odd_even else 0
        figures["open_set"] = _open_set(tree, thresholds, strangers, seed)
        grouped = b_cubed(tree.people, cluster(tree.vectors, thresholds).tolist())
        figures["clustering"] = {"b3_f": grouped.f1, "b3_precision": grouped.precision, "b3_recall": grouped.recall}
        progress.finish()
    hardest = hardest_pairs(tree.vectors, tree.people, _HARDEST) if listed is None else _hardest(tree, listed)
    alike, unlike = (tuple(HardPair((i, j), apart) for i, j, apart in found) for found in hardest)
    figures["confusions"] = {
        kind: [
            {"photos": [path_text(tree.photos[row]) for row in pair.rows], "distance": pair.distance} for pair in found
        ]
        for kind, found in (("different_people", alike), ("one_person", unlike))
    }
    return Evaluation(figures, tree, sweep, alike, unlike)


_Pair = tuple[bytes, bytes, bool, int]


def _listed(pairs: Path, photos: Sequence[bytes]) -> list[_Pair]:
    """The list's pairs with the paths of their photos, whose names end in their numbers, as in `Ada/Ada_0001.jpg`."""
    try:
        text = pairs.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path_text(os.fsencode(pairs))} can't be read: name a list such as LFW's pairs.txt"
        ) from error
    numbered = {(person_of(photo), _number(photo)): photo for photo in photos}
    found = []
    for pair in parse(text, path_text(os.fsencode(pairs))):
        one, other = numbered.get(pair.one), numbered.get(pair.other)
        if one is None or other is None:
            name, number = pair.one if one is None else pair.other
            raise UsageError(f"{path_text(os.fsencode(pairs))} names photo {number} of {printable(name)}, who has none")
        found.append((one, other, pair.same, pair.fold))
    return found


def _number(photo: bytes) -> int:
    """The digits that a file's name ends in, −1 if it doesn't."""
    stem = os.path.splitext(os.fsdecode(os.path.basename(photo)))[0]
    digits = stem[len(stem.rstrip("0123456789")) :]
    return int(digits) if digits.isascii() and digits else -1


def _require_people(folder: Path, people: Sequence[str]) -> None:
    where = path_text(os.fsencode(folder))
    if len(set(people)) < 2:
        raise TooLittleDataError(f"{where} has faces of one person only: two folders are needed, one for each person")
    if len(set(people)) == len(people):
        raise TooLittleDataError(
            f"{where} has one face a person only: somebody needs two, so that there is a true pair"
        )


def _every_pair(tree: Tree, seed: int) -> PairHistogram:
    return all_pairs(tree.vectors, tree.people, seed=seed)


def _from_list(tree: Tree, listed: Sequence[_Pair]) -> tuple[PairHistogram, str]:
    """PairHistogram of which one photo shows no face are left out."""
    row = {photo: number for number, photo in enumerate(tree.photos)}
    known = [(row[one], row[other], same, fold) for one, other, same, fold in listed if one in row and other in row]
    rows = np.array([pair[:2] for pair in known], np.int64).reshape(-1, 2)
    same, fold = np.array([pair[2] for pair in known], np.bool_), np.array([pair[3] for pair in known], np.int64)
    return _counted(tree, rows, same, fold), "accuracy"


def _counted(tree: Tree, rows: Any, same: Any, fold: Any) -> PairHistogram:
    return listed_pairs(np.linalg.norm(tree.vectors[rows[:, 0]] - tree.vectors[rows[:, 1]], axis=1), same, fold)


def _verification(pairs: PairHistogram, chosen: str, far: float | None, thresholds: Thresholds) -> dict[str, Any]:
    """Accuracy of pairs by folds, the threshold that all pairs choose, and the curve."""
    sweep = pairs.sweep()
    point = sweep.best("f1") if far is None else sweep.at_far(far)
    accuracy = cross_validated_accuracy(pairs, chosen)
    rows = range(0, len(sweep.thresholds), round(_SWEEP * (len(sweep.thresholds) - 1) / 2))
    return {
        "pairs": int(pairs.same.sum() + pairs.different.sum()),
        "same": int(pairs.same.sum()),
        "different": int(pairs.different.sum()),
        "accuracy": accuracy.mean,
        "accuracy_error": _number_or_none(accuracy.error),
        "threshold": point.threshold,
        "f1": point.f1,
        "accuracy_at_threshold": point.accuracy,
        "tar_at_threshold": point.tar,
        "far_at_threshold": point.far,
        **{f"tar_at_far_{_rate(rate)}": sweep.at_far(rate).tar for rate in RATES},
        **{f"threshold_at_far_{_rate(rate)}": sweep.at_far(rate).threshold for rate in RATES},
        "at_embedders_threshold": asdict(sweep.near(thresholds.same)),
        "sweep": [asdict(sweep.at(row)) for row in rows],
    }


def _rate(rate: float) -> str:
    return f"1e{round(math.log10(rate))}"


def _balanced(tree: Tree, seed: int) -> dict[str, Any] | None:
    """As LFW's protocol: as many same as different pairs, folds with people of their own."""
    rows, same, fold = draw_balanced_pairs(tree.people, seed=seed)
    if len(np.unique(fold)) < 2:
        return None
    accuracy = cross_validated_accuracy(_counted(tree, rows, same, fold))
    return {
        "accuracy": accuracy.mean,
        "accuracy_error": _number_or_none(accuracy.error),
        "threshold": accuracy.threshold,
        "folds": len(np.unique(fold)),
        "pairs": len(rows),
    }


def _normalised(tree: Tree, seed: int) -> dict[str, Any] | None:
    """True accepts with the distances of either half normalised by the strangers of the other, and without."""
    found = normalised_pairs(tree.vectors, tree.people, seed=seed)
    if found is None:
        return None
    with_it, without = (pairs.sweep() for pairs in found)
    return {
        f"{name}tar_at_far_{_rate(rate)}": sweep.at_far(rate).tar
        for name, sweep in (("", with_it), ("plain_", without))
        for rate in RATES
    }


def _open_set(tree: Tree, thresholds: Thresholds, strangers: float, seed: int) -> dict[str, Any] | None:
    found = trials.open_set(tree.vectors, tree.people, thresholds, held_out=strangers, seed=seed)
    if found is None:
        return None
    key = f"identified_at_fpir_{_rate(found.fpir)}"
    return {
        key: found.gated,
        f"knn_{key}": found.knn,
        f"svm_{key}": found.svm,
        "known": found.known,
        "probes": found.probes,
        "strangers": found.strangers,
    }


def _hardest(tree: Tree, listed: Sequence[_Pair]) -> tuple[list[tuple[int, int, float]], ...]:
    """Of the list's pairs those of two people that are nearest, and those of one that are farthest."""
    row = {photo: number for number, photo in enumerate(tree.photos)}
    known = [
        (row[one], row[other], float(np.linalg.norm(tree.vectors[row[one]] - tree.vectors[row[other]])), same)
        for one, other, same, _ in listed
        if one in row and other in row
    ]
    alike = sorted((pair[:3] for pair in known if not pair[3]), key=itemgetter(2))
    unlike = sorted((pair[:3] for pair in known if pair[3]), key=itemgetter(2), reverse=True)
    return alike[:_HARDEST], unlike[:_HARDEST]


def _number_or_none(value: float) -> float | None:
    """JSON knows no NaN."""
    return value if math.isfinite(value) else None
