"""How a long job tells of itself: as data, to whoever listens; silent by default."""

from __future__ import annotations

from typing import Protocol

from phototag.types import Problem


class Progress(Protocol):
    """Receives a job's progress; every method returns at once."""

    def start(self, job: str, total: int | None) -> None:
        """A job begins; `total` steps are expected (None: unknown)."""
        ...

    def advance(self, steps: int = 1) -> None:
        """`steps` more are done."""
        ...

    def problem(self, problem: Problem) -> None:
        """One file gave trouble; the job goes on."""
        ...

    def note(self, message: str) -> None:
        """Something worth a line to the user."""
        ...

    def finish(self) -> None:
        """The job begun last is over."""
        ...


class Silent:
    """A `Progress` that nobody watches."""

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
