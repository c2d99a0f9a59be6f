"""Identify: who is on photos, judged by the labelled faces of a library; nothing is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from phototag.analysis.analyze import analyze
from phototag.analysis.decode_pool import workers_for
from phototag.analysis.engine_provider import INSTALLED, EngineProvider
from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.analysis.face_pipeline import PhotoAnalysis
from phototag.config import Settings
from phototag.display import path_text
from phototag.errors import TooLittleDataError
from phototag.imaging.quality import WORTH_LEARNING
from phototag.learn.identification import Identification, Rule
from phototag.learn.identification import identify as by_rule
from phototag.progress import Progress
from phototag.remedies import IndexAgain, IndexWith, NameGroups, NameSecondPerson
from phototag.store import decisions, embeddings, faces, people
from phototag.store import engines as engine_rows
from phototag.store.connect import Store
from phototag.types import Box, Problem, Thresholds, Vectors
from phototag.workflows.library.engines_in_use import current_embedder, library_settings


@dataclass(frozen=True, slots=True)
class Evidence:
    """The photo of a labelled face, and that face's distance."""

    photo: bytes
    distance: float


@dataclass(frozen=True, slots=True)
class Identity:
    """A face on a photo: `likest` is the most similar person, `person` is that person or None for an unknown face.

    `probability`: that the face is `likest`. `distance`: to the nearest labelled face of `likest`. `evidence`: the
    labelled faces of `likest` that are nearest.
    """

    photo: bytes
    box: Box
    person: str | None
    likest: str
    probability: float
    distance: float
    threshold: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Identified:
    """The faces of all photos, in the photos' order; the photos without a face; the photos that can't be used."""

    faces: tuple[Identity, ...]
    faceless: tuple[bytes, ...]
    problems: tuple[Problem, ...]


def identify(
    store: Store,
    photos: Sequence[Path],
    settings: Settings,
    progress: Progress,
    *,
    rule: Rule = "svm",
    threshold: float | None = None,
    engines: EngineProvider = INSTALLED,
) -> Identified:
    """Identify each face on `photos` as one of the library's named people, or as unknown.

    `rule`: how the person is chosen, who is accepted if one of their faces is closer than the threshold: by a linear
    SVM (svm), by majority of the five nearest labelled faces (knn), or by the nearest one (nearest). `threshold`:
    instead of the embedder's own. Raises TooLittleDataError without labelled faces of this embedder, and for an SVM
    with fewer than two people.
    """
    embedder = current_embedder(store)
    known = LabelledFaces.read(store, embedder)
    settings = library_settings(store, settings, engines)
    analyzer = engines.open(settings, photos=len(photos))
    if engine_rows.find(store, analyzer.embedder.info) != embedder:
        raise TooLittleDataError(
            f"the named faces of {store.path} were not seen by {analyzer.embedder.info.name}, whose distances mean "
            "something else",
            IndexWith(analyzer.embedder.info.name),
        )
    thresholds = engine_rows.thresholds(store, embedder)
    if threshold is not None:
        thresholds = replace(thresholds, same=threshold)
    if rule == "svm":
        known.require_two()
    paths = [os.fsencode(photo) for photo in photos]
    results = _analyze(paths, analyzer, settings, progress)
    analyses = [(path, found) for path, found in zip(paths, results, strict=True) if isinstance(found, PhotoAnalysis)]
    rows = [(path, face) for path, analysis in analyses for face in analysis.faces]
    answers = known.answers(np.stack([face.vector for _, face in rows]), rule, thresholds) if rows else []
    return Identified(
        tuple(
            _identity(store, known, path, face.box, answer, thresholds)
            for (path, face), answer in zip(rows, answers, strict=True)
        ),
        tuple(path for path, analysis in analyses if not analysis.faces),
        tuple(result for result in results if isinstance(result, Problem)),
    )


def _analyze(
    paths: Sequence[bytes], analyzer: FaceAnalyzer, settings: Settings, progress: Progress
) -> list[PhotoAnalysis | Problem]:
    """What is on each photo, in their order."""
    progress.start("Looking at photos", len(paths))
    results = {}
    jobs = workers_for(len(paths), settings.jobs)
    for row, result in analyze(enumerate(paths), analyzer, jobs=jobs, side=settings.decode_side):
        if isinstance(result, Problem):
            progress.problem(result)
        results[row] = result
        progress.advance()
    progress.finish()
    return [results[row] for row in range(len(paths))]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFaces:
    """The labelled faces of a library: ids, people and vectors (n, dim).

    `clear`: people and vectors of those that are good enough to learn from.
    """

    ids: list[int]
    people: list[int]
    vectors: Vectors
    clear: tuple[list[int], Vectors]

    @staticmethod
    def read(store: Store, embedder: int) -> LabelledFaces:
        """Raises TooLittleDataError if no face is labelled, or none is embedded by this embedder."""
        known = LabelledFaces(
            *embeddings.labelled(store, embedder), embeddings.labelled(store, embedder, least=WORTH_LEARNING)[1:]
        )
        if known.ids:
            return known
        if decisions.counts(store).get("is"):
            raise TooLittleDataError(f"no named face of {store.path} was seen by its embedder yet", IndexAgain())
        raise TooLittleDataError(f"nobody is named yet in {path_text(os.fsencode(store.path))}", NameGroups())

    def require_two(self) -> None:
        """Raises TooLittleDataError if only one person is named: a classifier needs two."""
        if len(set(self.people)) < 2:
            raise TooLittleDataError(
                "only one person is named, and a classifier needs two", NameSecondPerson(or_nearest=True)
            )

    def answers(self, vectors: Vectors, rule: Rule, thresholds: Thresholds) -> list[Identification]:
        """Identify faces by their vectors (n, dim)."""
        people, clear = self.clear
        return by_rule(vectors, self.vectors, self.people, thresholds, rule, (clear, people))


def _identity(
    store: Store, known: LabelledFaces, path: bytes, box: Box, answer: Identification, thresholds: Thresholds
) -> Identity:
    name = people.get(store, answer.person).name
    return Identity(
        photo=path,
        box=box,
        person=name if answer.accepted else None,
        likest=name,
        probability=answer.probability,
        distance=answer.distance,
        threshold=thresholds.same,
        evidence=tuple(
            Evidence(faces.place(store, known.ids[row]).photo, distance) for row, distance in answer.evidence
        ),
    )
