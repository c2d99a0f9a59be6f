"""What an evaluation measured."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.learn.metrics import PrecisionRecall
from phototag.learn.trials import ClosedSetAccuracy, OpenSetRates
from phototag.learn.verification import FoldedAccuracy, OperatingPoint, ThresholdSweep
from phototag.workflows.evaluation.tree import Tree

#: False-accept rates at which true accepts are told.
FALSE_ACCEPT_RATES = (1e-2, 1e-3)


@dataclass(frozen=True, slots=True)
class Verification:
    """How well pairs of faces are told apart. `same`, `different`: how many pairs of one person, and of two.

    `accuracy`: by cross-validation. `chosen`: at the threshold that all pairs choose. `at_far`: at each of
    `FALSE_ACCEPT_RATES`. `at_embedders_threshold`: at the embedder's own. `sweep`: from 0 to 2 in steps of 0.01.
    `left_out`: pairs of a list of which one photo shows no face; None without a list.
    """

    same: int
    different: int
    accuracy: FoldedAccuracy
    chosen: OperatingPoint
    at_far: tuple[OperatingPoint, ...]
    at_embedders_threshold: OperatingPoint
    sweep: tuple[OperatingPoint, ...]
    left_out: int | None = None

    @property
    def pairs(self) -> int:
        return self.same + self.different


@dataclass(frozen=True, slots=True)
class BalancedPairs:
    """Accuracy by LFW's protocol: as many pairs of one person as of two, in folds with people of their own."""

    accuracy: FoldedAccuracy
    folds: int
    pairs: int


@dataclass(frozen=True, slots=True)
class NormalisedScores:
    """True accept rates at each of `FALSE_ACCEPT_RATES`, with normalised distances, and with plain ones on the same
    pairs."""

    normalised: tuple[float, ...]
    plain: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class WholeTree:
    """What is measured on a whole tree only, not on a list of pairs; None where there is too little for it."""

    balanced: BalancedPairs | None
    normalised: NormalisedScores | None
    odd_even: ClosedSetAccuracy | None
    k_fold: ClosedSetAccuracy | None
    open_set: OpenSetRates | None
    groups: PrecisionRecall


@dataclass(frozen=True, slots=True)
class HardPair:
    """Two faces that are hard to judge, by their rows in the tree."""

    rows: tuple[int, int]
    distance: float


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All figures, and what the page's plots and crops are made of.

    `photos`: how many were looked at. `whole_tree`: None for a list of pairs. `sweep`: all pairs at every threshold.
    `alike`: the nearest pairs of two people; `unlike`: the farthest of one.
    """

    detector: str
    embedder: str
    photos: int
    tree: Tree
    verification: Verification
    whole_tree: WholeTree | None
    sweep: ThresholdSweep
    alike: tuple[HardPair, ...]
    unlike: tuple[HardPair, ...]

    @property
    def people(self) -> int:
        return len(set(self.tree.people))
