"""`--verbose` and `PHOTOTAG_LOG`: Python's logging on standard error; else only warnings, as plain sentences."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

import click

from phototag.config import log_level

_FORMAT = "%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s"


class _StandardError(logging.Handler):
    """Writes to whatever `sys.stderr` is at the time: a progress bar puts a stream of its own there."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # nobody reads it any more
            print(self.format(record), file=sys.stderr)


def log_to_stderr(level: str) -> None:
    """Show what the loggers `phototag.*` say, from this level on; "" shows warnings, as the user's messages look."""
    logger = logging.getLogger("phototag")
    logger.handlers.clear()
    logger.propagate = False
    handler = _StandardError()
    handler.setFormatter(logging.Formatter(_FORMAT if level else "phototag: %(message)s", datefmt="%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(level.upper() or logging.WARNING)


def _verbose(_context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        log_to_stderr("debug")


def add_verbose(command: click.Command) -> None:
    """Give a command, and all below it, the option `--verbose`."""
    command.params.append(
        click.Option(
            ["--verbose"],
            is_flag=True,
            expose_value=False,
            callback=_verbose,
            help="Say on standard error what is done, in detail.",
        )
    )
    if isinstance(command, click.Group):
        for below in command.commands.values():
            add_verbose(below)


def follow_environment() -> None:
    """Log as `PHOTOTAG_LOG` says. Raises UsageError for a level that there is not."""
    log_to_stderr(log_level())
