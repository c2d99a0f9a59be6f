"""Boxes and labels land in the picture, and pages number rightly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from phototag.report import jinja, layout
from phototag.report.album import FaceEntry
from phototag.report.describe import describe, shape, span
from phototag.report.jinja import percent, short
from phototag.report.marks import Mark, marks
from phototag.report.paging import Pager, chunks, pages, with_neighbours
from phototag.types import Box
from tests.support.fake_album import FakeAlbum, face, photo


def mark(box: Box, name: str | None = "Ada Lovelace") -> list[Mark]:
    shot = photo(1, [face(1, 1, name, box=box)])
    return marks(shot, shot.faces)


def test_a_box_is_in_percent_of_the_picture() -> None:
    (it,) = mark(Box(50, 25, 100, 50))
    assert (it.left, it.top, it.width, it.height) == ("25.00%", "25.00%", "50.00%", "50.00%")
    assert (it.label_x, it.label_y, it.anchor) == ("50.00%", "25.00%", "middle")


def test_a_box_that_leaves_the_picture_is_cut() -> None:
    (it,) = mark(Box(-20, -10, 60, 200))
    assert (it.left, it.top, it.width, it.height) == ("0.00%", "0.00%", "20.00%", "100.00%")


@pytest.mark.parametrize(
    "box", [Box(500, 0, 10, 10), Box(0, 0, 0, 10), Box(float("nan"), 0, 9, 9), Box(0, 0, float("inf"), 9)]
)
def test_a_box_that_is_none_is_not_drawn(box: Box) -> None:
    assert mark(box) == []


def test_a_photo_without_size_has_no_marks() -> None:
    shot = replace(photo(1, [face(1, 1, "Ada")]), width=0)
    assert marks(shot, shot.faces) == []


def test_labels_keep_inside_the_picture() -> None:
    (top,) = mark(Box(90, 0, 20, 20))
    assert (top.label_y, top.drop > 0) == ("20.00%", True)
    (whole,) = mark(Box(90, 0, 20, 100))
    assert (whole.label_y, whole.drop > 0) == ("0.00%", True)
    (low,) = mark(Box(90, 70, 20, 20))
    assert (low.label_y, low.drop < 0) == ("70.00%", True)
    assert mark(Box(2, 50, 20, 20))[0].anchor == "start"
    assert mark(Box(178, 50, 20, 20))[0].anchor == "end"


def test_a_crowd_gets_first_names() -> None:
    def labels(count: int) -> set[str]:
        faces: tuple[FaceEntry, ...] = tuple(face(n, 1, "Ada Lovelace") for n in range(count))
        return {it.label for it in marks(photo(1, faces), faces)}

    assert labels(6) == {"Ada Lovelace"}
    assert labels(7) == {"Ada"}
    assert mark(Box(1, 1, 9, 9), "W" * 200)[0].label == "W" * 27 + "…"
    assert mark(Box(1, 1, 9, 9), None)[0].label == "?"


def test_neighbours() -> None:
    assert list(with_neighbours("")) == []
    assert list(with_neighbours("a")) == [(None, "a", None)]
    assert list(with_neighbours("abc")) == [(None, "a", "b"), ("a", "b", "c"), ("b", "c", None)]


def test_neighbours_read_one_ahead_only() -> None:
    stream = iter("abc")
    next(with_neighbours(stream))
    assert list(stream) == ["c"]


def test_chunks_and_pages() -> None:
    assert list(chunks("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]
    cut = list(pages(list("abcde"), 2, "x.html"))
    assert [(pager.here, pager.total, list(part)) for pager, part in cut] == [
        ("x.html", 3, ["a", "b"]),
        ("x-2.html", 3, ["c", "d"]),
        ("x-3.html", 3, ["e"]),
    ]
    assert [(pager.total, list(part)) for pager, part in pages(list[str](), 2, "x.html")] == [(1, [])]


@pytest.mark.parametrize(
    ("number", "total", "window"),
    [
        (1, 1, [1]),
        (1, 9, [1, 2, 3, None, 9]),
        (5, 9, [1, None, 3, 4, 5, 6, 7, None, 9]),
        (9, 9, [1, None, 7, 8, 9]),
        (3, 5, [1, 2, 3, 4, 5]),
    ],
)
def test_the_window_of_pages(number: int, total: int, window: list[int | None]) -> None:
    assert Pager("x.html", number, total).window == window


def test_files_are_spread_over_folders() -> None:
    assert layout.photo(12_345) == "photos/012/012345.html"
    assert layout.crop(1_234_567) == "faces/1234/1234567.jpg"


def test_words() -> None:
    assert percent(0.999) == "99 %" and percent(0.0) == "0 %"
    assert percent(None) == percent(float("nan")) == percent(7) == ""
    assert len(short("ab" * 4000)) == 300 and short("ab" * 4000).endswith("ab")
    assert shape(photo(1, [])) == "wide"
    many = [face(n, 1, f"P{n}", person=n) for n in range(1, 12)]
    assert describe(photo(1, many)) == "Photo of P1, P2, P3, P4, P5, P6, P7, P8 and 3 other named people"


def test_templates_are_found_in_a_checkout_and_in_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (jinja.templates_folder() / "base.html").is_file()
    monkeypatch.setattr(jinja, "_PACKAGE", tmp_path / "phototag")
    (tmp_path / "templates").mkdir()
    (tmp_path / "phototag").mkdir()
    assert jinja.templates_folder() == tmp_path / "templates"
    (tmp_path / "phototag" / "templates").mkdir()
    assert jinja.templates_folder() == tmp_path / "phototag" / "templates"


def test_templates_are_strict_and_escape() -> None:
    made = jinja.safe_environment()
    with pytest.raises(UndefinedError):
        made.from_string("{{ nothing }}").render()
    shown = made.from_string('<a title="{{ x }}">{{ x }}</a>').render(x='"<\u202e\udcff')
    assert shown == '<a title="&#34;&lt;\\u202e\\xff">&#34;&lt;\\u202e\\xff</a>'


def test_the_span_of_years() -> None:
    def years(*times: str | None) -> str:
        shots = [photo(n, [face(n, n, "Ada", taken_at=when)], taken_at=when) for n, when in enumerate(times)]
        return span(FakeAlbum(shots).people()[0])

    assert years("2003-05-05T00:00:00", None, "2019-01-01T00:00:00") == "2003 – 2019"
    assert years("2003-05-05T00:00:00", "2003-06-06T00:00:00") == "2003"
    assert years(None, "not a time") == ""
