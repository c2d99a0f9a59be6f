"""The interview without a browser: each kind of question and what its answers say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from phototag.interview.questions import AreTheyOne, IsItAlso, Side, WhoIsNot
from phototag.store import decisions, people
from phototag.web.app_state import AppState
from phototag.workflows.naming.interview import InterviewSession
from phototag.workflows.naming.name import name_faces
from tests.web.conftest import HERE, Browser, Library, make, open_pages
from tests.web.test_people_pages import boxes


def number(page: str) -> str:
    return re.findall(r'name="question" value="(\d+)"', page)[0]


def test_every_group_is_asked_for_and_named(library: Library, browser: Browser) -> None:
    page = browser.get("/")
    for _ in range(3):
        assert "Who is this?" in page
        [name] = [who.title() for who, ids in library.faces.items() if set(ids) == set(boxes(page))]
        faces = len(boxes(page))
        page = browser.post("/answer", question=number(page), say="name", name=name, face=boxes(page))
        assert f"{faces} faces are {name}" in page
    assert "No question is left" in page
    assert library.named() == {name: set(library.faces[name.lower()]) for name in ("Ada", "Ben", "Cy")}


def test_all_but_those_taken_out(library: Library, browser: Browser) -> None:
    page = browser.get("/")
    ada = library.faces["ada"]
    browser.post("/answer", question=number(page), say="name", name="Ada", face=ada[2:])
    assert library.named()["Ada"] == set(ada[2:]) and library.rejected() == set(ada[:2])


def test_skipped_comes_again_and_undo_takes_it_back(library: Library, browser: Browser) -> None:
    first = browser.get("/")
    second = browser.post("/answer", question=number(first), say="skip", face=boxes(first))
    assert not set(boxes(first)) & set(boxes(second))
    again = browser.post("/answer", say="undo")
    assert boxes(again) == boxes(first)


def test_faces_that_were_refused_before_are_left_out(library: Library, browser: Browser) -> None:
    cy = library.faces["cy"]
    browser.post(f"/faces/{cy[0]}", say="name", name="Cy")
    browser.post(f"/faces/{cy[0]}", say="not")
    page = browser.get("/")
    while set(boxes(page)) != set(cy):
        page = browser.post("/answer", question=number(page), say="skip", face=boxes(page))
    page = browser.post("/answer", question=number(page), say="name", name="Cy", face=boxes(page))
    assert "4 faces are Cy. 1 face left out: you said that it is not Cy." in page
    assert library.named() == {"Cy": set(cy[1:])}


@pytest.mark.parametrize("say", ["not-a-face", "dont-care"])
def test_dismissed(library: Library, browser: Browser, say: str) -> None:
    page = browser.get("/")
    browser.post("/answer", question=number(page), say=say, face=boxes(page))
    with library.open() as store:
        assert decisions.counts(store) == {say: 12}
    assert set(boxes(browser.post("/answer", say="undo"))) == set(library.faces["ada"])
    with library.open() as store:
        assert decisions.counts(store) == {}


def test_several_people_are_asked_for_apart(library: Library, browser: Browser) -> None:
    page = browser.get("/")
    asked = set(boxes(page))
    browser.post("/answer", question=number(page), say="mixed", face=boxes(page))
    seen = []
    for _ in range(5):
        page = browser.get("/")
        if not set(boxes(page)) < asked:
            break
        seen.append(set(boxes(page)))
        browser.post("/answer", question=number(page), say="dont-care", face=boxes(page))
    assert seen


def test_a_question_is_answered_once(library: Library, browser: Browser) -> None:
    page = browser.get("/")
    said = {"question": number(page), "say": "name", "face": boxes(page)}
    browser.post("/answer", name="Ada", **said)
    again = browser.post("/answer", name="Mallory", **said)
    assert "no longer open" in again and not set(boxes(again)) & set(boxes(page))
    assert set(library.named()) == {"Ada"}
    following = {"question": number(again), "say": "name", "face": boxes(again)}
    browser.post("/answer", name="Mallory", **said)  # a stale window doesn't close what is open in another
    browser.post("/answer", name="Bo", **following)
    assert set(library.named()) == {"Ada", "Bo"}


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
def test_after_no_name_the_question_stays(library: Library, browser: Browser, name: str) -> None:
    page = browser.get("/")
    after = browser.post("/answer", question=number(page), say="name", name=name, face=boxes(page))
    assert "be a name" in after and boxes(after) == boxes(page)
    browser.post("/answer", question=number(after), say="name", name="Ada", face=boxes(after))
    assert set(library.named()) == {"Ada"}


def test_what_is_said_elsewhere_meanwhile_stays(library: Library, browser: Browser) -> None:
    """One face is named on its photo while the question about its group stands open in another window."""
    page = browser.get("/")
    asked = boxes(page)
    browser.post(f"/faces/{asked[3]}", say="name", name="Zoe")
    browser.post("/answer", question=number(page), say="name", name="Ada", face=asked[1:])
    assert library.named() == {"Zoe": {asked[3]}, "Ada": {*asked[1:]} - {asked[3]}}
    assert library.rejected() == {asked[0]}


def test_what_is_said_elsewhere_while_a_page_is_made_is_not_overlooked(library: Library, browser: Browser) -> None:
    page = browser.get("/")
    asked = boxes(page)
    with browser.state.interview.session(), library.open() as store:
        name_faces(store, asked[3:4], "Zoe")
    browser.post("/answer", question=number(page), say="name", name="Ada", face=asked)
    assert library.named() == {"Zoe": {asked[3]}, "Ada": {*asked} - {asked[3]}}


def test_a_group_too_large_to_be_shown_is_asked_for_again(tmp_path: Path, states: list[AppState]) -> None:
    many = make(tmp_path / "many.db", {"dee": (0, 40, 30)})
    browser = open_pages(many, states)
    page = browser.get("/")
    asked = boxes(page)
    assert len(asked) == 24 and "24 of 30 faces are shown" in page
    browser.post(f"/faces/{asked[3]}", say="name", name="Zoe")
    after = browser.post("/answer", question=number(page), say="name", name="Dee", face=asked)
    assert "no longer open" in after and asked[3] not in boxes(after)
    assert many.named() == {"Zoe": {asked[3]}}


def test_a_question_that_nothing_touched_may_be_answered_after_all(library: Library, browser: Browser) -> None:
    page = browser.get("/")
    browser.post(f"/faces/{library.faces['cy'][0]}", say="name", name="Cy")
    browser.post("/answer", question=number(page), say="name", name="Ada", face=boxes(page))
    assert library.named()["Ada"] == set(library.faces["ada"])


def asking(monkeypatch: pytest.MonkeyPatch, *questions: object) -> None:
    """These questions come next."""
    left = list(questions)
    monkeypatch.setattr(InterviewSession, "next", lambda self: left.pop(0) if left else None)


@pytest.fixture
def ada(library: Library) -> list[int]:
    """Five of Ada's faces have her name."""
    with library.open() as store:
        name_faces(store, library.faces["ada"][:5], "Ada")
    return library.faces["ada"]


def test_is_it_also(library: Library, ada: list[int], states: list[AppState], monkeypatch: pytest.MonkeyPatch) -> None:
    questions = [IsItAlso(1, tuple(faces), 1.0, 1.0) for faces in (ada[5:9], ada[9:11], ada[11:])]
    asking(monkeypatch, *questions)
    browser = open_pages(library, states)
    page = browser.get("/")
    assert "Is this Ada, too?" in page and boxes(page) == ada[5:9]
    page = browser.post("/answer", question=number(page), say="yes", face=ada[6:9])
    assert library.named()["Ada"] == {*ada[:5], *ada[6:9]} and library.rejected() == {ada[5]}
    page = browser.post("/answer", question=number(page), say="no", face=boxes(page))
    assert library.rejected() == {ada[5], *ada[9:11]}
    browser.post("/answer", question=number(page), say="name", name="Zoe", face=boxes(page))
    assert library.named()["Zoe"] == {ada[11]}


def test_who_is_not(library: Library, ada: list[int], states: list[AppState], monkeypatch: pytest.MonkeyPatch) -> None:
    asking(monkeypatch, WhoIsNot(1, tuple(ada[:5]), 1.0, 1.0))
    browser = open_pages(library, states)
    page = browser.get("/")
    assert "Are they all Ada?" in page
    browser.post("/answer", question=number(page), say="yes", face=ada[:4])
    assert library.named()["Ada"] == set(ada[:4]) and library.rejected() == {ada[4]}


@pytest.mark.parametrize(("say", "names"), [("yes", ["Ada"]), ("no", ["Ada", "Ben"])])
def test_are_they_one(
    library: Library,
    ada: list[int],
    states: list[AppState],
    monkeypatch: pytest.MonkeyPatch,
    say: str,
    names: list[str],
) -> None:
    ben = library.faces["ben"]
    with library.open() as store:
        name_faces(store, ben, "Ben")
    asking(monkeypatch, AreTheyOne((Side(1, None, tuple(ada[:5])), Side(2, None, tuple(ben))), 1.0, 1.0))
    browser = open_pages(library, states)
    page = browser.get("/")
    assert "Are they the same person?" in page and not boxes(page)
    assert len(re.findall(r'src="/faces/\d+.jpg"', page)) == 13
    browser.post("/answer", question=number(page), say=say)
    with library.open() as store:
        assert people.names(store) == names
        assert decisions.different_people(store) == (set() if say == "yes" else {(1, 2)})


def test_where_it_stands_is_told_to_the_waiting_page(library: Library, browser: Browser) -> None:
    page = browser.get("/")
    browser.post("/answer", question=number(page), say="name", name="Ada", face=boxes(page))
    told = browser.client.get("/progress").json()
    assert told["busy"] is False and "of 25 faces named" in told["progress"]


def test_a_name_that_is_nearly_anothers_is_asked_about(library: Library, browser: Browser) -> None:
    ada, ben, cy = (library.faces[who] for who in ("ada", "ben", "cy"))
    with library.open() as store:
        name_faces(store, ben, "Courteney Cox")
    page = browser.get("/")
    while set(boxes(page)) != set(ada):
        page = browser.post("/answer", question=number(page), say="skip", face=boxes(page))
    said = {"question": number(page), "say": "name", "name": "Courtney Cox", "face": ada[2:]}
    asked = browser.post("/answer", **said)
    assert "Did you mean Courteney Cox?" in asked
    assert library.named() == {"Courteney Cox": set(ben)}
    assert 'value="Courtney Cox"' in asked
    kept = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked)
    assert [int(value) for name, value in kept if name == "face"] == ada[2:]
    assert ("question", number(page)) in kept
    assert ("say", "name") in kept
    browser.post("/answer", **said, meant="new")
    assert library.named() == {"Courteney Cox": set(ben), "Courtney Cox": set(ada[2:])}
    assert library.rejected() == set(ada[:2])
    asked = browser.post(f"/faces/{cy[0]}", say="name", name="courteny cox")
    assert "Did you mean Cour" in asked
    browser.post(f"/faces/{cy[0]}", say="name", name="courteny cox", meant="old")
    assert sum(map(len, library.named().values())) == len(ben) + len(ada[2:]) + 1
    assert len(library.named()) == 2


def test_a_split_asks_whom_a_near_name_is_for(library: Library, browser: Browser) -> None:
    ada, ben = library.faces["ada"], library.faces["ben"]
    with library.open() as store:
        who = name_faces(store, ada, "Grace Hopper").id
        name_faces(store, ben, "Eileen Collins")
    said = {"say": "split", "name": "Eilen Collins", "face": ada[:3], "back": f"/people/{who}?show=confirmed"}
    asked = browser.post(f"/people/{who}/faces", **said)
    assert "Did you mean Eileen Collins?" in asked
    assert f'action="/people/{who}/faces"' in asked
    assert library.named()["Grace Hopper"] == set(ada)
    browser.post(f"/people/{who}/faces", **said, meant="old")
    assert library.named() == {"Grace Hopper": set(ada[3:]), "Eileen Collins": {*ben, *ada[:3]}}


def test_bytes_that_are_no_text_are_refused(library: Library, browser: Browser) -> None:
    for body in ("name=Ren%E9", "name=Ren%ED%A0%80", "name=Ren\xe9"):
        answer = browser.client.post(
            f"/faces/{library.faces['ada'][0]}",
            content=f"token={browser.state.keys.form}&back=/%FF&say=name&{body}".encode("latin-1"),
            headers={"origin": HERE, "content-type": "application/x-www-form-urlencoded"},
            follow_redirects=False,
        )
        assert answer.status_code == 303
        said = answer.headers["location"].rpartition("said=")[2]
        assert "is not text in UTF-8" in browser.get(f"/people?said={said}")
    assert library.named() == {}
