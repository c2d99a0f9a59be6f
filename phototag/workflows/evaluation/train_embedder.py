"""Train an embedder on a folder a person with the triplet loss, test it on held-out people, and install it."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from phototag.analysis.engine_provider import INSTALLED, EngineProvider
from phototag.config import Settings
from phototag.display import path_text
from phototag.engines import registry
from phototag.engines.choice import best
from phototag.engines.installation import InstalledEngine
from phototag.engines.training.trainable import trainable
from phototag.learn.comparison import EmbedderComparison
from phototag.learn.thresholds import measure_thresholds
from phototag.progress import Progress
from phototag.report.training import write_curve
from phototag.workflows.evaluation import training_folder
from phototag.workflows.evaluation.training_faces import TrainingFaces, find_training_faces, require_people
from phototag.workflows.evaluation.training_plan import TrainingPlan
from phototag.workflows.evaluation.training_run import best_epoch, run_training
from phototag.workflows.evaluation.tree import person_of, photos_below


@dataclass(frozen=True, slots=True)
class TrainedEmbedder:
    """The engine and its test result, the epoch whose weights it has, how many there were; `plot` if one was drawn."""

    engine: InstalledEngine
    base: str
    comparison: EmbedderComparison
    epoch: int
    epochs: int
    folder: Path
    plot: Path | None


def train_embedder(
    folder: Path,
    plan: TrainingPlan,
    settings: Settings,
    progress: Progress,
    *,
    out: Path,
    resume: bool = False,
    epochs: int = 100,
    patience: int = 10,
    engines: EngineProvider = INSTALLED,
) -> TrainedEmbedder:
    """Train on the photos of `folder`, a folder a person, and install the result as an engine.

    `out` keeps the history and a checkpoint after every epoch, from which `resume` goes on. Training stops after
    `epochs`, or `patience` epochs after the best validation result; the best weights are taken. Raises UsageError,
    TooLittleDataError, WeightsError, DiskFullError.
    """
    settings = replace(settings, embedder=settings.embedder or best("embedder", settings.device))
    begun = {"folder": path_text(os.path.abspath(os.fsencode(folder))), "embedder": settings.embedder, **asdict(plan)}
    photos = photos_below(folder, progress)
    require_people([person_of(path) for path in photos], folder, "photos")
    analyzer = engines.open(settings, photos=len(photos))
    base = analyzer.embedder.info
    course = trainable(plan.network, base, plan.start)
    registry.require_name(plan.name, course.family)
    with training_folder.report_unwritable(out):
        if resume:
            training_folder.require_same_plan(out, begun)
        else:
            training_folder.begin(out, begun)
        faces = TrainingFaces.load(out / training_folder.FACES) if resume else None
        if faces is None:
            faces = find_training_faces(folder, photos, analyzer, course, plan, settings, progress)
            faces.save(out / training_folder.FACES)
        result = run_training(faces, course, plan, out, progress, epochs, patience)
        progress.start("Measuring thresholds on the people held out", None)
        course.write(out / course.file, result.weights)
        card = course.card(measure_thresholds(result.vectors, result.people))
        source = f"trained on {path_text(os.fsencode(folder))}"
        engine = registry.add(plan.name, course.family, out / course.file, card, source=source)
        progress.finish()
        epoch = best_epoch(result.history)
        plot = write_curve(result.history, epoch, out / training_folder.PLOT)
        training_folder.write_result(out, {**begun, **asdict(result.comparison), "epoch": epoch})
    return TrainedEmbedder(engine, base.name, result.comparison, epoch, len(result.history) - 1, out, plot)
