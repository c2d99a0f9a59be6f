"""The `phototag` command: its group, and the one error boundary."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import click

from phototag.cli import hints, streams
from phototag.cli.audit import audit
from phototag.cli.cluster import cluster
from phototag.cli.demo import demo
from phototag.cli.engines import engines
from phototag.cli.evaluate import evaluate
from phototag.cli.faces import faces
from phototag.cli.forget import forget
from phototag.cli.history import history, undo
from phototag.cli.identify import identify
from phototag.cli.index import index
from phototag.cli.label import label
from phototag.cli.logs import add_verbose, follow_environment
from phototag.cli.name import name
from phototag.cli.people import people
from phototag.cli.people_change import hide, merge, not_this_person, rename, unhide
from phototag.cli.people_export import people_export
from phototag.cli.people_forget import people_forget
from phototag.cli.people_import import people_import
from phototag.cli.people_split import split
from phototag.cli.report import report
from phototag.cli.review import review
from phototag.cli.run import run
from phototag.cli.status import status
from phototag.cli.tag import tag
from phototag.cli.train import train
from phototag.cli.train_embedder import train_embedder
from phototag.cli.tune import tune
from phototag.cli.verify import verify
from phototag.config import debugging
from phototag.errors import PhototagError, StoppedError


class _InOrder(click.Group):
    """Lists the commands in the order of a first evening with phototag, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


def _version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        from phototag.cli.version import versions

        click.echo(versions())
        context.exit()


@click.group(cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show versions and exit."
)
def cli() -> None:
    """Find every face in your photos, group and name them, and browse the result: all on your own machine.

    Start with `phototag run ~/Pictures`, then `phototag name`; or look at `phototag demo`.
    """


for command in (
    run,
    name,
    review,
    people,
    faces,
    history,
    undo,
    report,
    status,
    index,
    cluster,
    label,
    forget,
    train,
    tag,
    tune,
    audit,
    identify,
    verify,
    evaluate,
    engines,
    train_embedder,
    demo,
):
    cli.add_command(command)


for command in (rename, merge, split, hide, unhide, not_this_person, people_forget, people_export, people_import):
    people.add_command(command)


add_verbose(cli)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit with its documented code."""
    signal.signal(signal.SIGTERM, _terminated)
    streams.escape_unencodable()
    code = _exit_code(arguments)
    streams.flush()
    sys.exit(code)


def _exit_code(arguments: Sequence[str] | None) -> int:
    stdout = sys.stdout
    try:
        follow_environment()
        result = cli.main(arguments, prog_name="phototag", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        return 0  # `phototag … | head` is no error: nobody reads what is left to say
    except SystemExit as error:
        # Of a broken pipe click replaces the streams and exits; rich exits while it handles the error.
        if sys.stdout is stdout and not isinstance(error.__context__, BrokenPipeError):
            raise
        return 0
    except click.Abort:
        return _tell("stopped; everything finished so far is saved", StoppedError.exit_code)
    except click.ClickException as error:
        with suppress(BrokenPipeError):
            error.show()
        return error.exit_code
    except PhototagError as error:
        return _tell(hints.sentence(error), error.exit_code)
    except KeyboardInterrupt:
        return _tell("stopped; everything finished so far is saved: run the same command to go on", 130)
    except Exception as error:
        with suppress(BrokenPipeError):
            if debugging():
                traceback.print_exc()
        return _tell(
            f"this is a bug in phototag ({type(error).__name__}: {error}); what was saved before is kept: "
            "run again with PHOTOTAG_DEBUG=1 and report what it prints",
            1,
        )
    return result if isinstance(result, int) else 0


def _tell(message: str, code: int) -> int:
    with suppress(BrokenPipeError):
        click.echo(f"phototag: {message}", err=True)
    return code


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise StoppedError("stopped; everything finished so far is saved: run the same command to go on", 143)
