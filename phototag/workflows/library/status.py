"""Status: how many photos, faces and people there are, and what is left to do."""

from __future__ import annotations

import os
from dataclasses import dataclass

from phototag.store import (
    embeddings,
    engines,
    faces,
    files,
    groups,
    libraries,
    models,
    people,
    photos,
    problems,
    unplaced,
)
from phototag.store.connect import Store
from phototag.store.libraries import Library


@dataclass(frozen=True, slots=True)
class UnusableFile:
    """Why a file (or folder) could not be used: `code` for programs, `message` for people; in how many runs."""

    path: bytes
    stage: str
    code: str
    message: str
    runs: int


@dataclass(frozen=True, slots=True)
class Status:
    """Figures of the whole database.

    `photos`: different contents; copies count once. `files`: number of files by state. `away`: photos that are away or
    deleted. `unplaced`: names whose faces were not found again after their photos were edited. `unusable`: each file
    that could not be used, and why; `problems`: how many these are. `coming`: the embedder that is to replace the
    current one, and how many known faces it still has to embed, or None. `model`: when the last one was trained, on
    how many people and faces, or None.
    """

    libraries: tuple[Library, ...]
    photos: int
    files: dict[str, int]
    away: int
    unplaced: int
    faces: int
    confirmed: int
    tagged: int
    groups: int
    problems: int
    unusable: tuple[UnusableFile, ...]
    people: int
    detector: str | None
    embedder: str | None
    coming: tuple[str, int] | None
    model: tuple[str, int, int] | None


def status(store: Store) -> Status:
    """Count everything in the database."""
    listed = people.summaries(store)
    model = models.latest(store)
    detector, embedder = engines.current(store, "detector"), engines.current(store, "embedder")
    coming = engines.upcoming(store, "embedder")
    return Status(
        libraries=tuple(libraries.every(store)),
        photos=photos.count(store),
        files=files.counts(store),
        away=photos.count_away(store),
        unplaced=len(unplaced.unplaced(store)),
        faces=faces.count(store),
        confirmed=sum(entry.confirmed for entry in listed),
        tagged=sum(entry.tagged for entry in listed),
        groups=sum(1 for _ in groups.unnamed(store)),
        problems=problems.count(store),
        unusable=tuple(
            UnusableFile(os.path.join(root, problem.path), problem.stage, problem.code, problem.message, count)
            for root, problem, count in problems.listed(store)
        ),
        people=len(listed),
        detector=detector[1] if detector else None,
        embedder=embedder[1] if embedder else None,
        coming=(coming[1], len(embeddings.without_embedding(store, coming[0]))) if coming else None,
        model=(model.at, len(model.people), model.faces) if model else None,
    )
