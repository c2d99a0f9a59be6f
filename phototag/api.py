"""phototag in your own programs: verify two photos, embed faces, identify against a folder, find a threshold.

`docs/api.md` shows each at work. What is named here stays as it is; all else may change between versions.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phototag.analysis.analyze import analyze, analyze_named
from phototag.analysis.decode_pool import workers_for
from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.analysis.face_pipeline import PhotoAnalysis
from phototag.analysis.thresholds import thresholds_of
from phototag.config import Settings, load
from phototag.errors import PhototagError
from phototag.learn.identification import Rule, identify
from phototag.learn.verification import OperatingPoint as Point
from phototag.learn.verification import ThresholdSweep as Sweep
from phototag.learn.verification import all_pairs
from phototag.learn.verification import same_person_probability as probability
from phototag.progress import Progress, Silent
from phototag.types import Box, Problem, Thresholds, Vectors
from phototag.workflows.evaluation.tree import photos_below, read_tree
from phototag.workflows.recognition.verify import Comparison, faces_on
from phototag.workflows.recognition.verify import verify as compare

__all__ = [
    "Box",
    "Comparison",
    "FoundFace",
    "Match",
    "PhotoFaces",
    "PhototagError",
    "Point",
    "Recognizer",
    "Sweep",
    "Thresholds",
    "probability",
    "sweep",
]


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """A face on a photo: its box in upright pixels, the detector's score, its quality (0 to 1), its unit vector."""

    box: Box
    score: float
    quality: float
    vector: Vectors


@dataclass(frozen=True, slots=True)
class Match:
    """Who a face is: `person` is None for somebody unknown, whom `likest` resembles most.

    `probability`: that they are `likest`. `distance`: to their nearest face. `evidence`: the photos with their nearest
    faces, and how far away those are.
    """

    box: Box
    person: str | None
    likest: str
    probability: float
    distance: float
    evidence: tuple[tuple[Path, float], ...]


@dataclass(frozen=True, slots=True)
class PhotoFaces:
    """The faces on one of many photos, the surest first; `problem` says why a photo could not be used, else None."""

    photo: Path
    faces: tuple[FoundFace, ...]
    problem: str | None


class Recognizer:
    """Engines at work: by default the best that are installed. Raises PhototagError for engines that can't be had.

    `detector`, `embedder`: names as in `phototag engines list`. May be used by several threads.
    """

    def __init__(self, *, detector: str | None = None, embedder: str | None = None, jobs: int | None = None) -> None:
        self._settings: Settings = load(detector=detector, embedder=embedder, jobs=jobs)
        self._analyzer = FaceAnalyzer.open(self._settings)

    @property
    def thresholds(self) -> Thresholds:
        """What distances mean to the embedder; `same` is the one below which two faces are one person's."""
        return thresholds_of(self._analyzer.embedder.info)

    def faces(self, photo: str | os.PathLike[str]) -> list[FoundFace]:
        """The faces on a photo, the surest first; none is no error. Raises PhototagError for no photo."""
        [analysis] = analyze_named([Path(photo)], self._analyzer, self._settings)
        return _found(analysis)

    def faces_of_many(
        self, photos: Iterable[str | os.PathLike[str]], progress: Progress | None = None
    ) -> Iterator[PhotoFaces]:
        """The faces on many photos, in the photos' order, each as soon as it is known.

        Photos are decoded by worker processes, and a photo that can't be used doesn't stop the others.
        """
        paths = [Path(photo) for photo in photos]
        progress = progress or Silent()
        progress.start("Looking at photos", len(paths))
        waiting: dict[int, PhotoFaces] = {}
        next_row = 0
        for row, result in analyze(
            enumerate(map(os.fsencode, paths)),
            self._analyzer,
            jobs=workers_for(len(paths), self._settings.jobs),
            side=self._settings.decode_side,
        ):
            if isinstance(result, Problem):
                progress.problem(result)
                waiting[row] = PhotoFaces(paths[row], (), result.message)
            else:
                waiting[row] = PhotoFaces(paths[row], tuple(_found(result)), None)
            progress.advance()
            while next_row in waiting:
                yield waiting.pop(next_row)
                next_row += 1
        progress.finish()

    def verify(
        self, one: str | os.PathLike[str], other: str | os.PathLike[str], *, threshold: float | None = None
    ) -> Comparison:
        """Whether the largest faces of two photos are one person's. Raises PhototagError where there is no face."""
        return compare(Path(one), Path(other), self._analyzer, self._settings, threshold=threshold)[0]

    def identify(
        self,
        photo: str | os.PathLike[str],
        people: str | os.PathLike[str],
        *,
        rule: Rule = "svm",
        threshold: float | None = None,
        progress: Progress | None = None,
    ) -> list[Match]:
        """Who the faces on a photo are, by the main faces of photos in `people`, a folder with one for each person.

        What is found in that folder is remembered in the cache. `rule`: `svm` (of two people or more), `knn` or
        `nearest`. Raises PhototagError where there is too little to go by.
        """
        known = read_tree(
            photos_below(Path(people), progress or Silent()), self._analyzer, self._settings, progress or Silent()
        )
        names, labels = np.unique(np.array(known.people), return_inverse=True)
        [analysis] = analyze_named([Path(photo)], self._analyzer, self._settings)
        faces = faces_on(Path(photo), analysis)
        answers = identify(
            np.stack([face.vector for face in faces]),
            known.vectors,
            labels.tolist(),
            thresholds_of(self._analyzer.embedder.info, threshold),
            rule,
        )
        return [
            Match(
                face.box,
                str(names[answer.person]) if answer.accepted else None,
                str(names[answer.person]),
                answer.probability,
                answer.distance,
                tuple((Path(os.fsdecode(known.photos[row])), distance) for row, distance in answer.evidence),
            )
            for face, answer in zip(faces, answers, strict=True)
        ]


def _found(analysis: PhotoAnalysis) -> list[FoundFace]:
    return [FoundFace(face.box, face.score, face.quality, face.vector) for face in analysis.faces]


def sweep(vectors: Vectors, people: list[str]) -> Sweep:
    """F1, accuracy, true and false accepts of all pairs of (n, dim) unit vectors at every threshold from 0 to 2."""
    return all_pairs(vectors, people).sweep()
