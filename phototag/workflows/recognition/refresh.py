"""Refresh: bring tags and groups up to date with what humans said and with the photos that are there now."""

from __future__ import annotations

from phototag.progress import Progress
from phototag.store import derived
from phototag.store.connect import Store
from phototag.workflows.recognition.cluster import cluster_faces
from phototag.workflows.recognition.tag import Tagged, train_and_tag


def refresh(store: Store, progress: Progress, *, tag: bool = True) -> Tagged | None:
    """Tag and group again whatever is out of date; returns what was tagged, if anything was.

    `tag`: False only groups. Raises TooLittleDataError before the first index.
    """
    tagged = train_and_tag(store, progress) if tag and derived.outdated(store, "tags") else None
    if derived.outdated(store, "groups"):
        cluster_faces(store, progress)
    return tagged
