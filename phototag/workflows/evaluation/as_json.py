"""An evaluation as JSON, the output of `phototag evaluate --json`."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from phototag.display import path_text
from phototag.workflows.evaluation.figures import (
    FALSE_ACCEPT_RATES,
    Evaluation,
    HardPair,
    Verification,
    WholeTree,
)
from phototag.workflows.evaluation.tree import Tree


def evaluation_as_json(found: Evaluation, page: Path | None = None) -> dict[str, Any]:
    """All figures; `page`: the page that was written of them, if one was."""
    tree, whole = found.tree, found.whole_tree
    return {
        "detector": found.detector,
        "embedder": found.embedder,
        "photos": found.photos,
        "faces": len(tree.photos),
        "people": found.people,
        "faceless": [path_text(path) for path in tree.faceless],
        "problems": len(tree.problems),
        "verification": _verification(found.verification) | (_more_verification(whole) if whole else {}),
        **(_identification(whole) if whole else {}),
        "confusions": {
            "different_people": [_hard_pair(tree, pair) for pair in found.alike],
            "one_person": [_hard_pair(tree, pair) for pair in found.unlike],
        },
        **({"page": page} if page else {}),
    }


def _verification(checked: Verification) -> dict[str, Any]:
    at_far = list(zip(FALSE_ACCEPT_RATES, checked.at_far, strict=True))
    return {
        "pairs": checked.pairs,
        "same": checked.same,
        "different": checked.different,
        "accuracy": checked.accuracy.mean,
        "accuracy_error": _number_or_none(checked.accuracy.error),
        "threshold": checked.chosen.threshold,
        "f1": checked.chosen.f1,
        "accuracy_at_threshold": checked.chosen.accuracy,
        "tar_at_threshold": checked.chosen.tar,
        "far_at_threshold": checked.chosen.far,
        **{f"tar_at_far_{_rate(rate)}": point.tar for rate, point in at_far},
        **{f"threshold_at_far_{_rate(rate)}": point.threshold for rate, point in at_far},
        "at_embedders_threshold": asdict(checked.at_embedders_threshold),
        "sweep": [asdict(point) for point in checked.sweep],
        **({"left_out": checked.left_out} if checked.left_out is not None else {}),
    }


def _more_verification(whole: WholeTree) -> dict[str, Any]:
    balanced, normalised = whole.balanced, whole.normalised
    return {
        "balanced": balanced
        and {
            "accuracy": balanced.accuracy.mean,
            "accuracy_error": _number_or_none(balanced.accuracy.error),
            "threshold": balanced.accuracy.threshold,
            "folds": balanced.folds,
            "pairs": balanced.pairs,
        },
        "normalised": normalised
        and {
            f"{name}tar_at_far_{_rate(rate)}": tar
            for name, rates in (("", normalised.normalised), ("plain_", normalised.plain))
            for rate, tar in zip(FALSE_ACCEPT_RATES, rates, strict=True)
        },
    }


def _identification(whole: WholeTree) -> dict[str, Any]:
    odd_even, k_fold, unknown = whole.odd_even, whole.k_fold, whole.open_set
    key = f"identified_at_fpir_{_rate(unknown.fpir)}" if unknown else ""
    return {
        "classifiers": {
            "svm": {"accuracy": odd_even and odd_even.svm, "k_fold_accuracy": k_fold and k_fold.svm},
            "knn": {"accuracy": odd_even and odd_even.knn, "k_fold_accuracy": k_fold and k_fold.knn},
            "tested": odd_even.faces if odd_even else 0,
        },
        "open_set": unknown
        and {
            key: unknown.gated,
            f"knn_{key}": unknown.knn,
            f"svm_{key}": unknown.svm,
            "known": unknown.known,
            "probes": unknown.probes,
            "strangers": unknown.strangers,
        },
        "clustering": {
            "b3_f": whole.groups.f1,
            "b3_precision": whole.groups.precision,
            "b3_recall": whole.groups.recall,
        },
    }


def _hard_pair(tree: Tree, pair: HardPair) -> dict[str, Any]:
    return {"photos": [path_text(tree.photos[row]) for row in pair.rows], "distance": pair.distance}


def _rate(rate: float) -> str:
    """A rate as keys name it: 0.01 is `1e-2`."""
    return f"1e{round(math.log10(rate))}"


def _number_or_none(value: float) -> float | None:
    """JSON knows no NaN."""
    return value if math.isfinite(value) else None
