"""Re-embed: another embedder embeds all known faces, from their stored crops, and then replaces the current one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.errors import PhotoError
from phototag.progress import Progress
from phototag.store import embeddings, engines, faces
from phototag.store.connect import Store

#: Faces a transaction.
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Reembedded:
    """What was done.

    `embedder`: the id of the current one. `faces`, `left`: how many faces the analyzer's embedder has newly embedded,
    and how many it still has to.
    """

    embedder: int
    faces: int
    left: int


def reembed(store: Store, analyzer: FaceAnalyzer, progress: Progress, deadline: float) -> Reembedded:
    """Embed every present face that the analyzer's embedder has not embedded yet, then make it the current embedder.

    Until then the current one stays, and the next run goes on: groups and models are never made from a part of the
    faces. No batch is begun after `deadline` (of `time.monotonic`). No photo is opened, and every name stays with its
    face. A face with a damaged crop is left to `index`, which opens its photo again.
    """
    engine = engines.add(store, analyzer.embedder.info)
    damaged: set[int] = set()
    done = 0
    while True:
        with store.write():  # so that no other run adds a face between the last query and the change
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
            embedded = _embed(store, analyzer, engine, waiting[start : start + _BATCH])
            damaged.update(set(waiting[start : start + _BATCH]) - embedded)
            done += len(embedded)
            progress.advance(len(embedded))
        progress.finish()


def _embed(store: Store, analyzer: FaceAnalyzer, engine: int, batch: Sequence[int]) -> set[int]:
    """Embed faces, all but those with a damaged crop; returns which."""
    ids, chips = [], []
    for face in batch:
        try:
            chips.append(analyzer.pipeline.chip(faces.stored_crop(store, face)))
            ids.append(face)
        except PhotoError:
            continue
    if ids:
        embeddings.add_embeddings(store, engine, ids, analyzer.embed(np.concatenate(chips)))
    return set(ids)
