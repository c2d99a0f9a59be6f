"""Refresh: bring tags and groups up to date with the answers and the present photos."""

from __future__ import annotations

from phototag.progress import Progress
from phototag.store import derived
from phototag.store.connect import Store
from phototag.workflows.recognition.cluster import cluster_faces
from phototag.workflows.recognition.tag import Tagged, train_and_tag


def refresh(store: Store, progress: Progress, *, tag: bool = True) -> Tagged | None:
    """Tag and group again if tags or groups are out of date; returns the result of tagging, if there was one.

    `tag`: False leaves the tags alone. Raises TooLittleDataError before the first index.
    """
    tagged = train_and_tag(store, progress) if tag and derived.outdated(store, "tags") else None
    if derived.outdated(store, "groups"):
        cluster_faces(store, progress)
    return tagged
