"""Names, paths and messages that try to become markup, links or scripts stay text on every page."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from phototag.progress import Silent
from phototag.report.album import ProblemEntry
from phototag.report.publish import publish_album
from tests.support.fake_album import FakeAlbum, Page, face, pages, photo
from tests.support.hostile import NAMES

_ALLOWED = {
    "a", "body", "code", "dd", "div", "dl", "dt", "figcaption", "figure", "footer", "g", "h1", "h2", "h3", "head",
    "header", "html", "img", "li", "link", "main", "meta", "nav", "p", "rect", "section", "span", "svg", "text",
    "title", "tspan", "ul",
}  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every hostile name as a person's, a machine's tag, a path, a root, a problem and the title."""
    shots, troubles = [], []
    for number, raw in enumerate(NAMES, 1):
        text = os.fsdecode(raw)
        faces = [
            face(number * 10, number, text, person=number),
            face(number * 10 + 1, number, text, person=number, probability=0.5),
            face(number * 10 + 2, number, group=number),
        ]
        shot = photo(number, faces, raw, f"2019-01-{1 + number % 28:02d}T00:00:00" if number % 2 else text)
        shots.append(replace(shot, root=b"/srv/" + raw))
        troubles.append(ProblemEntry(raw, b"/srv/" + raw, text, text, text, number))
    album = FakeAlbum(shots, troubles, title="".join(map(os.fsdecode, NAMES[:8])))
    return publish_album(album, tmp_path_factory.mktemp("hostile") / "report", Silent()).parent


def test_there_are_forty_of_them() -> None:
    assert len(set(NAMES)) == 40


def test_no_scripts_handlers_or_schemes_on_any_page(report: Path) -> None:
    read = pages(report)
    assert len(read) > 160
    for page in read:
        assert {tag for tag, _ in page.tags} <= _ALLOWED, page.file
        for tag, attrs in page.tags:
            assert not [key for key in attrs if key.startswith("on") or key in {"style", "srcdoc"}], (page.file, tag)
        for link in page.links:
            assert ":" not in link.split("/")[0].split("#")[0], (page.file, link)
            assert not link.startswith(("/", "\\")), (page.file, link)
            assert link.isascii() and link.isprintable() and not set(link) & set("\"'<>` ")
        (refresh,) = [meta for meta in page.all("meta") if "http-equiv" in meta]
        assert refresh["http-equiv"] == "Content-Security-Policy"


def test_no_controls_or_reordering_marks_reach_a_page(report: Path) -> None:
    for page in pages(report):
        bad = {hex(ord(char)) for char in page.source if char != "\n" and not char.isprintable() and char != "\u200d"}
        assert not bad, (page.file, bad)


def test_the_names_are_still_there_to_read(report: Path) -> None:
    people = [Page(report / f"people/000/{number:06d}.html").words for number in range(1, 41)]
    assert "<script>alert(1)</script>" in people[0]
    assert "&lt;script&gt;" in people[17]
    assert "{{ 7*7 }}{% raw %}" in people[25]
    assert "line\\x0abreak\\x0d\\x0aand\\x00null" in people[32]
    assert "\\u202egpj.exe" in people[34]
    assert "\\xff\\xfe not UTF-8 \\xc3" in people[36]
    assert "👩‍👩‍👧 ❤️ Zoë שלום" in people[37]


def test_file_names_come_from_numbers_only(report: Path) -> None:
    ours = re.compile(
        r"(\d+|assets|by-name|faces|icon|index|kind|people|photos|problems|style|undated|unknown)(-\d+)*"
        r"(\.(html|jpg|css|svg))?|\.nomedia|\.phototag-report"
    )
    names = {part for file in report.rglob("*") for part in file.relative_to(report).parts}
    assert [name for name in names if not ours.fullmatch(name)] == []
