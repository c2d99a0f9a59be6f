"""Progress of long jobs, reported as data to a listener."""

from __future__ import annotations

from typing import Protocol

from phototag.types import Problem


class Progress(Protocol):
    """Receives a job's progress; every method returns at once."""

    def start(self, job: str, total: int | None) -> None:
        """A job begins; `total` steps are expected (None: unknown)."""
        ...

    def advance(self, steps: int = 1) -> None:
        """So many more steps are done."""
        ...

    def problem(self, problem: Problem) -> None:
        """One file can't be used; the job goes on."""
        ...

    def note(self, message: str) -> None:
        """A message for the user."""
        ...

    def finish(self) -> None:
        """The job that was started last is over."""
        ...


class Silent:
    """A `Progress` that ignores everything."""

    def start(self, job: str, total: int | None) -> None:
        pass

    def advance(self, steps: int = 1) -> None:
        pass

    def problem(self, problem: Problem) -> None:
        pass

    def note(self, message: str) -> None:
        pass

    def finish(self) -> None:
        pass
