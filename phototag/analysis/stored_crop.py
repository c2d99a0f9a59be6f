"""Stored crop: a face that was cut out before, aligned for an embedder."""

from __future__ import annotations

from phototag.imaging.align import align
from phototag.imaging.crops import load_picture
from phototag.types import Chips, EngineInfo, StoredCrop, turned


def chip_of(crop: StoredCrop, info: EngineInfo) -> Chips:
    """(1, size, size, 3): a face as an embedder wants to see it, from its small picture. Raises PhotoError."""
    pixels = load_picture(crop.jpeg)
    scale = len(pixels) / crop.region.w
    box = crop.box.moved(-crop.region.x, -crop.region.y).scaled(scale).turned(crop.turn, len(pixels), len(pixels))
    landmarks = tuple(
        turned(((x - crop.region.x) * scale, (y - crop.region.y) * scale), crop.turn, len(pixels), len(pixels))
        for x, y in crop.landmarks
    )
    return align(pixels, [box], alignment=info.alignment, size=info.chip_size, landmarks=[landmarks])
