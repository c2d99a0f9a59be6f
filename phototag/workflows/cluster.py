"""Cluster: put the faces that nobody labelled into groups that look like one person."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from phototag.errors import TooLittleDataError
from phototag.learn.cluster import central_first, cluster
from phototag.progress import Progress
from phototag.store import clusters, engines, faces
from phototag.store.connect import Store
from phototag.types import Cluster


@dataclass(frozen=True, slots=True)
class Clustered:
    """How many faces went into how many groups, and how many stand alone."""

    faces: int
    groups: int
    alone: int


def cluster_faces(store: Store, progress: Progress) -> Clustered:
    """Compute new groups, then swap them in. Raises TooLittleDataError before the first index."""
    embedder = current_embedder(store)
    ids, vectors = faces.vectors(store, embedder, where="unlabelled")
    thresholds = engines.thresholds(store, embedder)
    progress.start(f"Grouping {len(ids):,} faces", None)
    labels = cluster(vectors, thresholds)
    groups = []
    for number in range(int(labels.max(initial=-1)) + 1):
        members = np.flatnonzero(labels == number)
        order = members[central_first(vectors[members])]
        groups.append(Cluster(number + 1, tuple(ids[i] for i in order)))
    clusters.swap(store, embedder, asdict(thresholds), groups)
    progress.finish()
    return Clustered(len(ids), len(groups), int((labels < 0).sum()))


def current_embedder(store: Store) -> int:
    """The embedder of the last index. Raises TooLittleDataError if there was none."""
    found = engines.current(store, "embedder")
    if found is None:
        raise TooLittleDataError("no photo is indexed yet: run `phototag index FOLDER` first")
    return found[0]
