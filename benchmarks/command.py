"""The command line that all benchmarks share: arguments, the parts to measure, printing and writing figures."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.figures import RESULTS, Figure, Measure, Measured, Run, Value, add_run, filled, read, write

#: Measures one part of a benchmark: values by key.
Part = Callable[[], Mapping[str, Value | Measured]]


class Benchmark:
    """A benchmark's command line.

    `name`: of the program and its results file. `doc`: its docstring, shown as help. `measures`: all figures that it
    may measure. Options added with `size` change how much is measured: figures of another size are printed, not kept.
    """

    def __init__(self, name: str, doc: str | None, measures: Sequence[Measure], *, data: bool = True, db: bool = False):
        self.name, self.measures = name, measures
        self.arguments = ArgumentParser(
            prog=f"python -m benchmarks.{name}", description=doc, formatter_class=RawDescriptionHelpFormatter
        )
        self._sizes: list[str] = []
        if data:
            self.arguments.add_argument("--data", type=_folder, required=True, metavar="FOLDER", help="the photos")
        if db:
            self.arguments.add_argument(
                "--db", type=Path, metavar="FILE", help="keep the indexed faces in FILE for the next benchmark"
            )
        parts = list(dict.fromkeys(measure.part for measure in measures))
        self.arguments.add_argument(
            "--only", nargs="+", choices=parts, metavar="PART", default=(), help=f"some of {', '.join(parts)}"
        )
        self.arguments.add_argument(
            "--results", type=Path, default=RESULTS, metavar="FOLDER", help="where the figures are written"
        )

    def size(self, flag: str, default: int, help: str) -> None:
        """Add an option that changes how much is measured."""
        self.arguments.add_argument(flag, type=int, default=default, help=f"{help} ({default:,})")
        self._sizes.append(flag.lstrip("-").replace("-", "_"))

    def parse(self) -> Namespace:
        self.options = self.arguments.parse_args()
        return self.options

    def run(self, parts: Mapping[str, Part], on_request: Sequence[str] = ()) -> None:
        """Measure the chosen parts, print each figure, and write those of a full measurement.

        `on_request`: parts that are measured only where `--only` names them.
        """
        began = time.perf_counter()
        found: list[Figure] = []
        for part, measure in parts.items():
            if part in (self.options.only or [one for one in parts if one not in on_request]):
                some = filled(self.measures, measure())
                print("\n".join(map(_line, some)), flush=True)
                found += some
        run = Run.now(self._command(), time.perf_counter() - began, found)
        changed = [name for name in self._sizes if getattr(self.options, name) != self.arguments.get_default(name)]
        if changed:
            print(f"not written: {', '.join(changed)} changed", file=sys.stderr)
        else:
            folder = self.options.results
            print(f"written to {write(self.name, add_run(read(self.name, folder), run), folder)}", file=sys.stderr)

    def _command(self) -> str:
        """How this run was started, without anybody's paths."""
        words = [f"python -m benchmarks.{self.name}"]
        words += [
            f"--{name} {kind}" for name, kind in (("data", "FOLDER"), ("db", "FILE")) if getattr(self.options, name, 0)
        ]
        return " ".join(words + (["--only", *self.options.only] if self.options.only else []))


def _line(figure: Figure) -> str:
    column = f", {figure.measure.column}" if figure.measure.column else ""
    wanted = f" (wanted: {figure.wanted_text()})" if figure.measure.wanted else ""
    return f"{figure.measure.label}{column}: {figure.text()}{wanted}"


def _folder(path: str) -> Path:
    """An existing folder, as an absolute path."""
    folder = Path(path).resolve()
    if not folder.is_dir():
        raise ArgumentTypeError(f"{path} is not a folder")
    return folder
