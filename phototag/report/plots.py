"""Plots of an evaluation, as PNG; matplotlib, which draws them, is an optional package."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from phototag import extras
from phototag.display import printable

Values: TypeAlias = npt.NDArray[np.floating[Any]]

#: What to do where there are no plots.
HOW = f"for plots install matplotlib ({extras.install_command('matplotlib')})"
_SAME, _DIFFERENT, _GREY = "#226a64", "#b3541e", "#6b645b"
_DPI = 110
_BARS = 100
#: People whose names stand on a plane of faces.
_NAMED = 30


def available() -> bool:
    """Whether there can be plots."""
    return find_spec("matplotlib") is not None


def accepts(far: Values, tar: Values) -> bytes:
    """True accepts by false accepts (ROC), the latter in powers of ten."""
    figure, axes = _paper("false accepts", "true accepts")
    seen = far > 0
    axes.semilogx(far[seen], tar[seen], color=_SAME)
    axes.set_xlim(float(far[seen].min(initial=1e-4)) / 2, 1)
    for rate in (1e-3, 1e-2):
        axes.axvline(rate, color=_GREY, linestyle=":", linewidth=1)
    axes.set_ylim(max(0.0, float(tar[seen].min(initial=1)) - 0.02), 1.005)
    return _png(figure)


def sweep(thresholds: Values, f1: Values, accuracy: Values, chosen: float) -> bytes:
    """F1 and accuracy by threshold, and the threshold that was chosen."""
    figure, axes = _paper("distance threshold", "")
    axes.plot(thresholds, f1, color=_SAME, label="F1")
    axes.plot(thresholds, accuracy, color=_DIFFERENT, label="accuracy")
    axes.axvline(chosen, color=_GREY, linestyle="--", linewidth=1, label=f"threshold {chosen:.3f}")
    changing = np.flatnonzero(np.diff(accuracy))
    if len(changing):
        axes.set_xlim(0, float(thresholds[changing[-1] + 1]))
    axes.legend(frameon=False)
    return _png(figure)


def histograms(same: npt.NDArray[np.int64], different: npt.NDArray[np.int64], step: float, chosen: float) -> bytes:
    """How far apart faces of one person and of two are: counts in steps of distance from 0."""
    figure, axes = _paper("distance", "share of the pairs")
    bundle = max(1, len(same) // _BARS)
    edges = np.arange(0, len(same), bundle) * step
    for counts, colour, label in ((different, _DIFFERENT, "two people"), (same, _SAME, "one person")):
        shares = np.add.reduceat(counts, np.arange(0, len(counts), bundle)) / max(int(counts.sum()), 1)
        axes.bar(edges, shares, width=bundle * step, align="edge", color=colour, alpha=0.6, label=label)
    axes.axvline(chosen, color=_GREY, linestyle="--", linewidth=1, label=f"threshold {chosen:.3f}")
    axes.set_xlim(0, (int(np.flatnonzero(same + different).max(initial=0)) + bundle) * step)
    axes.legend(frameon=False)
    return _png(figure)


def plane(places: Values, people: Sequence[str]) -> bytes:
    """Faces (n, 2) as points, a colour for each person; names beside the people with the most of them."""
    figure, axes = _paper("", "")
    owners = np.array(people, object)
    names, counts = np.unique(owners.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    for number, name in enumerate(names[order]):
        mine = places[owners == name]
        colour = f"C{number % 10}"
        axes.scatter(mine[:, 0], mine[:, 1], s=14, color=colour, marker="os^Dv*"[number // 10 % 6])
        if number < _NAMED:
            x, y = float(np.median(mine[:, 0])), float(mine[:, 1].max())
            axes.annotate(
                printable(name)[:40], (x, y), (0, 5), textcoords="offset points", ha="center", fontsize=8,
                parse_math=False, alpha=0.8,
            )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    return _png(figure)


def _paper(across: str, up: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _png(figure: Any) -> bytes:
    output = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that the font doesn't have
        figure.savefig(output, format="png", dpi=_DPI, metadata={"Software": None})
    return output.getvalue()
