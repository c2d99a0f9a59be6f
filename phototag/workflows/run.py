"""Run: the whole job, from folders to the album."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from phototag.analysis.engine_provider import INSTALLED, EngineProvider
from phototag.config import Settings
from phototag.errors import TooLittleDataError
from phototag.progress import Progress
from phototag.store import faces, files
from phototag.store.connect import Store
from phototag.workflows.library.index import Indexed, index
from phototag.workflows.recognition.cluster import Clustered, cluster_faces
from phototag.workflows.recognition.tag import Tagged, train_and_tag
from phototag.workflows.report import report


@dataclass(frozen=True, slots=True)
class Done:
    """What each step did; `tagged` is None while nobody is named."""

    indexed: Indexed
    clustered: Clustered
    tagged: Tagged | None
    page: Path


def run(
    store: Store,
    roots: Sequence[Path],
    settings: Settings,
    out: Path,
    progress: Progress,
    *,
    accept_missing: bool = False,
    follow: bool = False,
    retry: bool = False,
    budget: float | None = None,
    engines: EngineProvider = INSTALLED,
) -> Done:
    """Index, train, tag, cluster and write the album. If a library is offline, the rest is done all the same.

    Raises TooLittleDataError if no photo has a face, and whatever the steps raise.
    """
    done = index(
        store, roots, settings, progress,
        accept_missing=accept_missing, follow=follow, retry=retry, budget=budget, engines=engines,
    )  # fmt: skip
    _require_faces(store, done)
    tagged = train_and_tag(store, progress, precision=settings.requested_precision())
    clustered = cluster_faces(store, progress)  # after tagging: tags are evidence for grouping
    return Done(done, clustered, tagged, report(store, out, progress))


def _require_faces(store: Store, done: Indexed) -> None:
    if faces.count(store) or done.offline:
        return
    seen = files.counts(store).get("done", 0)
    if not seen:
        raise TooLittleDataError("there is no photo in the folders that were indexed: name one that holds your photos")
    raise TooLittleDataError(
        f"no face was found in {seen:,} photo{'s' if seen > 1 else ''}: index a folder with photos of people"
    )
