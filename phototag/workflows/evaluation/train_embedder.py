"""Train an embedder on a folder a person with the triplet loss, measure it on people it never saw, and install it."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag import atomic
from phototag.analysis.analyze import analyze
from phototag.analysis.decode_pool import workers_for
from phototag.analysis.engine_provider import INSTALLED, EngineProvider
from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.analysis.main_face import main_face
from phototag.config import Settings, engines_folder
from phototag.display import path_text
from phototag.engines import registry
from phototag.engines.choice import best
from phototag.engines.formats.arrays import Arrays
from phototag.engines.installation import InstalledEngine
from phototag.engines.training.trainable import Trainable, trainable
from phototag.engines.training.triplet import MARGIN, Trainer, below, load, save, under
from phototag.errors import TooLittleDataError, UsageError
from phototag.imaging.augment import augmented
from phototag.imaging.decode import NOT_A_PHOTO
from phototag.learn.arrays import Rows
from phototag.learn.comparison import EmbedderComparison, VerificationFigures, compare_embedders, verification_figures
from phototag.learn.thresholds import measure_thresholds
from phototag.learn.triplets import (
    FEWEST,
    MINING,
    PeopleSplit,
    batches,
    count_people_with_pairs,
    split_people,
    squared_distances,
)
from phototag.progress import Progress
from phototag.report.training import write_curve, write_history
from phototag.types import Chips, Problem, Vectors
from phototag.workflows.evaluation.tree import person_of, photos_below

_FACES, _CHECKPOINT, _PLAN, _RESULT = "faces.npz", "checkpoint.npz", "plan.json", "result.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is trained, and how: all that the result depends on besides the photos and how long it goes on.

    `start`: an engine whose weights nn4.small2 begins with. `people` × `faces` make a batch. `rate`: of Adam; None is
    the network's own. `held_out`: the share of people that judge the result. `variants`: chips made of each face for a
    projection, besides the chip itself.
    """

    name: str
    network: str = "projection"
    start: str | None = None
    mining: str = "semi-hard"
    margin: float = MARGIN
    people: int = 32
    faces: int = 4
    rate: float | None = None
    held_out: float = 1 / 3
    variants: int = 4
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    """What came of one epoch; the first is before all training.

    `loss`: mean over its triplets. `tar`, `accuracy`: of the people that are watched.
    """

    epoch: int
    loss: float
    triplets: int
    tar: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class TrainedEmbedder:
    """The engine, how it was judged, the epoch whose weights it has, how many there were; `plot` if one was drawn."""

    engine: InstalledEngine
    base: str
    comparison: EmbedderComparison
    epoch: int
    epochs: int
    folder: Path
    plot: Path | None


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """People by number (n,), the plain vectors (n, dim), and what the network learns from.

    `samples`: (variants, n, dim) vectors, the first of the chips as they are, or (1, n, size, size, 3) chips.
    """

    people: Rows
    plain: Vectors
    samples: npt.NDArray[Any]

    def drawn(self, rows: Rows, random: np.random.Generator) -> npt.NDArray[Any]:
        """One sample for each row, as another shot might have given it."""
        if self.samples.dtype == np.uint8:
            return augmented(self.samples[0, rows], random)
        return np.asarray(self.samples[random.integers(len(self.samples), size=len(rows)), rows])


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """The best weights, how it went, and the held-out faces: their vectors by those weights, people, and figures."""

    weights: Arrays
    history: list[Epoch]
    vectors: Vectors
    people: list[int]
    comparison: EmbedderComparison


def training_folder(name: str) -> Path:
    """Where the training of an engine is kept, if nobody says otherwise."""
    return engines_folder() / ".training" / name


def train_embedder(
    folder: Path,
    plan: Plan,
    settings: Settings,
    progress: Progress,
    *,
    out: Path,
    resume: bool = False,
    epochs: int = 100,
    patience: int = 10,
    engines: EngineProvider = INSTALLED,
) -> TrainedEmbedder:
    """Train on the photos of `folder`, a folder a person, and install the result.

    All is kept in `out`: a checkpoint after every epoch, with which `resume` goes on, and the history. It stops after
    `epochs`, or where the people watched were not told apart better for `patience` of them; the best weights are taken.
    Raises UsageError, TooLittleDataError, WeightsError, DiskFullError.
    """
    settings = replace(settings, embedder=settings.embedder or best("embedder", settings.device))
    said = {"folder": path_text(os.path.abspath(os.fsencode(folder))), "embedder": settings.embedder, **asdict(plan)}
    photos = photos_below(folder, progress)
    _require_people([person_of(path) for path in photos], folder, "photos")
    analyzer = engines.open(settings, photos=len(photos))
    base = analyzer.embedder.info
    course = trainable(plan.network, base, plan.start)
    registry.require_name(plan.name, course.family)
    with _writable(out):
        _begin(out, said, resume)
        faces = _known_faces(out / _FACES) if resume else None
        if faces is None:
            faces = find_faces(folder, photos, analyzer, course, plan, settings, progress)
            _keep_faces(out / _FACES, faces)
        learnt = learn(faces, course, plan, out, progress, epochs, patience)
        progress.start("Measuring thresholds on the people held out", None)
        course.write(out / course.file, learnt.weights)
        card = course.card(measure_thresholds(learnt.vectors, learnt.people))
        source = f"trained on {path_text(os.fsencode(folder))}"
        engine = registry.add(plan.name, course.family, out / course.file, card, source=source)
        progress.finish()
        chosen, comparison = _best(learnt.history), learnt.comparison
        plot = write_curve(learnt.history, chosen, out / "history.png")
        (out / _RESULT).write_text(json.dumps({**said, **asdict(comparison), "epoch": chosen}, indent=2), "utf-8")
    return TrainedEmbedder(engine, base.name, comparison, chosen, len(learnt.history) - 1, out, plot)


@contextmanager
def _writable(out: Path) -> Iterator[None]:
    """Says what is wrong with the folder of a training where the system refuses it: DiskFullError, UsageError."""
    try:
        yield
    except OSError as error:
        if atomic.is_disk_full(error):
            raise atomic.disk_full(out, "what was learnt is kept", "free space and go on with --resume") from error
        raise UsageError(f"{out} can't be used ({error.strerror or error}): name another folder with --out") from error


def _require_people(people: list[str], folder: Path, what: str) -> None:
    if (there := count_people_with_pairs(people)) < FEWEST:
        raise TooLittleDataError(
            f"{path_text(os.fsencode(folder))} has {there} people with two {what} or more, and {FEWEST} are the fewest "
            "that can be learnt from and checked: name a folder with more people, at best some hundreds"
        )


def find_faces(
    folder: Path,
    photos: list[bytes],
    analyzer: FaceAnalyzer,
    course: Trainable,
    plan: Plan,
    settings: Settings,
    progress: Progress,
) -> Faces:
    """The main face of every photo. Raises TooLittleDataError where too few have one."""
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
    _require_people(people, folder, "faces")
    plain = np.stack([found[row][0] for row in rows])
    chips = np.concatenate([found[row][1] for row in rows])
    numbers = np.unique(people, return_inverse=True)[1].astype(np.int64)
    samples = _variants(plain, chips, analyzer, plan, progress) if course.on_vectors else chips[None]
    return Faces(numbers, plain, samples)


def _variants(plain: Vectors, chips: Chips, analyzer: FaceAnalyzer, plan: Plan, progress: Progress) -> Vectors:
    """The plain vectors, and those of the chips turned, lit and mirrored a little."""
    random = np.random.default_rng(plan.seed)
    made = [plain]
    progress.start("Looking at variants of each face", plan.variants * len(chips))
    for _ in range(plan.variants):
        parts = []
        for at in range(0, len(chips), 64):
            parts.append(analyzer.embed(augmented(chips[at : at + 64], random)))
            progress.advance(len(parts[-1]))
        made.append(np.concatenate(parts))
    progress.finish()
    return np.stack(made)


def learn(
    faces: Faces, course: Trainable, plan: Plan, out: Path, progress: Progress, epochs: int, patience: int
) -> Learnt:
    """Train from the checkpoint in `out`, or from the beginning, and compare with the plain vectors."""
    parts = split_people(faces.people, plan.held_out, plan.seed)
    trainer = Trainer(course.network(faces.plain[parts.train]), margin=plan.margin, rate=plan.rate or course.rate)
    history = _trained(trainer, faces, parts, plan, out, progress, epochs, patience)
    people = faces.people[parts.held_out].tolist()
    vectors = trainer.embed(faces.samples[0, parts.held_out])
    comparison = compare_embedders(faces.plain[parts.held_out], vectors, people)
    return Learnt(trainer.weights(), history, vectors, people, comparison)


def _trained(
    trainer: Trainer, faces: Faces, parts: PeopleSplit, plan: Plan, out: Path, progress: Progress, epochs: int,
    patience: int,
) -> list[Epoch]:  # fmt: skip
    """The history; the trainer is left with the best weights."""
    where = out / _CHECKPOINT
    if where.exists():
        state = load(where)
        trainer.resume(state, str(where))
        history = [Epoch(int(row[0]), row[1], int(row[2]), row[3], row[4]) for row in state["history/rows"].tolist()]
        weights = below("best", state)
    else:
        history = [_epoch(0, float("nan"), 0, _watched(trainer, faces, parts.validation))]
        weights = trainer.weights()
    progress.start("Training", epochs)
    progress.advance(len(history) - 1)
    while len(history) <= epochs and len(history) - 1 - _best(history) < patience:
        number = len(history)
        random = np.random.default_rng([plan.seed, number])  # so that a run that goes on draws what it would have
        mine = partial(_mined, faces.people, plan, random)
        losses, triplets = 0.0, 0
        for chosen in batches(faces.people[parts.train], plan.people, plan.faces, random):
            rows = parts.train[chosen]
            step = trainer.step(faces.drawn(rows, random), partial(mine, rows))
            losses, triplets = losses + step.loss * step.triplets, triplets + step.triplets
        history.append(_epoch(number, losses / max(triplets, 1), triplets, _watched(trainer, faces, parts.validation)))
        if _best(history) == number:
            weights = trainer.weights()
        rows_so_far = np.array([list(asdict(row).values()) for row in history], np.float32)
        save(where, {**trainer.state(), **under("best", weights), "history/rows": rows_so_far})
        write_history(history, out / "history.csv")
        progress.advance()
    progress.finish()
    trainer.use(weights)
    return history


def _mined(people: Rows, plan: Plan, random: np.random.Generator, rows: Rows, vectors: Vectors) -> Rows:
    return MINING[plan.mining](squared_distances(vectors), people[rows], plan.margin, random)


def _watched(trainer: Trainer, faces: Faces, watch: Rows) -> VerificationFigures:
    return verification_figures(trainer.embed(faces.samples[0, watch]), faces.people[watch].tolist())


def _epoch(number: int, loss: float, triplets: int, seen: VerificationFigures) -> Epoch:
    # In the precision of a checkpoint: a run that goes on must not take a rounded figure for a better one.
    rounded, tar, accuracy = np.array([loss, seen.tar, seen.accuracy], np.float32).tolist()
    return Epoch(number, rounded, triplets, tar, accuracy)


def _best(history: list[Epoch]) -> int:
    """The epoch at which the people watched were told apart best, the first of equals."""
    return max(range(len(history)), key=lambda at: (history[at].tar, history[at].accuracy, -at))


def _begin(out: Path, said: dict[str, Any], resume: bool) -> None:
    """Note what is trained, or compare it with what was noted. Raises UsageError."""
    note = out / _PLAN
    unfinished = (out / _CHECKPOINT).exists() and not (out / _RESULT).exists()
    if resume:
        try:
            noted = json.loads(note.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{out} holds no training that could go on: leave --resume out") from error
        if differing := [key for key, value in said.items() if noted.get(key) != value]:
            raise UsageError(
                f"the training in {out} was begun with another {' and '.join(differing)} "
                f"({', '.join(str(noted.get(key)) for key in differing)}): say the same, or leave --resume out and "
                "name another folder with --out"
            )
        return
    if unfinished:
        raise UsageError(
            f"{out} holds a training that was not finished: go on with --resume, or name another folder with --out"
        )
    out.mkdir(parents=True, exist_ok=True)
    for name in (_CHECKPOINT, _FACES, _RESULT):
        (out / name).unlink(missing_ok=True)
    note.write_text(json.dumps(said, indent=2), "utf-8")


def _keep_faces(path: Path, faces: Faces) -> None:
    with atomic.replacing(path) as file:
        np.savez(file, people=faces.people, plain=faces.plain, samples=faces.samples)


def _known_faces(path: Path) -> Faces | None:
    """The faces that an interrupted run looked at, if it came so far; nothing is unpickled."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return Faces(file["people"], file["plain"], file["samples"])
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} can't be read ({error}): remove it, and run the same command again") from error
