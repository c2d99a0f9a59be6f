"""Refresh: tags and groups as they follow from what is said, and from the photos that are there, now."""

from __future__ import annotations

from phototag.progress import Progress
from phototag.store import derived
from phototag.store.connect import Store
from phototag.workflows.recognition.cluster import cluster_faces
from phototag.workflows.recognition.tag import Tagged, try_names


def refresh(store: Store, progress: Progress, *, tag: bool = True) -> Tagged | None:
    """Tag and group anew whatever follows from something else; returns what was tagged, if anything was.

    `tag`: else only groups are made. Raises TooLittleDataError before the first index.
    """
    tagged = try_names(store, progress) if tag and derived.outdated(store, "tags") else None
    if derived.outdated(store, "groups"):
        cluster_faces(store, progress)
    return tagged
