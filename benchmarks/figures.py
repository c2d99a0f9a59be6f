"""Figures: what a benchmark measures, what it found, and the files that keep it.

`Measure` declares a figure (key, label, data, bound), `Figure` adds the measured value, `Run` says when, where and by
which command figures were measured. A file in `benchmarks/results/` holds the runs of one benchmark; a figure that is
measured again replaces the one from the run before.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"

Value = float | int | bool


@dataclass(frozen=True)
class Wanted:
    """A bound on a figure; on the share `value / of` where a figure counts some of many.

    `tests`: the weaker bound that tests hold as long as this one isn't reached.
    """

    direction: Literal["at least", "at most", "exactly"]
    value: Value
    tests: Value | None = None

    def reached_by(self, measured: Value, bound: Value | None = None) -> bool:
        """Whether a measured value meets the bound (or another one in the same direction)."""
        bound = self.value if bound is None else bound
        if self.direction == "at least":
            return measured >= bound
        return measured <= bound if self.direction == "at most" else measured == bound

    def held_by(self, measured: Value) -> bool:
        """Whether a measured value meets the bound that tests hold."""
        return self.reached_by(measured, self.tests)

    def text(self, unit: str = "", *, share: bool = False) -> str:
        sign = {"at least": "≥ ", "at most": "≤ ", "exactly": ""}[self.direction]
        if share and self.value == 1:
            sign = ""
        return sign + (percent(self.value) if share else with_unit(plain(self.value), unit))


def at_least(value: Value, tests: Value | None = None) -> Wanted:
    return Wanted("at least", value, tests)


def at_most(value: Value, tests: Value | None = None) -> Wanted:
    return Wanted("at most", value, tests)


def exactly(value: Value) -> Wanted:
    return Wanted("exactly", value)


@dataclass(frozen=True)
class Measured:
    """A measured value. `low`, `high`: the range over repeated measurements; `of`: the total that it counts some of."""

    value: Value
    low: Value | None = None
    high: Value | None = None
    of: int | None = None


@dataclass(frozen=True)
class Measure:
    """What a figure says, before it is measured.

    `key`: unique in its benchmark; up to the first dot it is the part of the benchmark that measures it. `on`: data set
    and size. `digits`: decimals that are shown and stored. `column`: the figure's column where a table has one row a
    label and several columns. `peer`: what another program or write-up reports for the same.
    """

    key: str
    label: str
    on: str
    unit: str = ""
    digits: int = 0
    wanted: Wanted | None = None
    column: str = ""
    peer: str = ""

    @property
    def part(self) -> str:
        return self.key.partition(".")[0]


@dataclass(frozen=True)
class Figure:
    """A measure and its measured value."""

    measure: Measure
    measured: Measured

    @property
    def key(self) -> str:
        return self.measure.key

    @property
    def judged(self) -> Value:
        """The value that the bound is about: the share where the figure counts some of many."""
        value, of = self.measured.value, self.measured.of
        return value / of if of else value

    @property
    def reached(self) -> bool:
        return self.measure.wanted is None or self.measure.wanted.reached_by(self.judged)

    def text(self) -> str:
        """The value with its unit, as tables show it."""
        found, digits = self.measured, self.measure.digits
        if found.of is not None:
            return f"{plain(found.value)} of {plain(found.of)} ({percent(self.judged)})"
        said = with_unit(plain(found.value, digits), self.measure.unit)
        if found.low is None or found.high is None:
            return said
        return f"{said} ({plain(found.low, digits)} to {plain(found.high, digits)})"

    def bound_text(self) -> str:
        """The bound; empty without one."""
        wanted = self.measure.wanted
        return wanted.text(self.measure.unit, share=self.measured.of is not None) if wanted else ""

    def wanted_text(self) -> str:
        """The bound, and whether it was missed; empty without one."""
        return self.bound_text() + ("" if self.reached else ": **missed**")


def plain(value: Value, digits: int | None = None) -> str:
    """A number with thousands separators; with so many decimals, or as many as it has."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if digits is None else f"{value:,.{digits}f}"


def percent(share: Value) -> str:
    """A share in per cent with one decimal at most; only the whole is 100 %."""
    rounded = round(100 * share, 1)
    return f"{min(rounded, 99.9) if share < 1 else rounded:g} %"


def with_unit(number: str, unit: str) -> str:
    return f"{number} {unit}" if unit else number


@dataclass(frozen=True)
class Machine:
    processor: str
    cores: int
    memory_gb: int
    python: str

    @staticmethod
    def this() -> Machine:
        return Machine(_processor(), os.cpu_count() or 1, _memory_gb(), platform.python_version())


@dataclass(frozen=True)
class Run:
    """One run of a benchmark. `seconds`: how long it took, if known. `repeat`: why the figures should be measured
    again, or empty."""

    command: str
    commit: str
    date: str
    machine: Machine
    seconds: float | None
    figures: tuple[Figure, ...]
    repeat: str = ""

    @staticmethod
    def now(command: str, seconds: float, figures: Iterable[Figure]) -> Run:
        return Run(command, commit(), date.today().isoformat(), Machine.this(), round(seconds, 1), tuple(figures))


def filled(measures: Iterable[Measure], values: Mapping[str, Value | Measured]) -> tuple[Figure, ...]:
    """The measures that were measured, rounded to the decimals that are shown. Raises KeyError for unknown keys."""
    by_key = {measure.key: measure for measure in measures}
    if unknown := values.keys() - by_key.keys():
        raise KeyError(f"no measure is declared for {', '.join(sorted(unknown))}")
    return tuple(
        Figure(measure, _rounded(values[key], measure.digits)) for key, measure in by_key.items() if key in values
    )


def _rounded(value: Value | Measured, digits: int) -> Measured:
    found = value if isinstance(value, Measured) else Measured(value)
    low, high = (None if end is None else _shortened(end, digits) for end in (found.low, found.high))
    return Measured(_shortened(found.value, digits), low, high, found.of)


def _shortened(number: Value, digits: int) -> Value:
    if isinstance(number, bool):
        return number
    return round(float(number), digits) if digits else round(number)


# --- files ---


def results_file(name: str, folder: Path = RESULTS) -> Path:
    return folder / f"{name}.json"


def read(name: str, folder: Path = RESULTS) -> tuple[Run, ...]:
    """The runs of a benchmark, oldest first; none if it never ran."""
    path = results_file(name, folder)
    if not path.exists():
        return ()
    return tuple(_run_from(entry) for entry in json.loads(path.read_text("utf-8"))["runs"])


def figures(runs: Iterable[Run]) -> dict[str, Figure]:
    """All figures of some runs by key."""
    return {figure.key: figure for run in runs for figure in run.figures}


def write(name: str, runs: Sequence[Run], folder: Path = RESULTS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = results_file(name, folder)
    path.write_text(text_of(name, runs), "utf-8")
    return path


def text_of(name: str, runs: Sequence[Run]) -> str:
    """What a results file says."""
    told = {"benchmark": name, "runs": [_run_to(run) for run in runs]}
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def add_run(runs: Sequence[Run], new: Run) -> tuple[Run, ...]:
    """The runs with a new one, which replaces the figures that they share; runs left without figures are dropped."""
    again = {figure.key for figure in new.figures}
    older = (replace(run, figures=tuple(one for one in run.figures if one.key not in again)) for run in runs)
    return (*(run for run in older if run.figures), new)


def declared_anew(runs: Sequence[Run], measures: Iterable[Measure]) -> tuple[Run, ...]:
    """The runs with labels, bounds and the rest as the benchmark declares them now; only values are kept. Figures that
    it no longer declares are dropped."""
    by_key = {measure.key: measure for measure in measures}
    anew = (
        replace(run, figures=tuple(Figure(by_key[one.key], one.measured) for one in run.figures if one.key in by_key))
        for run in runs
    )
    return tuple(run for run in anew if run.figures)


def _run_to(run: Run) -> dict[str, Any]:
    told = {name: value for name, value in asdict(run).items() if name != "figures" and (value or name != "repeat")}
    return {**told, "figures": [_figure_to(figure) for figure in run.figures]}


def _run_from(entry: Mapping[str, Any]) -> Run:
    rest = {**entry, "machine": Machine(**entry["machine"]), "figures": tuple(map(_figure_from, entry["figures"]))}
    return Run(**rest)


def _figure_to(figure: Figure) -> dict[str, Any]:
    measure, found = figure.measure, figure.measured
    wanted = (
        {key: value for key, value in asdict(measure.wanted).items() if value is not None} if measure.wanted else None
    )
    told = {
        "key": measure.key,
        "label": measure.label,
        "column": measure.column,
        "figure": found.value,
        "of": found.of,
        "low": found.low,
        "high": found.high,
        "unit": measure.unit,
        "digits": measure.digits,
        "wanted": wanted,
        "measured on": measure.on,
        "peer": measure.peer,
    }
    return {key: value for key, value in told.items() if key in ("unit", "wanted") or value not in (None, "")}


def _figure_from(entry: Mapping[str, Any]) -> Figure:
    wanted = entry["wanted"]
    measure = Measure(
        key=entry["key"],
        label=entry["label"],
        on=entry["measured on"],
        unit=entry["unit"],
        digits=entry["digits"],
        wanted=Wanted(**wanted) if wanted else None,
        column=entry.get("column", ""),
        peer=entry.get("peer", ""),
    )
    return Figure(measure, Measured(entry["figure"], entry.get("low"), entry.get("high"), entry.get("of")))


# --- where and when ---


def commit() -> str:
    """The commit that was measured; `+` where the program differs from it."""
    try:
        head = _git("rev-parse", "--short=10", "HEAD")
        changed = _git("status", "--porcelain", "--", "phototag", "templates", "benchmarks", ":!benchmarks/results")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if changed else "")


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or sys.platform


def _memory_gb() -> int:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
    except (ValueError, OSError):
        return 0
