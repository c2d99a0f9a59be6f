"""Refresh: tags and groups as they follow from what is said, and from the photos that are there, now."""

from __future__ import annotations

from phototag.progress import Progress
from phototag.store import derived
from phototag.store.connect import Store
from phototag.workflows.cluster import cluster_faces
from phototag.workflows.tag import try_names


def refresh(store: Store, progress: Progress) -> None:
    """Tag and group anew whatever follows from something else. Raises TooLittleDataError before the first index."""
    if derived.outdated(store, "tags"):
        try_names(store, progress)
    if derived.outdated(store, "groups"):
        cluster_faces(store, progress)
