"""phototag in your own programs: verify two photos, embed faces, identify against a folder, find a threshold.

`docs/api.md` shows each at work. What is named here stays as it is; all else may change between versions.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phototag.analysis.analyze import look
from phototag.analysis.face_analyzer import Eye
from phototag.analysis.thresholds import thresholds_of
from phototag.config import Settings, load
from phototag.errors import PhototagError
from phototag.learn.identification import Rule, identify
from phototag.learn.verification import OperatingPoint as Point
from phototag.learn.verification import ThresholdSweep as Sweep
from phototag.learn.verification import all_pairs
from phototag.learn.verification import same_person_probability as probability
from phototag.progress import Progress, Silent
from phototag.types import Box, Thresholds, Vectors
from phototag.workflows.evaluation.tree import photos_below, read_tree
from phototag.workflows.recognition.verify import Comparison, found_on
from phototag.workflows.recognition.verify import verify as compare

__all__ = [
    "Box",
    "Comparison",
    "FoundFace",
    "Match",
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


class Recognizer:
    """Engines at work: by default the best that are installed. Raises PhototagError for engines that can't be had.

    `detector`, `embedder`: names as in `phototag engines list`. Not for use from several threads at once.
    """

    def __init__(self, *, detector: str | None = None, embedder: str | None = None, jobs: int | None = None) -> None:
        self._settings: Settings = load(detector=detector, embedder=embedder, jobs=jobs)
        self._eye = Eye.open(self._settings)

    @property
    def thresholds(self) -> Thresholds:
        """What distances mean to the embedder; `same` is the one below which two faces are one person's."""
        return thresholds_of(self._eye.embedder.info)

    def faces(self, photo: str | os.PathLike[str]) -> list[FoundFace]:
        """The faces on a photo, the surest first; none is no error. Raises PhototagError for no photo."""
        [seen] = look(self._eye, [Path(photo)], self._settings)
        return [FoundFace(face.box, face.score, face.quality, face.vector) for face in seen.faces]

    def verify(
        self, one: str | os.PathLike[str], other: str | os.PathLike[str], *, threshold: float | None = None
    ) -> Comparison:
        """Whether the largest faces of two photos are one person's. Raises PhototagError where there is no face."""
        return compare(Path(one), Path(other), self._settings, threshold=threshold, eye=self._eye)[0]

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
            photos_below(Path(people), progress or Silent()), self._eye, self._settings, progress or Silent()
        )
        names, labels = np.unique(np.array(known.people), return_inverse=True)
        [seen] = look(self._eye, [Path(photo)], self._settings)
        faces = found_on(Path(photo), seen)
        answers = identify(
            np.stack([face.vector for face in faces]),
            known.vectors,
            labels.tolist(),
            thresholds_of(self._eye.embedder.info, threshold),
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


def sweep(vectors: Vectors, people: list[str]) -> Sweep:
    """F1, accuracy, true and false accepts of all pairs of (n, dim) unit vectors at every threshold from 0 to 2."""
    return all_pairs(vectors, people).sweep()
