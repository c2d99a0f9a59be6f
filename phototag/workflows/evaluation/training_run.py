"""A training run: epochs of triplet loss with a checkpoint after each, until the validation result stops improving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from phototag.engines.formats.arrays import Arrays
from phototag.engines.training.trainable import Trainable
from phototag.engines.training.triplet import Trainer, add_prefix, load, save, strip_prefix
from phototag.learn.arrays import Rows
from phototag.learn.comparison import EmbedderComparison, compare_embedders, verification_figures
from phototag.learn.triplets import MINING, PeopleSplit, Triplets, batches, split_people, squared_distances
from phototag.progress import Progress
from phototag.report.training import write_history
from phototag.types import Vectors
from phototag.workflows.evaluation.training_faces import TrainingFaces
from phototag.workflows.evaluation.training_folder import CHECKPOINT, HISTORY
from phototag.workflows.evaluation.training_plan import TrainingPlan


@dataclass(frozen=True, slots=True)
class Epoch:
    """What came of one epoch; number 0 is before all training.

    `loss`: mean over its triplets. `tar`, `accuracy`: of the people for validation.
    """

    epoch: int
    loss: float
    triplets: int
    tar: float
    accuracy: float


@dataclass(frozen=True, slots=True, eq=False)
class TrainingResult:
    """The best weights, the history, and the held-out faces: their vectors by those weights, people, and figures."""

    weights: Arrays
    history: list[Epoch]
    vectors: Vectors
    people: list[int]
    comparison: EmbedderComparison


def run_training(
    faces: TrainingFaces,
    course: Trainable,
    plan: TrainingPlan,
    out: Path,
    progress: Progress,
    epochs: int,
    patience: int,
) -> TrainingResult:
    """Train from the checkpoint in `out`, or from the beginning, and test against the plain vectors.

    It stops after `epochs`, or `patience` epochs after the best validation result.
    """
    parts = split_people(faces.people, plan.held_out, plan.seed)
    trainer = Trainer(course.network(faces.plain[parts.train]), margin=plan.margin, rate=plan.rate or course.rate)
    history = _Training(trainer, faces, parts, plan, out).run(epochs, patience, progress)
    people = faces.people[parts.held_out].tolist()
    vectors = trainer.embed(faces.samples[0, parts.held_out])
    comparison = compare_embedders(faces.plain[parts.held_out], vectors, people)
    return TrainingResult(trainer.weights(), history, vectors, people, comparison)


def best_epoch(history: Sequence[Epoch]) -> int:
    """The epoch with the best validation result, the first of equals."""
    return max(range(len(history)), key=lambda at: (history[at].tar, history[at].accuracy, -at))


class _Training:
    """The state of a training: the trainer's network, the history, and the best weights so far."""

    def __init__(
        self, trainer: Trainer, faces: TrainingFaces, parts: PeopleSplit, plan: TrainingPlan, out: Path
    ) -> None:
        self._trainer, self._faces, self._parts, self._plan, self._out = trainer, faces, parts, plan, out
        checkpoint = out / CHECKPOINT
        if checkpoint.exists():
            state = load(checkpoint)
            trainer.resume(state, str(checkpoint))
            rows = state["history/rows"].tolist()
            self._history = [Epoch(int(row[0]), row[1], int(row[2]), row[3], row[4]) for row in rows]
            self._best_weights = strip_prefix("best", state)
        else:
            self._history = [self._validated(0, float("nan"), 0)]
            self._best_weights = trainer.weights()

    def run(self, epochs: int, patience: int, progress: Progress) -> list[Epoch]:
        """Train on; returns the history, and leaves the trainer with the best weights."""
        history = self._history
        progress.start("Training", epochs)
        progress.advance(len(history) - 1)
        while len(history) <= epochs and len(history) - 1 - best_epoch(history) < patience:
            number = len(history)
            history.append(self._train_epoch(number))
            if best_epoch(history) == number:
                self._best_weights = self._trainer.weights()
            self._save()
            progress.advance()
        progress.finish()
        self._trainer.set_weights(self._best_weights)
        return history

    def _train_epoch(self, number: int) -> Epoch:
        random = np.random.default_rng([self._plan.seed, number])  # so that a resumed run draws what it would have
        train = self._parts.train
        loss, triplets = 0.0, 0
        for chosen in batches(self._faces.people[train], self._plan.people, self._plan.faces, random):
            rows = train[chosen]

            def mine(vectors: Vectors, people: Rows = self._faces.people[rows]) -> Triplets:
                return MINING[self._plan.mining](squared_distances(vectors), people, self._plan.margin, random)

            step = self._trainer.step(self._faces.draw(rows, random), mine)
            loss, triplets = loss + step.loss * step.triplets, triplets + step.triplets
        return self._validated(number, loss / max(triplets, 1), triplets)

    def _validated(self, number: int, loss: float, triplets: int) -> Epoch:
        rows = self._parts.validation
        found = verification_figures(
            self._trainer.embed(self._faces.samples[0, rows]), self._faces.people[rows].tolist()
        )
        # In the precision of a checkpoint: a resumed run must not take a rounded figure for a better one.
        rounded, tar, accuracy = np.array([loss, found.tar, found.accuracy], np.float32).tolist()
        return Epoch(number, rounded, triplets, tar, accuracy)

    def _save(self) -> None:
        rows = np.array([list(asdict(epoch).values()) for epoch in self._history], np.float32)
        best = add_prefix("best", self._best_weights)
        save(self._out / CHECKPOINT, {**self._trainer.state(), **best, "history/rows": rows})
        write_history(self._history, self._out / HISTORY)
