"""Verify: whether two photos show the same person."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from phototag.analysis.analyze import analyze_named
from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.analysis.face_pipeline import PhotoAnalysis
from phototag.analysis.main_face import largest
from phototag.analysis.thresholds import thresholds_of
from phototag.config import Settings
from phototag.display import path_text
from phototag.errors import TooLittleDataError
from phototag.learn.verification import same_person_probability
from phototag.types import Box, NewFace, Thresholds


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two faces, given by their boxes. `same`: they are taken for one person, since `distance` is below `threshold`.

    `probability`: that they are one person, at even prior odds.
    """

    boxes: tuple[Box, Box]
    distance: float
    threshold: float
    same: bool
    probability: float


def verify(
    one: Path,
    other: Path,
    analyzer: FaceAnalyzer,
    settings: Settings,
    *,
    threshold: float | None = None,
    every: bool = False,
) -> list[Comparison]:
    """Compare the largest faces of two photos, or with `every` all pairs of their faces, nearest first.

    `threshold`: instead of the embedder's own. Raises TooLittleDataError if a photo shows no face, UsageError for a
    photo that can't be used.
    """
    limits = thresholds_of(analyzer.embedder.info, threshold)
    photos = [one, other]
    analyses = analyze_named(photos, analyzer, settings)
    first, second = (faces_on(photo, analysis) for photo, analysis in zip(photos, analyses, strict=True))
    pairs = product(first, second) if every else [(largest(first), largest(second))]
    return sorted((_compared(a, b, limits) for a, b in pairs), key=lambda compared: compared.distance)


def faces_on(photo: Path, analysis: PhotoAnalysis) -> tuple[NewFace, ...]:
    """A photo's faces. Raises TooLittleDataError if there are none."""
    if not analysis.faces:
        raise TooLittleDataError(
            f"no face was found on {path_text(os.fsencode(photo))}: name a photo that shows one, or look closer with "
            "a larger --detail"
        )
    return analysis.faces


def _compared(one: NewFace, other: NewFace, thresholds: Thresholds) -> Comparison:
    distance = float(np.linalg.norm(one.vector - other.vector))
    return Comparison(
        (one.box, other.box),
        distance,
        thresholds.same,
        distance < thresholds.same,
        same_person_probability(distance, thresholds),
    )
