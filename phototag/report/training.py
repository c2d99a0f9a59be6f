"""The history of a training, as CSV and (with matplotlib) as a plot."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from phototag.report.plots import available


class Epoch(Protocol):
    """One line of the history."""

    @property
    def epoch(self) -> int: ...
    @property
    def loss(self) -> float: ...
    @property
    def triplets(self) -> int: ...
    @property
    def tar(self) -> float: ...
    @property
    def accuracy(self) -> float: ...


def write_history(history: Sequence[Epoch], path: Path) -> None:
    """Write the history as CSV; the line before all training has no loss. Raises OSError."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "loss", "triplets", "true accepts at 0.1 % false", "accuracy"])
        for row in history:
            loss = "" if math.isnan(row.loss) else row.loss
            writer.writerow([row.epoch, loss, row.triplets, row.tar, row.accuracy])


def write_curve(history: Sequence[Epoch], best: int, path: Path) -> Path | None:
    """Plot loss, true accepts and accuracy by epoch, with a line at the best one; None without matplotlib."""
    if not available():
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    epochs = [row.epoch for row in history]
    upper.plot(epochs, [row.loss for row in history], color="tab:red")
    upper.set_ylabel("triplet loss (mean)")
    lower.plot(epochs, [row.accuracy for row in history], label="accuracy, pairs balanced")
    lower.plot(epochs, [row.tar for row in history], label="true accepts at 0.1 % false")
    lower.set_ylabel("people watched")
    lower.set_xlabel("epoch")
    lower.legend()
    for axes in (upper, lower):
        axes.axvline(best, color="grey", linestyle="dotted")
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    return path
