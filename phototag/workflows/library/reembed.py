"""Re-embed: another embedder sees the faces that are known already, from their stored pictures, and takes over."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from phototag.analysis.face_analyzer import Eye
from phototag.analysis.stored_crop import chip_of
from phototag.errors import PhotoError
from phototag.progress import Progress
from phototag.store import embeddings, engines, faces
from phototag.store.connect import Store

#: Faces a transaction.
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Reembedded:
    """What came of it.

    `embedder`: the row of the current one. `faces`, `left`: how many the eye's has newly seen, and has not.
    """

    embedder: int
    faces: int
    left: int


def reembed(store: Store, eye: Eye, progress: Progress, deadline: float) -> Reembedded:
    """Show the eye's embedder every present face that it has not seen, then make it the current one.

    Until it has seen them all, the embedder that was current before stays so, and the next run goes on: groups and
    models are never made of a part of the faces. No batch is begun after `deadline` (of `time.monotonic`). No photo is
    opened, and every name stays with its face. A face whose stored picture is damaged is left to `index`, which opens
    its photo again.
    """
    engine = engines.add(store, eye.embedder.info)
    damaged: set[int] = set()
    done = 0
    while True:
        with store.write():  # so that no other run adds a face between the last look and the change
            waiting = [face for face in embeddings.without_embedding(store, engine) if face not in damaged]
            if not waiting:
                engines.set_current(store, engine)
                return Reembedded(engine, done, 0)
            engines.set_upcoming(store, engine)
        progress.start("Looking at known faces anew", len(waiting))
        for start in range(0, len(waiting), _BATCH):
            if time.monotonic() > deadline:
                progress.finish()
                current = engines.current(store, "embedder")
                return Reembedded(current[0] if current else engine, done, len(waiting) - start)
            ids, chips = [], []
            for face in waiting[start : start + _BATCH]:
                try:
                    chips.append(chip_of(faces.stored_crop(store, face), eye.embedder.info))
                    ids.append(face)
                except PhotoError:
                    damaged.add(face)
            if ids:
                embeddings.add_embeddings(store, engine, ids, eye.embed(np.concatenate(chips)))
            done += len(ids)
            progress.advance(len(ids))
        progress.finish()
