"""The faces that an embedder is trained on: the main face of each photo, as vectors and chips."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag import atomic
from phototag.analysis.analyze import analyze
from phototag.analysis.decode_pool import workers_for
from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.analysis.main_face import main_face
from phototag.config import Settings
from phototag.display import path_text
from phototag.engines.training.trainable import Trainable
from phototag.errors import TooLittleDataError, UsageError
from phototag.imaging.augment import augmented
from phototag.imaging.photo_file import NOT_A_PHOTO
from phototag.learn.arrays import Rows
from phototag.learn.triplets import FEWEST, count_people_with_pairs
from phototag.progress import Progress
from phototag.types import Chips, Problem, Vectors
from phototag.workflows.evaluation.training_plan import TrainingPlan
from phototag.workflows.evaluation.tree import person_of

#: Chips that are embedded at once.
_BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class TrainingFaces:
    """n faces: their people by number (n,), their plain vectors (n, dim), and the samples that the network learns from.

    `samples`: (variants, n, dim) vectors, the first of the chips as they are; or (1, n, size, size, 3) chips.
    """

    people: Rows
    plain: Vectors
    samples: npt.NDArray[Any]

    def draw(self, rows: Rows, random: np.random.Generator) -> npt.NDArray[Any]:
        """A random sample of each row's face: one of its variants, or an augmented chip."""
        if self.samples.dtype == np.uint8:
            return augmented(self.samples[0, rows], random)
        return np.asarray(self.samples[random.integers(len(self.samples), size=len(rows)), rows])

    def save(self, path: Path) -> None:
        with atomic.replacing(path) as file:
            np.savez(file, people=self.people, plain=self.plain, samples=self.samples)

    @staticmethod
    def load(path: Path) -> TrainingFaces | None:
        """The faces that an interrupted run saved; None if it didn't get that far. Nothing is unpickled.

        Raises UsageError for a damaged file.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                return TrainingFaces(file["people"], file["plain"], file["samples"])
        except FileNotFoundError:
            return None
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UsageError(f"{path} can't be read ({error}): remove it, and run the same command again") from error


def require_people(people: list[str], folder: Path, what: str) -> None:
    """Raises TooLittleDataError if too few people have two faces. `what`: what was counted, photos or faces."""
    if (there := count_people_with_pairs(people)) < FEWEST:
        raise TooLittleDataError(
            f"{path_text(os.fsencode(folder))} has {there} people with two {what} or more, and {FEWEST} are the fewest "
            "that can be learnt from and checked: name a folder with more people, at best some hundreds"
        )


def find_training_faces(
    folder: Path,
    photos: list[bytes],
    analyzer: FaceAnalyzer,
    course: Trainable,
    plan: TrainingPlan,
    settings: Settings,
    progress: Progress,
) -> TrainingFaces:
    """The main face of every photo below `folder`. Raises TooLittleDataError where too few people have two."""
    wanted = replace(analyzer.embedder.info, chip_size=course.chip_size, alignment=course.alignment)
    found: dict[int, tuple[Vectors, Chips]] = {}
    progress.start("Looking for faces", len(photos))
    jobs = workers_for(len(photos), settings.jobs)
    for row, result in analyze(enumerate(photos), analyzer, jobs=jobs, side=settings.decode_side):
        progress.advance()
        if isinstance(result, Problem):
            if result.code != NOT_A_PHOTO:
                progress.problem(result)
        elif result.faces:
            face = main_face(result.faces, result.photo.width, result.photo.height)
            found[row] = (face.vector, analyzer.pipeline.chip(face.crop, wanted))
    progress.finish()
    rows = sorted(found)
    people = [person_of(photos[row]) for row in rows]
    require_people(people, folder, "faces")
    plain = np.stack([found[row][0] for row in rows])
    chips = np.concatenate([found[row][1] for row in rows])
    numbers = np.unique(people, return_inverse=True)[1].astype(np.int64)
    samples = _with_variants(plain, chips, analyzer, plan, progress) if course.on_vectors else chips[None]
    return TrainingFaces(numbers, plain, samples)


def _with_variants(
    plain: Vectors, chips: Chips, analyzer: FaceAnalyzer, plan: TrainingPlan, progress: Progress
) -> Vectors:
    """(1 + variants, n, dim): the plain vectors, and those of augmented chips."""
    random = np.random.default_rng(plan.seed)
    samples = [plain]
    progress.start("Looking at variants of each face", plan.variants * len(chips))
    for _ in range(plan.variants):
        parts = []
        for at in range(0, len(chips), _BATCH):
            parts.append(analyzer.embed(augmented(chips[at : at + _BATCH], random)))
            progress.advance(len(parts[-1]))
        samples.append(np.concatenate(parts))
    progress.finish()
    return np.stack(samples)
