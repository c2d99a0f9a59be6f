"""The page of an evaluation: safe whatever people and photos are called, and without a script."""

from __future__ import annotations

import io
import os

import numpy as np
import PIL.Image
import pytest

from phototag.report import plots
from phototag.report.evaluation import (
    EvaluationPage,
    Figure,
    PairEntry,
    PairFace,
    PairList,
    Plot,
    Section,
    write_evaluation,
)
from tests.report.test_hostile_text import NAMES
from tests.support.fake_album import Page

TAGS = {
    "a", "body", "dd", "div", "dl", "dt", "figcaption", "figure", "footer", "h1", "h2", "head", "header", "html", "img",
    "li", "link", "main", "meta", "p", "section", "span", "title", "ul", "b",
}  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Every hostile name as a person's and a photo's, with and without a picture."""
    picture = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(picture, "JPEG")
    texts = [os.fsdecode(name) for name in NAMES]
    pairs = [
        PairEntry((PairFace(text, text, picture.getvalue()), PairFace(text, "x.jpg", None)), 0.25) for text in texts
    ]
    made = EvaluationPage(
        title="Evaluation",
        lead="Two faces.",
        created_at="2026-01-02T03:04:05",
        version="1",
        sections=[Section("Is it?", [Figure("accuracy", "0.99 ± 0.01", "by ten folds")])],
        plots=[Plot("Distances", "Of all.", b"\x89PNG")],
        pairs=[PairList("Alike", "Nearest.", pairs), PairList("Nobody", "None.", [])],
        notes=["There are no plots."],
    )
    return Page(write_evaluation(made, tmp_path_factory.mktemp("evaluation") / "page"))


def test_no_scripts_handlers_or_links_elsewhere(page: Page) -> None:
    assert {tag for tag, _ in page.tags} <= TAGS
    for tag, attrs in page.tags:
        assert not [key for key in attrs if key.startswith("on") or key in {"style", "srcdoc"}], tag
    for link in page.links:
        assert ":" not in link and not link.startswith("/")
        assert link == "#content" or (page.file.parent / link).is_file(), link
    [policy] = [meta for meta in page.all("meta") if "http-equiv" in meta]
    assert "script-src 'none'" in str(policy["content"])
    assert not {char for char in page.source if char != "\n" and not char.isprintable() and char != "\u200d"}


def test_the_names_are_there_to_read(page: Page) -> None:
    for text in ("<script>alert(1)</script>", "{{ 7*7 }}{% raw %}", "\\u202egpj.exe", "\\xff\\xfe not UTF-8"):
        assert text in page.words
    assert "0.99 ± 0.01" in page.words and "distance 0.250" in page.words and "There are no plots." in page.words
    assert "Alike" in page.words and "Nobody" not in page.words
    assert page.source.count("<img") == 2 + len(NAMES)  # the brand's, a plot, and one of each pair


def test_plots_of_hostile_names_are_pictures() -> None:
    people = [os.fsdecode(name) for name in NAMES] * 2 + ["$\\frac{1}{$", "_hidden", "{}", "$$"]
    places = np.random.default_rng(0).normal(size=(len(people), 2))
    _is_picture(plots.plane(places, people))


def test_plots_of_little() -> None:
    nothing = np.zeros(20, np.int64)
    one = nothing.copy()
    one[3] = 1
    levels = np.linspace(0, 2, 21)
    for same, different in ((one, nothing), (nothing, one), (nothing, nothing)):
        _is_picture(plots.histograms(same, different, 0.1, 0.35))
    _is_picture(plots.sweep(levels, np.zeros(21), np.full(21, 0.5), 0.35))
    _is_picture(plots.accepts(np.zeros(21), np.zeros(21)))
    _is_picture(plots.accepts(levels / 2, np.ones(21)))
    _is_picture(plots.plane(np.zeros((1, 2)), ["Ada"]))


def _is_picture(png: bytes) -> None:
    with PIL.Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        assert picture.width > 500
        assert np.asarray(picture.convert("L")).std() > 1
