"""Problems: the pages of each kind, and the list of kinds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from phototag.report import layout
from phototag.report.album import Album, ProblemEntry
from phototag.report.page_writer import PageWriter
from phototag.report.paging import ROWS_A_PAGE, chunks, with_neighbours

_SAMPLE = 5


@dataclass(slots=True)
class ProblemKind:
    """All problems of one code: the number of files, the first few, and the page that lists all."""

    code: str
    url: str
    files: int
    sample: list[ProblemEntry]


def write_problems(album: Album, writer: PageWriter) -> None:
    """Write the pages of each kind, with one page of rows in memory at a time, and the list of kinds."""
    kinds: list[ProblemKind] = []
    for code, problems in groupby(album.problems(), key=lambda problem: problem.code):
        first = layout.problem(len(kinds) + 1)
        kind = ProblemKind(code, first, 0, [])
        for number, (_, rows, after) in enumerate(with_neighbours(chunks(problems, ROWS_A_PAGE)), 1):
            kind.files += len(rows)
            kind.sample = kind.sample or rows[:_SAMPLE]
            writer.page(
                layout.numbered(first, number),
                "problem.html",
                code=code,
                rows=rows,
                number=number,
                before=layout.numbered(first, number - 1) if number > 1 else None,
                after=layout.numbered(first, number + 1) if after else None,
            )
        kinds.append(kind)
    kinds.sort(key=lambda kind: (-kind.files, kind.code))
    writer.page(layout.PROBLEMS, "problems.html", kinds=kinds)
