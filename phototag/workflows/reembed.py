"""Re-embed: another embedder sees the faces that are known already, from their stored pictures."""

from __future__ import annotations

import numpy as np

from phototag.errors import PhotoError
from phototag.imaging.align import align
from phototag.imaging.crops import load_picture
from phototag.progress import Progress
from phototag.store import faces
from phototag.store.connect import Store
from phototag.store.faces import StoredCrop
from phototag.types import Chips, EngineInfo
from phototag.workflows.eye import Eye

#: Faces a transaction.
_BATCH = 64


def reembed(store: Store, eye: Eye, engine: int, progress: Progress) -> int:
    """Embed every present face that the eye's embedder (row `engine`) has not seen; returns how many.

    No photo is opened, and every name stays with its face. A face whose stored picture is damaged is
    left to `index`, which opens its photo again.
    """
    waiting = faces.without_embedding(store, engine)
    if not waiting:
        return 0
    done = 0
    progress.start("Looking at known faces anew", len(waiting))
    for start in range(0, len(waiting), _BATCH):
        ids, chips = [], []
        for face in waiting[start : start + _BATCH]:
            try:
                chips.append(_chip(faces.stored_crop(store, face), eye.embedder.info))
            except PhotoError:
                continue
            ids.append(face)
        if ids:
            faces.add_embeddings(store, engine, ids, eye.embed(np.concatenate(chips)))
        done += len(ids)
        progress.advance(len(ids))
    progress.finish()
    return done


def _chip(crop: StoredCrop, info: EngineInfo) -> Chips:
    pixels = load_picture(crop.jpeg)
    scale = len(pixels) / crop.region.w
    box = crop.box.moved(-crop.region.x, -crop.region.y).scaled(scale)
    landmarks = tuple(((x - crop.region.x) * scale, (y - crop.region.y) * scale) for x, y in crop.landmarks)
    return align(pixels, [box], alignment=info.alignment, size=info.chip_size, landmarks=[landmarks])
