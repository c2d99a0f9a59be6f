"""How sure the names are: what was said of faces that were held out, and what was true, as a curve."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.report import layout
from phototag.report.album import Album, ReliabilityEntry
from phototag.report.page_writer import PageWriter

#: The plot's side, in units of the drawing.
SIDE = 320


@dataclass(frozen=True, slots=True)
class Dot:
    """A bin's place in the drawing (from the top left), and its radius by how many claims are in it."""

    x: float
    y: float
    radius: float


def write_reliability(album: Album, writer: PageWriter) -> None:
    """The page, if there is anything to show."""
    bins = album.reliability()
    if bins:
        writer.page(layout.HOW_SURE, "reliability.html", bins=bins, dots=[_dot(one, bins) for one in bins], side=SIDE)


def _dot(one: ReliabilityEntry, bins: tuple[ReliabilityEntry, ...]) -> Dot:
    most = max(each.claims for each in bins)
    return Dot(one.probability * SIDE, (1 - one.right) * SIDE, 3 + 9 * float((one.claims / most) ** 0.5))
