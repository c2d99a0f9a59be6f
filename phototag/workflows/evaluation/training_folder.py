"""The folder of a training: what it was begun with, its checkpoint, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from phototag import atomic
from phototag.config import engines_folder
from phototag.errors import UsageError

FACES, CHECKPOINT, HISTORY, PLOT = "faces.npz", "checkpoint.npz", "history.csv", "history.png"
_PLAN, _RESULT = "plan.json", "result.json"


def training_folder(name: str) -> Path:
    """The default folder for the training of an engine."""
    return engines_folder() / ".training" / name


@contextmanager
def report_unwritable(out: Path) -> Iterator[None]:
    """Raise DiskFullError or UsageError where the system refuses to write to the folder."""
    try:
        yield
    except OSError as error:
        if atomic.is_disk_full(error):
            raise atomic.disk_full(out, "what was learnt is kept", "free space and go on with --resume") from error
        raise UsageError(f"{out} can't be used ({error.strerror or error}): name another folder with --out") from error


def begin(out: Path, plan: Mapping[str, Any]) -> None:
    """Start a new training in the folder. Raises UsageError if it holds one that was not finished."""
    if (out / CHECKPOINT).exists() and not (out / _RESULT).exists():
        raise UsageError(
            f"{out} holds a training that was not finished: go on with --resume, or name another folder with --out"
        )
    out.mkdir(parents=True, exist_ok=True)
    for name in (CHECKPOINT, FACES, _RESULT):
        (out / name).unlink(missing_ok=True)
    (out / _PLAN).write_text(json.dumps(plan, indent=2), "utf-8")


def require_same_plan(out: Path, plan: Mapping[str, Any]) -> None:
    """Raises UsageError unless the folder holds a training that was begun with the same plan."""
    try:
        begun = json.loads((out / _PLAN).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{out} holds no training that could go on: leave --resume out") from error
    if differing := [key for key, value in plan.items() if begun.get(key) != value]:
        raise UsageError(
            f"the training in {out} was begun with another {' and '.join(differing)} "
            f"({', '.join(str(begun.get(key)) for key in differing)}): say the same, or leave --resume out and "
            "name another folder with --out"
        )


def write_result(out: Path, result: Mapping[str, Any]) -> None:
    """Note that the training is finished, and what came of it."""
    (out / _RESULT).write_text(json.dumps(result, indent=2), "utf-8")
