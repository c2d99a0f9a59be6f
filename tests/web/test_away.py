"""Photos that are away or deleted: the pages leave them out, and say so."""

from __future__ import annotations

from phototag.store import files
from tests.web.conftest import Browser, Library


def lose(library: Library, person: str) -> list[int]:
    """Delete the photos of somebody; returns their ids."""
    with library.open() as store:
        rows = list(store.rows("SELECT id, photo FROM file WHERE path_text LIKE ?", (f"{person}-%",)))
        files.mark_missing(store, [number for number, _ in rows])
    return [photo for _, photo in rows]


def test_pages_leave_them_out_and_say_so(named: Library, named_browser: Browser) -> None:
    assert "Who is this" in named_browser.get("/")
    lost = [*lose(named, "cy"), *lose(named, "ben")]
    told = "13 photos are away or deleted, and left out until a file is back."
    assert told in named_browser.get("/people")
    page = named_browser.get("/")
    assert "Are they all Ada?" in page and "Who is this" not in page
    lose(named, "ada")
    page = named_browser.get("/")
    assert "No question is left" in page and told.replace("13", "25") in page
    assert named_browser.client.get(f"/photos/{lost[0]}").status_code == 404
    assert "away or deleted" in named_browser.client.get(f"/photos/{lost[0]}").text
    assert "/faces/" not in named_browser.get("/people/2").partition("<main")[2]
    with named.open() as store:
        files.mark_found(store, [row[0] for row in store.rows("SELECT id FROM file WHERE state = 'missing'")])
    assert "away or deleted" not in named_browser.get("/people")
    assert "Who is this" in named_browser.get("/")
