"""The page of an evaluation: its figures, plots, and the pairs of faces that are hardest to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from phototag.report import layout
from phototag.report.jinja import templates_folder
from phototag.report.page_writer import album_environment
from phototag.report.publish import publish


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure's name, its value as text, and what it means."""

    name: str
    value: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together."""

    title: str
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture (PNG) with its title and what it shows."""

    title: str
    caption: str
    png: bytes


@dataclass(frozen=True, slots=True)
class PairFace:
    """A face of a pair: its person and photo, as text that may be hostile, and its picture (JPEG) if there is one."""

    person: str
    photo: str
    jpeg: bytes | None


@dataclass(frozen=True, slots=True)
class PairEntry:
    """Two faces and their distance."""

    faces: tuple[PairFace, PairFace]
    distance: float


@dataclass(frozen=True, slots=True)
class PairList:
    """Pairs under a title."""

    title: str
    lead: str
    pairs: Sequence[PairEntry]


@dataclass(frozen=True, slots=True)
class EvaluationPage:
    """What the page shows. `created_at`: ISO 8601 local time. `notes`: sentences at its head."""

    title: str
    lead: str
    created_at: str
    version: str
    sections: Sequence[Section]
    plots: Sequence[Plot]
    pairs: Sequence[PairList]
    notes: Sequence[str] = ()


def write_evaluation(page: EvaluationPage, out: Path) -> Path:
    """Write the page and its pictures to the folder `out`; returns its `index.html`. Raises as `publish`."""

    def write(folder: Path, _final: Path) -> None:
        (folder / "assets").mkdir()
        for name in (layout.STYLE, layout.ICON):
            (folder / name).write_bytes((templates_folder() / name).read_bytes())
        (folder / ".nomedia").write_bytes(b"")  # keeps its pictures out of any index
        for number, plot in enumerate(page.plots):
            (folder / _plot(number)).write_bytes(plot.png)
        (folder / "faces").mkdir()
        shown = [face for listed in page.pairs for pair in listed.pairs for face in pair.faces]
        pictures: dict[int, str] = {}
        for number, face in enumerate(shown):
            if face.jpeg is not None:
                pictures[id(face)] = f"faces/{number:03d}.jpg"
                (folder / pictures[id(face)]).write_bytes(face.jpeg)
        text = (
            album_environment()
            .get_template("evaluation.html")
            .render(
                summary=page,
                page=page,
                here=layout.HOME,
                up="",
                plot=_plot,
                picture=lambda face: pictures.get(id(face)),
            )
        )
        (folder / layout.HOME).write_text(text, "utf-8")

    return publish(out, write)


def _plot(number: int) -> str:
    return f"plot-{number + 1}.png"
