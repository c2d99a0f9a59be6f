"""People, photos and history without a browser: what the pages show and what the forms do."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phototag.progress import Silent
from phototag.store import history, people
from phototag.web.app_state import AppState
from phototag.workflows.naming.history import undo
from phototag.workflows.naming.name import name_faces
from phototag.workflows.naming.people import hide, rename
from phototag.workflows.recognition.tag import train_and_tag
from tests.support import databases
from tests.web.conftest import HERE, Browser, Library, add, make, near, open_pages


def boxes(page: str) -> list[int]:
    """The faces that a page lets one pick, in order."""
    return [int(face) for face in re.findall(r'name="face" value="(\d+)"', page)]


def test_everybody_is_listed_and_hidden_ones_apart(named: Library, named_browser: Browser) -> None:
    page = named_browser.get("/people")
    assert re.findall(r'class="name">(\w+)<', page) == ["Ada", "Ben"]
    assert "✓ 12" in page and "✓ 8" in page
    assert "is hidden" in named_browser.post("/people/2/hide", back="/people/2")
    assert re.findall(r'class="name">(\w+)<', named_browser.get("/people")) == ["Ada"]
    assert re.findall(r'class="name">(\w+)<', named_browser.get("/people?hidden=1")) == ["Ben"]
    assert "is shown again" in named_browser.post("/people/2/hide", back="/people/2")
    with named.open() as store:
        assert [one.person.hidden for one in people.summaries(store)] == [False, False]


def test_a_persons_faces_come_in_pages(library: Library, states: list[AppState]) -> None:
    many = make(library.db.with_name("many.db"), {"dee": (0, 40, 250)})
    with many.open() as store:
        name_faces(store, many.faces["dee"], "Dee")
    browser = open_pages(many, states)
    seen = [boxes(browser.get(f"/people/1?page={number}")) for number in (1, 2, 3)]
    assert [len(part) for part in seen] == [120, 120, 10]
    assert sorted(face for part in seen for face in part) == sorted(many.faces["dee"])
    assert boxes(browser.get("/people/1?page=99")) == seen[2]
    assert boxes(browser.get("/people/1?page=-1")) == boxes(browser.get("/people/1?page=x")) == seen[0]


def test_tagged_and_confirmed_are_apart_and_the_least_sure_come_first(library: Library, states: list[AppState]) -> None:
    ada = library.faces["ada"]
    with library.open() as store:
        name_faces(store, ada[:6], "Ada")
        name_faces(store, library.faces["ben"][:6], "Ben")
        train_and_tag(store, Silent())
        tags = dict(store.rows("SELECT face, probability FROM guess WHERE person = 1"))
        for number, face in enumerate(sorted(tags)):
            with store.write():
                store.run("UPDATE guess SET probability = ? WHERE face = ?", (0.99 - 0.01 * (number * 3 % 5), face))
        sure = dict(store.rows("SELECT face, probability FROM guess WHERE person = 1"))
    assert set(ada[6:]) <= set(tags)
    browser = open_pages(library, states)
    assert set(boxes(browser.get("/people/1"))) == set(tags)
    assert set(boxes(browser.get("/people/1?show=confirmed"))) == set(ada[:6])
    order = boxes(browser.get("/people/1?order=least"))
    assert [sure[face] for face in order] == sorted(sure.values())
    browser.post("/people/1/faces", say="yes", face=order[:2])
    assert library.named()["Ada"] == {*ada[:6], *order[:2]}


def test_rename(named: Library, named_browser: Browser) -> None:
    page = named_browser.post("/people/1/rename", name="Ada Lovelace", back="/people/1?show=confirmed")
    assert "Ada is called Ada Lovelace from now on" in page and "<h1>Ada Lovelace" in page
    assert set(named.named()) == {"Ada Lovelace", "Ben"}


@pytest.mark.parametrize(
    ("name", "says"),
    [("ben", "somebody else is called ben"), (" \n", "can&#39;t be a name"), ("x" * 201, "at most 200")],
)
def test_a_name_that_cannot_be_given_is_a_sentence_on_the_same_page(
    named: Library, named_browser: Browser, name: str, says: str
) -> None:
    page = named_browser.post("/people/1/rename", name=name, back="/people/1")
    assert says in page and 'role="alert"' in page and "<h1>Ada" in page
    assert set(named.named()) == {"Ada", "Ben"}


def test_merge_shows_what_it_joins_and_asks(named: Library, named_browser: Browser) -> None:
    page = named_browser.get("/people/2/merge?into=ada")
    assert "12 faces" in page and "8 faces" in page
    assert set(named.named()) == {"Ada", "Ben"}
    assert "<h1>Ada" in named_browser.post("/people/2/merge", into=1)
    assert named.named() == {"Ada": {*named.faces["ada"], *named.faces["ben"]}}
    assert named_browser.client.get("/people/2", follow_redirects=False).headers["location"] == "/people/1"
    assert "Undid answer 3: Ben is Ada." in named_browser.post("/undo", back="/people")
    assert set(named.named()) == {"Ada", "Ben"}


def test_two_people_seen_in_one_photo_speak_against_a_merge(named: Library, states: list[AppState]) -> None:
    with named.open() as store:
        photo = databases.add_photo(
            store, b"both.jpg", [(databases.Box(0, 0, 50, 50), near(0, 3)), (databases.Box(200, 0, 50, 50), near(1, 3))]
        )
        both = [row[0] for row in store.rows("SELECT id FROM face WHERE photo = ? ORDER BY id", (photo,))]
        name_faces(store, both[:1], "Ada")
        name_faces(store, both[1:], "Ben")
    browser = open_pages(named, states)
    assert "Both are seen in 1 photo" in browser.get("/people/2/merge?into=Ada")
    browser.post("/people/2/different", into=1)
    assert set(named.named()) == {"Ada", "Ben"}


def test_merging_with_nobody_is_a_sentence(named_browser: Browser) -> None:
    for into, says in (("Zoe", "nobody is called Zoe"), ("Ada", "nothing to merge"), ("", "be a name")):
        answer = named_browser.client.get("/people/1/merge", params={"into": into})
        assert answer.status_code == 404 and says in answer.text
    assert named_browser.client.get("/people/77").status_code == 404


def test_picked_faces_become_somebody_else_or_nobody(named: Library, named_browser: Browser) -> None:
    ada = named.faces["ada"]
    named_browser.post("/people/1/faces", say="split", name="Dee", face=ada[:3])
    named_browser.post("/people/1/faces", say="split-unknown", face=ada[3:5])
    named_browser.post("/people/1/faces", say="not", face=ada[5])
    named_browser.post("/people/1/faces", say="not-a-face", face=ada[6])
    said = named.named()
    assert said["Dee"] == set(ada[:3]) and said["Ada"] == set(ada[7:])
    assert named.rejected() == set(ada[3:6])
    with named.open() as store:
        assert [answer.origin for answer in history.answers(store, limit=4)] == ["reviewed"] * 4


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"say": "not"}, "no face was picked"),
        ({"say": "not", "face": 999}, "nothing was changed"),
        ({"say": "not", "face": "1; DROP TABLE face"}, "nothing was changed"),
        ({"say": "not", "face": "9" * 30}, "nothing was changed"),
        ({"say": "eat", "face": 1}, "nothing was changed"),
        ({"say": "split", "face": 1, "name": "ada"}, "split from themselves"),
        ({"say": "split", "face": 1, "name": ""}, "be a name"),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    named: Library, named_browser: Browser, fields: dict[str, object], says: str
) -> None:
    before = named.named()
    assert says in named_browser.post("/people/1/faces", back="/people/1", **fields)
    assert named.named() == before and not named.rejected()


def test_the_parts_of_a_person_are_proposed(library: Library, states: list[AppState]) -> None:
    ada, ben = library.faces["ada"], library.faces["ben"]
    with library.open() as store:
        name_faces(store, ada + ben, "Ada")
    browser = open_pages(library, states)
    page = browser.get("/people/1/parts")
    parts = [set(map(int, words.split())) for words in re.findall(r'name="face" value="([\d ]+)"', page)]
    assert parts == [set(ada), set(ben)]
    browser.post("/people/1/faces", say="split", name="Ben", face=" ".join(map(str, ben)))
    assert library.named() == {"Ada": set(ada), "Ben": set(ben)}


def test_a_photo_shows_its_faces_and_takes_their_names(library: Library, browser: Browser) -> None:
    face = library.faces["cy"][0]
    with library.open() as store:
        photo = int(store.value("SELECT photo FROM face WHERE id = ?", (face,)))
    page = browser.get(f"/photos/{photo}?face={face}")
    assert 'x="25.00%" y="20.00%" width="50.00%" height="60.00%"' in page
    assert "photos/cy-0.jpg" in page
    browser.post(f"/faces/{face}", say="name", name="Cy", back=f"/photos/{photo}")
    assert library.named() == {"Cy": {face}}
    browser.post(f"/faces/{face}", say="not", back=f"/photos/{photo}")
    assert library.named() == {} and library.rejected() == {face}
    browser.post(f"/faces/{face}", say="not-a-face", back=f"/photos/{photo}")
    assert f'id="face-{face}"' not in browser.get(f"/photos/{photo}")


def test_an_answer_to_a_face_that_others_named_meanwhile_is_refused(library: Library, browser: Browser) -> None:
    """Whatever it is: neither is their name overwritten, nor is "not them" said of somebody else."""
    face = library.faces["cy"][0]
    with library.open() as store:
        photo = int(store.value("SELECT photo FROM face WHERE id = ?", (face,)))
    at = f"/photos/{photo}"

    def known() -> str:
        return re.findall(rf'action="/faces/{face}".*?name="known" value="(\d*)"', browser.get(at), re.S)[0]

    nobody = known()
    browser.post(f"/faces/{face}", say="name", name="Ada", known=nobody, back=at)
    for say in ("name", "not", "not-a-face", "dont-care"):
        page = browser.post(f"/faces/{face}", say=say, name="Zoe", known=nobody, back=at)
        assert "meanwhile this face is Ada: nothing was changed; look again" in page
    assert library.named() == {"Ada": {face}} and library.rejected() == set()
    ada = known()
    browser.post(f"/faces/{face}", say="name", name="Ben", known=ada, back=at)
    assert "meanwhile this face is Ben" in browser.post(f"/faces/{face}", say="not", known=ada, back=at)
    assert library.named() == {"Ben": {face}} and library.rejected() == set()
    browser.post(f"/faces/{face}", say="not", known=known(), back=at)
    browser.post(f"/faces/{face}", say="name", name="Eve", known=known(), back=at)
    assert library.named() == {"Eve": {face}}
    browser.post(f"/faces/{face}", say="not-a-face", known=known(), back=at)
    page = browser.post(f"/faces/{face}", say="name", name="Zoe", known="", back=at)
    assert "this is a bug" not in page and "no face" in page
    assert library.named() == {}


def test_what_the_machine_thinks_by_now_is_in_nobodys_way_but_of_not_them(
    named: Library, named_browser: Browser
) -> None:
    face = named.faces["cy"][0]
    with named.open() as store, store.write():
        model = store.value("SELECT max(id) FROM model")
        if model is None:
            store.run("INSERT INTO model (at, engine, faces, params) SELECT '', max(id), 0, '{}' FROM engine")
            model = store.value("SELECT max(id) FROM model")
        store.run("INSERT OR REPLACE INTO guess VALUES (?, 1, ?, 0.99, 0.1, '[]')", (face, model))
    assert "meanwhile this face is Ada" in named_browser.post(f"/faces/{face}", say="not", known="2")
    named_browser.post(f"/faces/{face}", say="name", name="Cy", known="")
    assert named.named()["Cy"] == {face}


def test_pictures_are_found_by_number(library: Library, browser: Browser) -> None:
    face = library.faces["ada"][0]
    with library.open() as store:
        photo = int(store.value("SELECT photo FROM face WHERE id = ?", (face,)))
    for path, size in ((f"/faces/{face}.jpg", (96, 96)), (f"/photos/{photo}/preview.jpg", (400, 300))):
        answer = browser.client.get(path)
        assert answer.headers["content-type"] == "image/jpeg"
        assert Image.open(io.BytesIO(answer.content)).size == size
    for path in ("/faces/999.jpg", "/photos/999/preview.jpg", "/photos/999/large.jpg", "/photos/999"):
        assert browser.client.get(path).status_code == 404


def test_the_photo_itself_is_upright_small_enough_and_without_its_exif(tmp_path: Path, states: list[AppState]) -> None:
    library = make(tmp_path / "phototag.db", {"ada": (0, 0, 2)}, photos=tmp_path)
    file = tmp_path / "ada-0.jpg"
    exif = Image.Exif()
    exif[274] = 6  # to be turned clockwise
    exif[315] = "Mallory"
    pixels = np.zeros((1500, 3000, 3), np.uint8)
    pixels[:, :1500] = (200, 30, 30)
    Image.fromarray(pixels).save(file, "JPEG", exif=exif)
    browser = open_pages(library, states)
    answer = browser.client.get("/photos/1/large.jpg")
    shown = Image.open(io.BytesIO(answer.content))
    assert shown.size[0] < shown.size[1] <= 2000 and shown.size[1] >= 1500
    assert b"Mallory" not in answer.content and not shown.getexif()
    red = np.asarray(shown.convert("RGB"))[10, shown.size[0] // 2, 0]
    assert red > 150  # what was left is on top
    file.unlink()
    gone = browser.client.get("/photos/1/large.jpg")
    assert gone.status_code == 404 and "the file is gone" in gone.text


def test_history_says_what_was_answered_and_takes_it_back(named: Library, named_browser: Browser) -> None:
    named_browser.post("/people/1/rename", name="Ada Lovelace")
    named_browser.post("/people/2/faces", say="split", name="Dee", face=named.faces["ben"][0])
    page = named_browser.get("/history")
    for words in ("12 faces are Ada Lovelace", "Ada is called Ada Lovelace", "some of Ben&#39;s faces are Dee&#39;s"):
        assert words in page
    assert page.count('<p class="strip">') == 3 and "and 6 more" in page  # not of a new name: it is about no face
    shown = named_browser.post("/history/1/undo", back="/history")
    assert "12 faces are Ada Lovelace" in shown and "12 faces: unknown instead of Ada Lovelace." in shown
    assert "Ada Lovelace: the name goes." in shown
    assert all(f'src="/faces/{face}.jpg"' in shown for face in named.faces["ada"])
    assert set(named.named()) == {"Ada Lovelace", "Ben", "Dee"}  # nothing is undone yet
    assert "Undid answer 1:" in named_browser.post("/history/1/undo", sure="yes", back="/history")
    assert set(named.named()) == {"Ben", "Dee"}
    assert "Answer 1 is undone already" in named_browser.post("/history/1/undo", back="/history")
    assert "Answer 1 is undone already" in named_browser.post("/history/1/undo", sure="yes", back="/history")
    assert "there is no answer 99" in named_browser.post("/history/99/undo", back="/history")


def test_an_undo_is_undone_like_any_other_answer(named: Library, named_browser: Browser) -> None:
    before = named.named()
    named_browser.post("/history/2/undo", sure="yes")
    page = named_browser.get("/history")
    assert "answer 2 undone" in page and "undone by 3" in page and "Redo what answer 3 undid" in page
    shown = named_browser.post("/history/3/undo")
    assert "<h1>Redo this?</h1>" in shown and "8 faces: Ben instead of unknown." in shown
    assert "Ben: the name comes back." in shown
    assert "Redid answer 2: 8 faces are Ben." in named_browser.post("/history/3/undo", sure="yes")
    assert named.named() == before


def test_an_undo_that_changes_nothing_says_so(named: Library, named_browser: Browser) -> None:
    with named.open() as store:
        name_faces(store, named.faces["ben"], "Ben")
    shown = named_browser.post("/history/2/undo")
    assert "Nothing: other answers say the same" in shown


def test_an_undo_that_cannot_be_is_a_sentence_before_it_is_done(named: Library, named_browser: Browser) -> None:
    named_browser.post("/people/1/rename", name="Zoe")
    named_browser.post("/people/2/rename", name="Ada")
    assert "somebody else is called Ada" in named_browser.post("/history/3/undo", back="/history")


def test_two_undos_are_none(named: Library, named_browser: Browser) -> None:
    assert "Undid answer 2: 8 faces are Ben." in named_browser.post("/undo")
    assert set(named.named()) == {"Ada"}
    assert "Redid answer 2: 8 faces are Ben." in named_browser.post("/undo")
    assert set(named.named()) == {"Ada", "Ben"}


def test_a_form_leads_back_to_our_own_pages_only(named_browser: Browser) -> None:
    for back in (
        "//evil.example/x",
        "http://evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "javascript:x",
        "\r\nSet-Cookie: a",
    ):
        answer = named_browser.client.post(
            "/undo", data={"token": named_browser.state.keys.form, "back": back}, headers={"origin": HERE},
            follow_redirects=False,
        )  # fmt: skip
        to = answer.headers["location"]
        assert answer.status_code == 303 and to.startswith("/") and not to.startswith(("//", "/\\")), to
        assert "set-cookie" not in answer.headers


def test_hidden_people_keep_their_page(named: Library, states: list[AppState]) -> None:
    with named.open() as store:
        hide(store, "Ada")
    page = open_pages(named, states).get("/people/1")
    assert "Show again" in page and len(boxes(page)) == 12


def test_a_new_name_is_tried_on_all_faces_meanwhile(library: Library, browser: Browser) -> None:
    ada = library.faces["ada"]
    browser.post(f"/faces/{ada[0]}", say="name", name="Ada")
    for face in ada[1:6]:
        browser.post(f"/faces/{face}", say="name", name="Ada")
    browser.post(f"/faces/{library.faces['ben'][0]}", say="name", name="Ben")
    with library.open() as store:
        assert {face for face, (name, source) in databases.who(store).items() if (name, source) == ("Ada", "machine")}


def test_trouble_while_trying_is_told_on_the_next_page(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr("phototag.workflows.recognition.background.train_and_tag", broken)
    browser.state.tagger.request()
    assert browser.state.tagger.wait_until_idle(10)
    assert "could not be tried on all faces: a bug in phototag (RuntimeError: no luck)" in browser.get("/people")


def test_a_bug_and_a_lost_database_are_sentences(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("<b>")

    monkeypatch.setattr("phototag.web.people.people.summaries", broken)
    answer = browser.client.get("/people")
    assert answer.status_code == 500 and "this is a bug in phototag (ZeroDivisionError: &lt;b&gt;)" in answer.text
    assert browser.client.get(f"/people/{10**30}").status_code == 404
    browser.state.stores.close()
    browser.state.stores.db.rename(browser.state.stores.db.with_name("away.db"))
    for answer in (
        browser.client.get("/history"),
        browser.client.post("/undo", data={"token": browser.state.keys.form}, headers={"origin": HERE}),
    ):
        assert answer.status_code == 404 and "there is no database" in answer.text


def test_faces_that_arrive_meanwhile_are_shown(named: Library, named_browser: Browser) -> None:
    """Another program writes to the database while the pages are open."""
    with named.open() as store:
        add(store, named.faces["ada"], "ada", 12, near(0, 12), 0)
        name_faces(store, named.faces["ada"][-1:], "Ada")
        assert len(boxes(named_browser.get("/people/1"))) == 13
        named_browser.post("/people/1/rename", name="Ada L.")
        assert people.names(store) == ["Ada L.", "Ben"]


def seen(page: str) -> str:
    """The last decision that a page knew of, as its forms say."""
    [number] = set(re.findall(r'name="seen" value="(\d+)"', page))
    return number


def test_what_another_program_said_of_a_person_meanwhile_is_not_overwritten(
    named: Library, named_browser: Browser
) -> None:
    page = named_browser.get("/people/1?show=confirmed")
    with named.open() as store:
        name_faces(store, named.faces["cy"], "Ada")  # more of her: she is who she was
    assert "called Ida" in named_browser.post("/people/1/rename", name="Ida", seen=seen(page), back="/people/1")
    merging = named_browser.get("/people/1/merge?into=Ben")
    with named.open() as store:
        rename(store, "Ida", "Ada Lovelace")
    for path, fields in (
        ("/people/1/rename", {"name": "Ada King"}),
        ("/people/1/hide", {}),
        ("/people/1/merge", {"into": 2}),
        ("/people/2/merge", {"into": 1}),
        ("/people/1/different", {"into": 2}),
    ):
        told = named_browser.post(path, **fields, seen=seen(merging), back="/people/1")
        assert "this person was changed in the meantime" in told, path
    with named.open() as store:
        assert people.names(store) == ["Ada Lovelace", "Ben"]
        assert not people.get(store, 1).hidden
        undo(store)
    page = named_browser.get("/people/1?show=confirmed")
    with named.open() as store:
        undo(store)  # she is called Ada Lovelace again
    told = named_browser.post("/people/1/rename", name="Ada King", seen=seen(page), back="/people/1")
    assert "this person was changed in the meantime" in told
