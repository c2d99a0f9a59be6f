"""What an embedder is trained on, and how."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.engines.training.triplet import MARGIN


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """All that the result depends on, besides the photos and how long it is trained.

    `start`: an engine whose weights nn4.small2 begins with. `people` × `faces`: the size of a batch. `rate`: learning
    rate of Adam; None is the network's own. `held_out`: the share of people that the result is tested on. `variants`:
    augmented chips of each face for a projection, besides the chip itself.
    """

    name: str
    network: str = "projection"
    start: str | None = None
    mining: str = "semi-hard"
    margin: float = MARGIN
    people: int = 32
    faces: int = 4
    rate: float | None = None
    held_out: float = 1 / 3
    variants: int = 4
    seed: int = 0
