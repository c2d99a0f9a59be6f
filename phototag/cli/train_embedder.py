"""`phototag train-embedder`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phototag.cli import options

if TYPE_CHECKING:
    from phototag.config import Settings
    from phototag.workflows.evaluation.train_embedder import TrainedEmbedder


@click.command("train-embedder", short_help="Train an embedder on your people with the triplet loss.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", default="trained", show_default=True, help="Name of the new engine.")
@click.option(
    "--network",
    type=click.Choice(["projection", "nn4.small2"]),
    default="projection",
    show_default=True,
    help="A linear map on the embedder's vectors, or a whole network.",
)
@click.option("--start", metavar="ENGINE", help="Begin nn4.small2 with the weights of this engine, not at random.")
@click.option(
    "--mining",
    type=click.Choice(["semi-hard", "random"]),
    default="semi-hard",
    show_default=True,
    help="Which triplets to learn from: those that are nearly wrong, or any.",
)
@click.option(
    "--margin", type=click.FloatRange(0, 4, min_open=True), default=0.2, show_default=True, help="The margin α."
)
@click.option("--people", type=click.IntRange(2), default=32, show_default=True, help="People in a batch.")
@click.option("--faces", type=click.IntRange(2), default=4, show_default=True, help="Faces of each person in a batch.")
@click.option("--rate", type=click.FloatRange(0, 1, min_open=True), help="Learning rate (default: the network's own).")
@click.option("--epochs", type=click.IntRange(1), default=100, show_default=True, help="Maximum number of epochs.")
@click.option("--patience", type=click.IntRange(1), default=10, show_default=True, help="Epochs without gain.")
@click.option(
    "--held-out",
    type=click.FloatRange(0.1, 0.9),
    default=1 / 3,
    help="Share of people to measure it on (⅓).",
)
@click.option(
    "--variants",
    type=click.IntRange(0),
    default=4,
    show_default=True,
    help="Variants of each face to learn from.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of all random choices.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for checkpoints, history and plot.")
@click.option("--resume", is_flag=True, help="Go on with a training that was interrupted.")
@options.engine_options
@options.as_json
def train_embedder(
    settings: Settings, folder: Path, out: Path | None, resume: bool, epochs: int, patience: int, as_json: bool,
    **plan: Any,
) -> None:  # fmt: skip
    """Train an embedder on FOLDER, which has a folder of photos for each person, and measure it on people it never saw.

    By default it learns a linear map on the embeddings of --embedder.
    """
    from phototag.workflows.evaluation.train_embedder import train_embedder as job
    from phototag.workflows.evaluation.training_folder import training_folder
    from phototag.workflows.evaluation.training_plan import TrainingPlan

    done = job(
        folder, TrainingPlan(**plan), settings, options.progress(as_json),
        out=out or training_folder(plan["name"]), resume=resume, epochs=epochs, patience=patience,
    )  # fmt: skip
    options.show({**asdict(done), "better": done.comparison.better}, _text(done), as_json)


def _text(done: TrainedEmbedder) -> str:
    from phototag.report.plots import HOW

    found, name = done.comparison, done.engine.name
    rows = (
        ("true accepts at 0.1 % false ones", found.plain.tar, found.trained.tar),
        ("true accepts at 1 % false ones", found.plain.tar_at_one_percent, found.trained.tar_at_one_percent),
        ("best accuracy, pairs balanced", found.plain.accuracy, found.trained.accuracy),
    )
    lines = [
        f"{name} is installed: epoch {done.epoch} of {done.epochs}, kept in {done.folder}.",
        f"On {found.people:,} people whom it never saw ({found.faces:,} faces, {found.pairs:,} pairs of one person):",
        f"  {'':34}{done.base:>18}{name:>18}",
        *(f"  {what:34}{plain:18.2%}{trained:18.2%}" for what, plain, trained in rows),
    ]
    if found.better:
        lines.append(f"It is better by more than chance: `phototag index --embedder {name}` uses it; names are kept.")
    else:
        lines.append(
            f"It is no better than {done.base} ({found.gain:+.2%} true accepts, give or take {found.error:.2%}): stay "
            f"with that (`phototag engines remove {name}` takes this one away)."
        )
    if done.plot is None:
        lines.append(f"Its history is in history.csv there; {HOW}.")
    return "\n".join(lines)
