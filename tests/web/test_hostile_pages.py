"""Names and paths that try to become markup, links or scripts stay text on every review page."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest

from phototag.progress import Silent
from phototag.store import people
from phototag.store.connect import open_store
from phototag.types import Box
from phototag.web.app_state import AppState
from phototag.workflows.naming.name import name_faces
from phototag.workflows.recognition.cluster import cluster_faces
from tests.support import databases
from tests.support.hostile import NAMES
from tests.web.conftest import Browser, Library, jpeg, near, open_pages

_ALLOWED = {
    "a", "body", "button", "datalist", "details", "div", "figcaption", "figure", "form", "h1", "h2", "head", "header",
    "html", "img", "input", "kbd", "label", "li", "link", "main", "meta", "nav", "option", "p", "rect", "script",
    "section", "span", "summary", "svg", "text", "title", "ul",
}  # fmt: skip
_OURS = re.compile(r"/(assets/[\w.]+|people|history|faces|photos|answer|undo)?([/?#].*)?|#[\w-]+")


def fill(db: Path) -> Library:
    """Every hostile name as a person's, and as the path of a photo of theirs; one group that nobody named."""
    with open_store(db, create=True) as store:
        for number, raw in enumerate(NAMES):
            photo = databases.add_photo(
                store, raw, [(Box(100, 60, 200, 180), near(number % 3, number))], root=b"/srv/" + raw
            )
            face = int(store.value("SELECT id FROM face WHERE photo = ?", (photo,)))
            with store.write():
                store.run("UPDATE crop SET jpeg = ? WHERE face = ?", (jpeg(9 * number, number), face))
                store.run("UPDATE preview SET jpeg = ? WHERE photo = ?", (jpeg(9 * number, number, (400, 300)), photo))
            name_faces(store, [face], raw.decode("utf-8", "replace")[:190] + f" {number}")
        for number in range(6):
            databases.add_photo(store, b"group-%d" % number, [(Box(100, 60, 200, 180), near(3, number))])
        cluster_faces(store, Silent())
    return Library(db, {})


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return fill(tmp_path_factory.mktemp("hostile") / "phototag.db")


@pytest.fixture
def browser(hostile: Library, states: list[AppState]) -> Browser:
    return open_pages(hostile, states)


class Reader(HTMLParser):
    """The tags of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def crawl(browser: Browser, *starts: str) -> dict[str, Reader]:
    """Every page that links lead to."""
    read: dict[str, Reader] = {}
    left = list(starts)
    while left:
        path = left.pop()
        if path in read or (path.endswith("/parts") and "/people/1/" not in path):  # parts take their time
            continue
        answer = browser.client.get(path)
        assert answer.status_code in (200, 404), path
        read[path] = Reader(answer.text)
        bad = {hex(ord(char)) for char in answer.text if char != "\n" and not char.isprintable() and char != "\u200d"}
        assert not bad, (path, bad)
        left += [
            attrs["href"].split("#")[0]
            for tag, attrs in read[path].tags
            if tag == "a" and (attrs.get("href") or "").startswith("/")
        ]
    return read


def test_no_name_becomes_anything_but_text(browser: Browser, hostile: Library) -> None:
    with hostile.open() as store:
        names = [(entry.person.id, entry.person.name) for entry in people.summaries(store)]
    merges = [f"/people/{person}/merge?into={quote(other)}" for (person, _), (_, other) in pairwise(names)]
    read = crawl(browser, "/", "/people?hidden=1", "/nowhere", *merges[::7])
    assert len(read) > 160
    for path, page in read.items():
        for tag, attrs in page.tags:
            assert tag in _ALLOWED, (path, tag)
            assert not [key for key in attrs if key.startswith("on") or key in {"style", "srcdoc"}], (path, tag, attrs)
            for key in ("href", "src", "action", "formaction"):
                link = attrs.get(key)
                assert link is None or _OURS.fullmatch(link), (path, tag, link)
        scripts = [attrs for tag, attrs in page.tags if tag == "script"]
        assert [attrs.get("src") for attrs in scripts] == ["/assets/review.js"], path


def test_the_names_are_still_there_to_read_and_to_choose(browser: Browser) -> None:
    page = Reader(browser.get("/people/1"))
    assert "<script>alert(1)</script> 0" in page.words
    options = [attrs["value"] for tag, attrs in page.tags if tag == "option"]
    assert (
        "<script>alert(1)</script> 0" in options and "\"'<>&`=/\\ 39" in options and "{{ 7*7 }}{% raw %} 25" in options
    )


def test_a_hostile_answer_comes_back_as_text(browser: Browser) -> None:
    for raw in NAMES:
        name = os.fsdecode(raw).encode("utf-8", "replace").decode()
        page = Reader(browser.post("/people/1/rename", name=name + "'" * 300, back="/people/1"))
        assert {tag for tag, _ in page.tags} <= _ALLOWED
        page = Reader(browser.client.get("/people/1/merge", params={"into": name}).text)
        assert {tag for tag, _ in page.tags} <= _ALLOWED
        page = Reader(browser.client.get("/people/1", params={"page": name, "show": name, "said": name}).text)
        assert {tag for tag, _ in page.tags} <= _ALLOWED
