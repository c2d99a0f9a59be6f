"""Write the figures of the result files into README.md and docs/.

    python -m benchmarks.tables

Figures stand between markers, and nothing between them is written by hand:

    <!-- figures: NAME.PART --> … <!-- end -->      a table of one part of a benchmark (all: NAME; several: NAME NAME)
    <!-- figures: readme --> … <!-- end -->         the README's table, which README_ROWS below spells out
    <!-- figure: NAME.KEY -->…<!-- end -->          one figure in a sentence; `NAME.KEY %` shows a share in per cent,
                                                    `NAME.*.KEY` the worst of several

Labels and bounds come from the benchmarks as they are declared now; the result files are brought up to date with them.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from benchmarks.figures import (
    ROOT,
    Figure,
    Measure,
    Run,
    declared_anew,
    figures,
    percent,
    read,
    results_file,
    text_of,
)

#: All benchmarks, in the order of docs/benchmarks.md.
BENCHMARKS = (
    "main_job",
    "recognition",
    "engines",
    "pipeline",
    "clustering",
    "tagging",
    "interview",
    "triplet",
    "names",
    "edits",
    "two_programs",
    "report",
    "queries",
)

#: The README's table: what, the write-ups or other programs, phototag. Figures by their keys, in braces.
README_ROWS = (
    (
        "five celebrities: 93 photos to learn from, 25 to name",
        "25 right, with no way to say *unknown* (FaceNet, SVM)",
        "{main_job.celebrity.right} right, {main_job.celebrity.wrong} wrong, {main_job.celebrity.unknown} *unknown*",
    ),
    ("ten people of LFW, half to learn from: linear SVM", "98 % (nn4.small2)", "{main_job.halves.svm %}"),
    ("the same: nearest neighbour", "96 % (nn4.small2)", "{main_job.halves.knn %}"),
    ("two albums grouped together: pairs of a group that are one person", "", "{main_job.groups.precision %}"),
    (
        "2,501 faces of 940 people grouped: B³ F (precision and recall in one)",
        "{clustering.right.average.f} (average linkage), {clustering.right.hdbscan-1.f} (HDBSCAN)",
        "{clustering.right.phototag.f}",
    ),
    (
        "naming 80 % of the faces of LFW's people with several photos",
        "{interview.least.possible} answers: one name a person, the least possible",
        "{interview.lfw.everybody.interview.answers} answers, "
        "{interview.lfw.everybody.interview.wrong} of the names wrong",
    ),
    (
        "names kept when files are moved or saved anew, engines change, the database is lost and restored: "
        "in the worst case",
        "",
        "{names.*.kept}",
    ),
    (
        "names on their faces after photos are cropped, scaled, turned, mirrored, brightened, renamed or swapped "
        "in place: in the worst case; names in wrong places",
        "",
        "{edits.*.kept %}; {edits.*.wrong}",
    ),
    (
        "answers confirmed while two programs worked at one database and were killed at random; lost of them",
        "",
        "{two_programs.pairs.all.confirmed}; {two_programs.pairs.all.lost}",
    ),
)

_BLOCK = re.compile(r"(<!-- figures: (?P<names>[\w. -]+?) -->\n).*?(<!-- end -->)", re.DOTALL)
_INLINE = re.compile(r"(<!-- figure: (?P<key>[\w.*-]+)(?P<percent> %)? -->).*?(<!-- end -->)", re.DOTALL)
_BRACES = re.compile(r"\{([\w.*-]+)( %)?\}")

Results = Mapping[str, Sequence[Run]]


def main() -> None:
    results = declared_results()
    for name, runs in results.items():
        if runs:
            results_file(name).write_text(text_of(name, runs), "utf-8")
    for page in pages():
        page.write_text(filled_in(page.read_text("utf-8"), results), "utf-8")


def declared_results() -> dict[str, tuple[Run, ...]]:
    """The runs of all benchmarks, with labels and bounds as they are declared now."""
    return {name: declared_anew(read(name), measures_of(name)) for name in BENCHMARKS}


def measures_of(name: str) -> Sequence[Measure]:
    measures: Sequence[Measure] = importlib.import_module(f"benchmarks.{name}").MEASURES
    return measures


def pages() -> list[Path]:
    """The pages that may hold figures."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def filled_in(page: str, results: Results) -> str:
    """A page with the figures between its markers brought up to date. Raises KeyError for unknown figures."""

    def block(match: re.Match[str]) -> str:
        names = match["names"].split()
        table = readme_table(results) if names == ["readme"] else table_of(names, results)
        return f"{match[1]}\n{table}\n\n{match[3]}"

    def inline(match: re.Match[str]) -> str:
        return match[1] + _shown(match["key"], bool(match["percent"]), results) + match[4]

    return _INLINE.sub(inline, _BLOCK.sub(block, page))


def figure(key: str, results: Results) -> Figure:
    """A figure by `NAME.KEY`; of `NAME.*.KEY` the worst."""
    name, _, rest = key.partition(".")
    found = figures(results[name])
    if "*" not in rest:
        return found[rest]
    several = [one for one in found.values() if fnmatchcase(one.key, rest)]
    if not several:
        raise KeyError(key)
    wanted = several[0].measure.wanted
    pick = min if wanted and wanted.direction == "at least" else max
    return pick(several, key=lambda one: one.judged)


def _shown(key: str, as_percent: bool, results: Results) -> str:
    found = figure(key, results)
    return percent(found.judged) if as_percent else found.text()


def readme_table(results: Results) -> str:
    def filled_row(row: Sequence[str]) -> list[str]:
        return [_BRACES.sub(lambda match: _shown(match[1], bool(match[2]), results), cell) for cell in row]

    return _markdown(
        ["", "the write-ups we descend from, other programs", "phototag"], list(map(filled_row, README_ROWS))
    )


def table_of(names: Sequence[str], results: Results) -> str:
    """A table of benchmarks or parts of them, and a line on when and where they were measured."""
    rows = [row for name in names for row in _rows(name, results)]
    table = _matrix(rows) if any(row.measure.column for row in rows) else _list(rows)
    used = {name.partition(".")[0]: results[name.partition(".")[0]] for name in names}
    return f"{table}\n\n{_origin(rows, [run for runs in used.values() for run in runs])}"


def _rows(name: str, results: Results) -> list[Figure]:
    """The figures of NAME or NAME.PREFIX, in the order in which they are declared."""
    benchmark, _, prefix = name.partition(".")
    found = figures(results[benchmark])
    keys = [measure.key for measure in measures_of(benchmark)]
    chosen = [found[key] for key in keys if key in found and (not prefix or f"{key}.".startswith(f"{prefix}."))]
    if not chosen:
        raise KeyError(f"no figures of {name}")
    return chosen


def _list(rows: Sequence[Figure]) -> str:
    """One row a figure; columns that no figure fills are left out."""
    columns = {
        "figure": [row.measure.label for row in rows],
        "measured": [row.text() for row in rows],
        "wanted": [row.wanted_text() for row in rows],
        "others": [row.measure.peer for row in rows],
        "measured on": [row.measure.on for row in rows] if len({row.measure.on for row in rows}) > 1 else [""],
    }
    filled = {name: cells for name, cells in columns.items() if any(cells)}
    return _markdown(list(filled), list(zip(*filled.values(), strict=True)))


def _matrix(rows: Sequence[Figure]) -> str:
    """One row a label and one column a `column`; bounds in a last column."""
    names = list(dict.fromkeys(row.measure.column for row in rows))
    cells: dict[str, dict[str, Figure]] = {}
    for row in rows:
        cells.setdefault(row.measure.label, {})[row.measure.column] = row
    bounds = {label: _bounds(list(by_column.values())) for label, by_column in cells.items()}
    last = ["wanted"] if any(bounds.values()) else []
    return _markdown(
        ["", *names, *last],
        [
            [
                label,
                *(by_column[name].text() if name in by_column else "–" for name in names),
                *([bounds[label]] if last else []),
            ]
            for label, by_column in cells.items()
        ],
    )


def _bounds(row: Sequence[Figure]) -> str:
    """The bounds of one row: once, with the columns that miss it, if they are the same, else by column."""
    bounded = [one for one in row if one.measure.wanted]
    if len(bounded) == len(row) and len({one.measure.wanted for one in row}) == 1:
        missed = [one for one in row if not one.reached]
        if not missed or len(missed) == len(row):
            return row[0].wanted_text()
        return f"{bounded[0].bound_text()}: **missed** by {', '.join(one.measure.column for one in missed)}"
    return "; ".join(f"{one.measure.column} {one.wanted_text()}" for one in bounded)


def _origin(rows: Sequence[Figure], runs: Sequence[Run]) -> str:
    """When and where the rows were measured, newest first."""
    keys = {row.key for row in rows}
    data = {row.measure.on for row in rows}
    told = [_when(run) for run in reversed(runs) if any(one.key in keys for one in run.figures)]
    where = f"Measured on {data.pop()}. " if len(data) == 1 else "Measured: "
    return f"*{where}{'; '.join(dict.fromkeys(told))}.*"


def _when(run: Run) -> str:
    machine = f"{run.machine.processor}, {run.machine.cores} cores, {run.machine.memory_gb} GB"
    return f"{run.date}, commit {run.commit}, {machine}" + (f" ({run.repeat})" if run.repeat else "")


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell or "–" for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    main()
