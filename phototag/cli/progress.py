"""Progress on a terminal (a bar with rate and time left) or in a log (a line every ten seconds)."""

from __future__ import annotations

import json
import sys
import time

from phototag.display import path_text
from phototag.progress import Progress
from phototag.types import Problem

#: Seconds between two lines of progress where standard error is no terminal.
_EVERY = 10.0


def watch() -> Progress:
    """A bar where standard error is a terminal, lines elsewhere."""
    return Bar() if sys.stderr.isatty() else Lines(as_json=False)


class Lines:
    """A line every ten seconds on standard error: text, or JSON for programs."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.job, self.done = "", 0
        self.total: int | None = None
        self.since = self.last_line = 0.0

    def start(self, job: str, total: int | None) -> None:
        self.job, self.total, self.done = job, total, 0
        self.since = self.last_line = time.monotonic()

    def advance(self, steps: int = 1) -> None:
        self.done += steps
        now = time.monotonic()
        if now - self.last_line >= _EVERY:
            self.last_line = now
            self._report(now - self.since)

    def _report(self, seconds: float) -> None:
        rate = self.done / seconds if seconds else 0.0
        left = (self.total - self.done) / rate if self.total and rate else None
        if self.as_json:
            self._print(job=self.job, done=self.done, total=self.total, per_second=round(rate, 2),
                        seconds_left=None if left is None else round(left))  # fmt: skip
            return
        of = f" of {self.total:,}" if self.total else ""
        rest = f", {_clock(left)} left" if left is not None else ""
        self._write(f"{self.job}: {self.done:,}{of} ({rate:.1f}/s{rest})")

    def problem(self, problem: Problem) -> None:
        if self.as_json:
            self._print(problem=problem.code, stage=problem.stage, path=path_text(problem.path),
                        message=problem.message)  # fmt: skip
        else:
            self._write(f"{path_text(problem.path)}: {problem.message}")

    def note(self, message: str) -> None:
        if self.as_json:
            self._print(note=message)
        else:
            self._write(message)

    def finish(self) -> None:
        if time.monotonic() - self.since >= _EVERY:
            self._report(time.monotonic() - self.since)

    def _print(self, **event: object) -> None:
        self._write(json.dumps(event))

    def _write(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class Bar:
    """A rich progress bar on standard error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self.console = Console(stderr=True)
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            console=self.console,
            transient=True,
        )
        self.since, self.done = 0.0, 0

    def start(self, job: str, total: int | None) -> None:
        self.since, self.done = time.monotonic(), 0
        self.task = self.bars.add_task(job, total=total, rate="")
        self.bars.start()

    def advance(self, steps: int = 1) -> None:
        self.done += steps
        seconds = time.monotonic() - self.since
        self.bars.update(self.task, advance=steps, rate=f"{self.done / seconds:.1f}/s" if seconds > 1 else "")

    def problem(self, problem: Problem) -> None:
        self.note(f"{path_text(problem.path)}: {problem.message}")

    def note(self, message: str) -> None:
        self.console.print(message, markup=False, highlight=False)

    def finish(self) -> None:
        self.bars.remove_task(self.task)
        self.bars.stop()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
