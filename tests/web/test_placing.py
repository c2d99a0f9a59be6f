"""Names that lost their faces, and faces that were missed, on the page of their photo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from phototag.progress import Silent
from phototag.store import faces, photos, unplaced
from phototag.store.connect import Store
from phototag.types import Box
from phototag.web.app_state import AppState
from phototag.workflows.naming.name import name_faces
from tests.support import fakes
from tests.support.fakes import FakeEngines, draw
from tests.web.conftest import Browser, Library, open_pages


@pytest.fixture
def browser(edited: Library, states: list[AppState]) -> Iterator[Browser]:
    made = open_pages(edited, states, FakeEngines())
    made.state.settings = replace(fakes.settings(), db=edited.db)
    yield made


def there(store: Store) -> dict[str | None, tuple[int, int]]:
    return {face.person: (round(face.box.x / 10), round(face.box.y / 10)) for face in faces.identified(store)}


def test_a_name_without_a_face_is_listed_and_leads_to_its_photo(edited: Library, browser: Browser) -> None:
    [lost], [photo] = edited.faces["lost"], edited.faces["photo"]
    assert "1 name without a face" in browser.get("/people")
    page = browser.get("/photos/unplaced")
    assert f'href="/photos/{photo}?place={lost}"' in page and "party.png" in page
    assert f'href="/photos/{photo}?place={lost}">Ben</a>' in browser.get(f"/photos/{photo}")
    page = browser.get(f"/photos/{photo}?place={lost}")
    assert "Where is Ben?" in page and f'src="/faces/{lost}.jpg"' in page
    assert re.findall(r'name="is" value="(\d+)"', page) == [str(edited.faces["blue"][0])]
    assert browser.client.get(f"/faces/{lost}.jpg").status_code == 200


def test_a_known_face_is_meant(edited: Library, browser: Browser) -> None:
    [lost], [photo], [blue] = edited.faces["lost"], edited.faces["photo"], edited.faces["blue"]
    page = browser.post(f"/photos/{photo}/place", name=lost, back=f"/photos/{photo}?place={lost}", **{"is": blue})
    assert "The face is Ben." in page and "Where is Ben?" not in page
    with edited.open() as store:
        assert there(store) == {"Ada": (4, 4), "Ben": (30, 20)}
        assert unplaced.unplaced(store) == []
    assert "Every name has its face" in browser.get("/photos/unplaced")
    browser.post("/undo")
    assert "1 name without a face" in browser.get("/people")


def test_a_box_is_drawn_for_it(edited: Library, browser: Browser) -> None:
    [lost], [photo] = edited.faces["lost"], edited.faces["photo"]
    fields = {"say": "box", "name": lost, "back": f"/photos/{photo}?place={lost}"}
    assert "no box was drawn" in browser.post(f"/photos/{photo}/place", **fields)
    assert "reaches beyond the photo" in browser.post(f"/photos/{photo}/place", **fields, x=390, y=10, w=60, h=60)
    assert "It is Ben." in browser.post(f"/photos/{photo}/place", **fields, x=200, y=140, w=60, h=60)
    with edited.open() as store:
        assert there(store) == {"Ada": (4, 4), "Ben": (20, 14), None: (30, 20)}
        assert unplaced.unplaced(store) == []
    browser.post("/undo")
    with edited.open() as store:
        assert there(store) == {"Ada": (4, 4), None: (30, 20)}
        assert [one.person for one in unplaced.unplaced(store)] == ["Ben"]


def test_who_is_not_on_the_photo_any_more_is_not_asked_for(edited: Library, browser: Browser) -> None:
    [lost], [photo] = edited.faces["lost"], edited.faces["photo"]
    page = browser.post(f"/photos/{photo}/place", say="absent", name=lost, back=f"/photos/{photo}?place={lost}")
    assert "Ben is not on this photo." in page
    with edited.open() as store:
        assert unplaced.unplaced(store) == []
        assert there(store) == {"Ada": (4, 4), None: (30, 20)}
    assert "that name already has a face" in browser.post(
        f"/photos/{photo}/place", say="absent", name=lost, back=f"/photos/{photo}"
    )
    browser.post("/undo")
    with edited.open() as store:
        assert [one.person for one in unplaced.unplaced(store)] == ["Ben"]


def test_a_face_of_another_photo_is_not_meant(edited: Library, browser: Browser) -> None:
    [lost], [photo] = edited.faces["lost"], edited.faces["photo"]
    for face in (lost, 99, "x"):
        page = browser.post(f"/photos/{photo}/place", name=lost, back=f"/photos/{photo}", **{"is": face})
        assert "nothing was changed" in page
    assert set(edited.named()) == {"Ada"}


def test_a_missed_face_is_added_with_or_without_a_name(edited: Library, browser: Browser) -> None:
    [photo] = edited.faces["photo"]
    page = browser.post(
        f"/photos/{photo}/faces", say="box", name="Cy", x=200, y=40, w=60, h=60, back=f"/photos/{photo}"
    )
    assert "The face was added. It is Cy." in page
    page = browser.post(f"/photos/{photo}/faces", say="box", name=" ", x=20, y=200, w=60, h=60, back=f"/photos/{photo}")
    assert "The face was added." in page and "It is" not in page
    with edited.open() as store:
        known = [(face.person, face.box) for face in faces.identified(store, photo=photo)]
        assert ("Cy", Box(200, 40, 60, 60)) in known and (None, Box(20, 200, 60, 60)) in known
    page = browser.post(f"/photos/{photo}/faces", say="box", name="Ada", x=42, y=38, w=60, h=60)
    assert "The face was known already. It is Ada." in page


def test_a_missed_face_of_nearly_a_known_name_asks_who_is_meant(edited: Library, browser: Browser) -> None:
    [photo] = edited.faces["photo"]
    with edited.open() as store:
        name_faces(store, edited.faces["blue"], "Courteney Cox")
    fields = {"name": "Courtney Cox", "x": 200, "y": 40, "w": 60, "h": 60, "back": f"/photos/{photo}"}
    page = browser.post(f"/photos/{photo}/faces", say="box", **fields)
    assert "Did you mean Courteney Cox?" in page
    assert re.findall(r'name="(x|y|w|h)" value="(\d+)"', page) == [("x", "200"), ("y", "40"), ("w", "60"), ("h", "60")]
    assert "It is Courteney Cox." in browser.post(f"/photos/{photo}/faces", say="box", meant="old", **fields)


def test_a_photo_without_a_small_picture_shows_itself(edited: Library, browser: Browser, tmp_path: Path) -> None:
    """Names that all lost their faces leave a photo of which no small picture is kept."""
    draw(tmp_path / "photos" / "party.png")
    with edited.open() as store:
        FakeEngines().index(store, [], fakes.settings(), Silent())
        assert photos.preview(store, unplaced.unplaced(store)[0].photo_id) is None
        lost = unplaced.unplaced(store)
    assert [one.person for one in lost] == ["Ada", "Ben"]
    page = browser.get(f"/photos/{lost[0].photo_id}?place={lost[0].face}")
    assert f'src="/photos/{lost[0].photo_id}/large.jpg"' in page
