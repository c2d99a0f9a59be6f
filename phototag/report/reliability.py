"""The reliability curve: how often guesses about held-out faces were right, by their probability."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.report import layout
from phototag.report.album import Album, ReliabilityEntry
from phototag.report.page_writer import PageWriter

#: The plot's side, in units of the drawing.
SIDE = 320


@dataclass(frozen=True, slots=True)
class Dot:
    """A bin in the drawing: its place from the top left, and a radius by its number of guesses."""

    x: float
    y: float
    radius: float


def write_reliability(album: Album, writer: PageWriter) -> None:
    """Write the page, if anything was measured."""
    bins = album.reliability()
    if bins:
        writer.page(layout.HOW_SURE, "reliability.html", bins=bins, dots=[_dot(one, bins) for one in bins], side=SIDE)


def _dot(one: ReliabilityEntry, bins: tuple[ReliabilityEntry, ...]) -> Dot:
    most = max(each.guesses for each in bins)
    return Dot(one.probability * SIDE, (1 - one.right) * SIDE, 3 + 9 * float((one.guesses / most) ** 0.5))
