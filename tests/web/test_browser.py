"""The review pages in a real browser: keys, drawing over faces, small windows; and what the database then says."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import uvicorn

from phototag.store import decisions, faces, people
from phototag.web.app import application
from phototag.web.app_state import AppState
from phototag.web.guard import Keys
from phototag.web.server import listening_socket
from phototag.workflows.naming.name import name_faces
from tests.support.fakes import FakeEngines
from tests.web.conftest import Library
from tests.web.test_hostile_pages import fill

pytest.importorskip("playwright.sync_api", reason="the browser tests need the package playwright")

from playwright import sync_api
from playwright.sync_api import expect

_QUIET = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
          "--no-first-run"]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[sync_api.Browser]:
    """One browser for all tests of this file."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no chromium is installed: `apt-get install chromium`")
    flags = [*_QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@dataclass
class Served:
    """The pages of a library, being served."""

    address: str
    key: str
    state: AppState

    def settle(self) -> None:
        assert self.state.tagger.wait_until_idle(20)


class SitePage(sync_api.Page):
    """A browser's page that knows the site that it shows."""

    site: Served


@contextmanager
def served(library: Library) -> Iterator[Served]:
    keys = Keys()
    with listening_socket("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        state = AppState(library.db, keys, FakeEngines())
        config = uvicorn.Config(
            application(state, port), lifespan="off", log_level="warning", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Served(f"http://127.0.0.1:{port}", keys.address, state)
        finally:
            server.should_exit = True
            thread.join()
            state.close()


@contextmanager
def opened(chromium: sync_api.Browser, served: Served, **window: Any) -> Iterator[SitePage]:
    """A fresh window at the first page; nothing may fail in it, and nothing be asked of anybody else."""
    context = chromium.new_context(**{"viewport": {"width": 1200, "height": 900}, **window})
    context.set_default_timeout(10_000)
    page = cast(SitePage, context.new_page())
    page.site = served
    troubles: list[str] = []

    def refuse(dialog: sync_api.Dialog) -> None:
        troubles.append(dialog.message)
        dialog.dismiss()

    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
    page.on("dialog", refuse)
    context.on(
        "request",
        lambda request: None if request.url.startswith((served.address, "data:")) else troubles.append(request.url),
    )
    page.goto(f"{served.address}/?key={served.key}")
    yield page
    context.close()
    assert not troubles


@pytest.fixture
def page(chromium: sync_api.Browser, library: Library) -> Iterator[SitePage]:
    with served(library) as site, opened(chromium, site) as page:
        yield page


@pytest.fixture
def named_page(chromium: sync_api.Browser, named: Library) -> Iterator[SitePage]:
    with served(named) as site, opened(chromium, site) as page:
        yield page


def said(page: sync_api.Page, words: str) -> None:
    """Wait for what came of an answer, and for the page to listen to keys."""
    expect(page.locator(".message").first).to_contain_text(words)
    page.wait_for_load_state("load")


def picked(page: SitePage) -> set[int]:
    return set(shown(page, ":checked"))


def shown(page: SitePage, state: str = "") -> list[int]:
    values = page.eval_on_selector_all(f"[data-picks] input{state}", "all => all.map(one => one.value)")
    return [int(value) for value in values]


def whose(library: Library, faces: set[int]) -> str:
    """Who these faces are in truth."""
    return next(who.title() for who, ids in library.faces.items() if faces <= set(ids))


def test_the_key_does_not_stay_in_the_address(page: SitePage) -> None:
    assert page.url == page.site.address + "/"
    assert page.evaluate("document.cookie") == ""
    assert page.locator("h1").inner_text() == "Who is this?"


def test_a_whole_interview_by_keys_alone(page: SitePage, library: Library) -> None:
    truth = {who.title(): set(ids) for who, ids in library.faces.items()}
    for _ in truth:
        name = whose(library, set(shown(page)))
        page.keyboard.press("n")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        said(page, f"{len(truth[name])} faces are {name}")
    expect(page.locator("h1")).to_have_text("No question is left")
    assert library.named() == truth
    page.keyboard.press("u")
    said(page, "Undid")
    assert len(library.named()) == 2


def test_faces_are_taken_out_by_click_space_and_shift(page: SitePage, library: Library) -> None:
    faces = shown(page)
    name = whose(library, set(faces))
    labels = page.locator("[data-picks] label")
    labels.nth(1).click()
    labels.nth(3).click(modifiers=["Shift"])
    assert picked(page) == {faces[0], *faces[4:]}
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert picked(page) == {faces[0], *faces[5:]}
    page.keyboard.press("n")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    said(page, f"{len(faces) - 4} faces are {name}")
    assert library.named() == {name: {faces[0], *faces[5:]}}
    assert library.rejected() == set(faces[1:5])


def test_drawing_over_faces_takes_them_out_and_back_in(page: SitePage) -> None:
    faces = shown(page)
    boxes = [box for at in range(3) if (box := page.locator("[data-picks] label").nth(at).bounding_box())]

    def draw(start: tuple[float, float], end: tuple[float, float]) -> None:
        page.mouse.move(*start)
        page.mouse.down()
        page.mouse.move((start[0] + end[0]) / 2, end[1], steps=3)
        page.mouse.move(*end, steps=3)
        page.mouse.up()

    middle = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]
    draw(middle[0], middle[2])
    assert picked(page) == set(faces[3:])
    draw(middle[1], middle[2])
    assert picked(page) == {*faces[1:]}
    expect(page.locator(".lasso")).to_have_count(0)
    page.keyboard.press("a")
    assert picked(page) == set(faces)
    page.keyboard.press("a")
    assert picked(page) == set()


@pytest.mark.parametrize(("key", "verb"), [("x", "not-a-face"), ("d", "dont-care")])
def test_a_key_dismisses_and_undo_brings_back(page: SitePage, library: Library, key: str, verb: str) -> None:
    faces = shown(page)
    page.keyboard.press(key)
    said(page, f"{len(faces)} faces {'marked as not a face' if key == 'x' else 'ignored'}")
    with library.open() as store:
        assert decisions.counts(store) == {verb: len(faces)}
    page.keyboard.press("u")
    said(page, "Undid")
    assert shown(page) == faces


def test_skip_and_undo(page: SitePage, library: Library) -> None:
    faces = shown(page)
    page.keyboard.press("s")
    said(page, "Skipped")
    assert shown(page) != faces
    page.keyboard.press("u")
    said(page, "asked again")
    assert shown(page) == faces
    with library.open() as store:
        assert not list(store.rows("SELECT * FROM decision"))


def test_keys_do_nothing_while_a_name_is_typed(page: SitePage, library: Library) -> None:
    page.keyboard.press("n")
    page.keyboard.type("xdsu")
    assert page.locator("input[name=name]").input_value() == "xdsu"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")
    with library.open() as store:
        assert not list(store.rows("SELECT * FROM decision"))


def test_enter_on_a_face_answers_nothing(page: SitePage, library: Library) -> None:
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.name") == "name"
    with library.open() as store:
        assert not list(store.rows("SELECT * FROM decision"))


def test_a_link_in_a_page_elsewhere_opens_the_pages(chromium: sync_api.Browser, library: Library) -> None:
    with served(library) as site:
        context = chromium.new_context()
        page = context.new_page()
        page.route("http://elsewhere.example/", lambda route: route.fulfill(content_type="text/html", body="<p>"))
        page.goto("http://elsewhere.example/")
        page.set_content(f"<a href='{site.address}/?key={site.key}'>here</a>")
        page.get_by_role("link").click()
        expect(page.locator("h1")).to_have_text("Who is this?")
        assert page.url == site.address + "/"
        context.close()


def test_known_names_are_offered(named_page: SitePage) -> None:
    options = named_page.eval_on_selector_all("#names option", "all => all.map(one => one.value)")
    assert options == ["Ada", "Ben"]
    likely = named_page.locator("[data-key='1']").inner_text().split()[0]
    assert likely in options


def test_o_opens_the_photo_of_the_face_in_focus_and_it_can_be_named_there(page: SitePage, library: Library) -> None:
    faces = shown(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    with page.context.expect_page() as popup:
        page.keyboard.press("o")
    photo = popup.value
    photo.wait_for_load_state()
    assert photo.url.endswith(f"?face={faces[1]}")
    assert photo.locator(f"#face-{faces[1]}.focus").count() == 1
    photo.locator(".mark").click()
    photo.keyboard.type("Zoe")
    photo.keyboard.press("Enter")
    said(photo, "The face is Zoe")
    assert library.named() == {"Zoe": {faces[1]}}
    photo.keyboard.press("u")
    said(photo, "Undid")
    assert library.named() == {}


def test_rename_merge_and_the_way_back(named_page: SitePage, named: Library) -> None:
    page, everybody = named_page, {*named.faces["ada"], *named.faces["ben"]}
    page.get_by_role("link", name="People").click()
    page.get_by_role("link", name="Ben").click()
    page.locator("summary", has_text="Rename").click()
    page.get_by_label("New name").fill("Benjamin")
    page.keyboard.press("Enter")
    said(page, "Ben is called Benjamin")
    page.locator("summary", has_text="Merge").click()
    page.get_by_label("Is the same person as").fill("Ada")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Are they the same person?")
    page.wait_for_load_state("load")
    assert set(named.named()) == {"Ada", "Benjamin"}
    page.keyboard.press("y")
    said(page, "8 faces joined")
    assert named.named() == {"Ada": everybody}
    page.keyboard.press("u")
    said(page, "Undid answer 4: Benjamin is Ada.")
    assert set(named.named()) == {"Ada", "Benjamin"}
    page.keyboard.press("u")
    said(page, "Redid answer 4: Benjamin is Ada.")
    assert named.named() == {"Ada": everybody}


def test_split_reject_and_undo_on_a_persons_page(named_page: SitePage, named: Library) -> None:
    page, ada = named_page, named.faces["ada"]
    page.goto(f"{page.site.address}/people/1?show=confirmed")
    assert picked(page) == set()
    expect(page.get_by_role("button", name=re.compile("Not Ada"))).to_be_disabled()
    labels = page.locator("[data-picks] label")
    labels.nth(0).click()
    labels.nth(1).click()
    page.keyboard.press("r")
    said(page, "2 faces are not Ada")
    assert named.rejected() == set(ada[:2]) and named.named()["Ada"] == set(ada[2:])
    labels.nth(0).click()
    labels.nth(2).click(modifiers=["Shift"])
    page.keyboard.press("n")
    page.keyboard.type("Dee")
    page.keyboard.press("Enter")
    said(page, "3 faces are Dee")
    assert named.named()["Dee"] == set(ada[2:5])
    page.keyboard.press("u")
    said(page, "Undid")
    assert named.named()["Ada"] == set(ada[2:])


def test_the_machines_tags_are_confirmed_by_a_key(page: SitePage, library: Library) -> None:
    ada = library.faces["ada"]
    with library.open() as store:
        name_faces(store, ada[:6], "Ada")
        name_faces(store, library.faces["ben"][:4], "Ben")
    page.site.state.tagger.request()
    page.site.settle()
    page.goto(f"{page.site.address}/people/1?order=least")
    tagged = set(shown(page))
    assert tagged and tagged <= set(ada[6:])
    page.keyboard.press("a")
    page.keyboard.press("y")
    said(page, "confirmed as Ada")
    assert library.named()["Ada"] == {*ada[:6], *tagged}


def test_the_proposed_parts_of_a_person(page: SitePage, library: Library) -> None:
    ada, ben = set(library.faces["ada"]), set(library.faces["ben"])
    with library.open() as store:
        name_faces(store, sorted(ada | ben), "Ada")
    page.goto(f"{page.site.address}/people/1/parts")
    part = page.locator(".groups > li").nth(1)
    part.get_by_label("These are: name").fill("Ben")
    part.get_by_role("button", name="Split off").click()
    said(page, "8 faces are Ben")
    assert library.named() == {"Ada": ada, "Ben": ben}


def test_hiding_and_history(named_page: SitePage, named: Library) -> None:
    page = named_page
    page.goto(f"{page.site.address}/people/2")
    page.get_by_role("button", name="Hide").click()
    said(page, "Ben is hidden")
    page.get_by_role("link", name="History").click()
    page.get_by_role("button", name="Undo answer 3").click()
    expect(page.locator(".changes")).to_have_text("Ben: shown again.")
    page.wait_for_load_state()  # keys work once the script is there
    page.keyboard.press("y")
    said(page, "Undid answer 3: Ben is hidden.")
    page.get_by_role("button", name="Undo answer 1").click()
    expect(page.locator("h1")).to_have_text("Undo this?")
    page.get_by_role("link", name="Cancel").click()
    assert set(named.named()) == {"Ada", "Ben"}
    page.get_by_role("button", name="Undo answer 1").click()
    page.get_by_role("button", name="Undo y").click()
    said(page, "Undid answer 1: 12 faces are Ada.")
    assert set(named.named()) == {"Ben"}
    with named.open() as store:
        assert [entry.person.hidden for entry in people.summaries(store)] == [False]


PATHS = ["/", "/people", "/people?hidden=1", "/people/1?show=confirmed", "/people/1/parts", "/people/2/merge?into=Ada",
         "/photos/1", "/history"]  # fmt: skip


@pytest.mark.parametrize(
    "window",
    [{"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True},
     {"viewport": {"width": 320, "height": 640}}],
    ids=["phone", "small phone"],
)  # fmt: skip
def test_a_small_window_needs_no_sideways_scrolling(
    chromium: sync_api.Browser, named: Library, window: dict[str, object]
) -> None:
    with served(named) as site, opened(chromium, site, **window) as page:
        for path in PATHS:
            page.goto(site.address + path)
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        page.goto(site.address + "/")
        box = page.locator("[data-picks] label").nth(1).bounding_box()
        assert box
        assert box["width"] > 60
        page.locator("[data-picks] label").nth(1).click()
        faces = shown(page)
        assert picked(page) == {faces[0], *faces[2:]}
        field = page.locator("input[name=name]").bounding_box()
        assert field
        assert field["width"] > 150


def test_hostile_names_do_nothing_in_a_real_browser(chromium: sync_api.Browser, tmp_path: Path) -> None:
    library = fill(tmp_path / "hostile.db")
    with served(library) as site, opened(chromium, site) as page:
        for path in ("/", "/people", "/people/1", "/people/18", "/people/22", "/photos/5", "/history"):
            page.goto(site.address + path)
            assert page.locator("h1").count() == 1
            assert page.evaluate("document.scripts.length") == 1


def test_no_page_elsewhere_can_answer(chromium: sync_api.Browser, named: Library) -> None:
    """A page of another origin, in the same browser, posts a form to the address with the cookie."""
    with served(named) as site, opened(chromium, site) as page:
        other = page.context.new_page()
        other.set_content(f"<form method=post action='{site.address}/undo'><input name=back value=/></form>")
        with other.expect_navigation():
            other.evaluate("document.forms[0].submit()")
        assert "403" in other.content()
    assert set(named.named()) == {"Ada", "Ben"}


# --- names without a face, and faces that were missed ---


def ben(library: Library) -> tuple[int, int, int, int] | None:
    """Where Ben is, in the photo's pixels."""
    with library.open() as store:
        found = [face.box for face in faces.identified(store) if face.person == "Ben"]
    return next(((round(box.x), round(box.y), round(box.w), round(box.h)) for box in found), None)


def drag(page: SitePage, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw over the photo, from one place to another (pixels of the full-size photo, 400 × 300)."""
    picture = page.locator(".stage img")
    picture.scroll_into_view_if_needed()
    shown = picture.bounding_box()
    assert shown is not None
    across, down = shown["width"] / 400, shown["height"] / 300
    page.mouse.move(shown["x"] + start[0] * across, shown["y"] + start[1] * down)
    page.mouse.down()
    page.mouse.move(shown["x"] + end[0] * across, shown["y"] + end[1] * down, steps=5)
    page.mouse.up()


def test_a_lost_name_is_placed_by_a_click_on_the_photo(chromium: sync_api.Browser, edited: Library) -> None:
    with served(edited) as site, opened(chromium, site) as page:
        page.goto(f"{site.address}/people")
        page.get_by_role("link", name="1 name without a face").click()
        page.get_by_role("link", name="Ben").click()
        page.locator(f".mark[data-face='{edited.faces['blue'][0]}']").click()
        said(page, "The face is Ben")
        assert ben(edited) == (300, 200, 60, 60)
        page.keyboard.press("u")
        said(page, "Undid answer")
        assert ben(edited) is None


def test_a_lost_name_is_placed_by_drawing(chromium: sync_api.Browser, edited: Library) -> None:
    with served(edited) as site, opened(chromium, site) as page:
        page.goto(f"{site.address}/photos/{edited.faces['photo'][0]}?place={edited.faces['lost'][0]}")
        save = page.get_by_role("button", name="Ben is in the box")
        expect(save).to_be_hidden()
        drag(page, (10, 10), (90, 90))  # not before it is said that a box is drawn
        expect(save).to_be_hidden()
        page.keyboard.press("b")
        drag(page, (260, 200), (200, 140))  # from the lower right
        expect(page.locator(".frame")).to_be_visible()
        page.keyboard.press("Enter")
        said(page, "It is Ben")
        left, top, width, height = ben(edited) or (0, 0, 0, 0)
        assert abs(left - 200) + abs(top - 140) + abs(width - 60) + abs(height - 60) < 8


def test_a_missed_face_is_drawn_on_a_phone(chromium: sync_api.Browser, edited: Library) -> None:
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    with served(edited) as site, opened(chromium, site, **phone) as page:
        page.goto(f"{site.address}/photos/{edited.faces['photo'][0]}")
        page.get_by_role("button", name="Draw a box").tap()
        drag(page, (200, 40), (260, 100))
        page.get_by_label("Name of the face that was missed").fill("Cy")
        page.get_by_role("button", name="Add the face").tap()
        said(page, "The face was added. It is Cy.")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_finger_draws_and_does_not_scroll(chromium: sync_api.Browser, edited: Library) -> None:
    phone = {"viewport": {"width": 390, "height": 500}, "has_touch": True, "is_mobile": True}
    with served(edited) as site, opened(chromium, site, **phone) as page:
        page.goto(f"{site.address}/photos/{edited.faces['photo'][0]}")
        page.get_by_role("button", name="Draw a box").tap()
        page.locator(".stage img").scroll_into_view_if_needed()
        before = page.evaluate("scrollY")
        shown = page.locator(".stage img").bounding_box()
        assert shown is not None
        finger = page.context.new_cdp_session(page)
        for kind, share in (("touchStart", 0.2), ("touchMove", 0.4), ("touchMove", 0.6), ("touchEnd", None)):
            at = (
                []
                if share is None
                else [{"x": shown["x"] + share * shown["width"], "y": shown["y"] + share * shown["height"]}]
            )
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
        expect(page.get_by_role("button", name="Add the face")).to_be_visible()
        assert page.evaluate("scrollY") == before
        fields = [float(page.locator(f"input[name={side}]").input_value()) for side in "xywh"]
        assert [round(value / 10) for value in fields] == [8, 6, 16, 12]


def test_a_box_by_numbers_needs_no_script(chromium: sync_api.Browser, edited: Library) -> None:
    with served(edited) as site, opened(chromium, site, java_script_enabled=False) as page:
        page.goto(f"{site.address}/photos/{edited.faces['photo'][0]}?place={edited.faces['lost'][0]}")
        page.get_by_text("By numbers").click()
        for side, value in zip(("Left", "Top", "Width", "Height"), (200, 140, 60, 60), strict=True):
            page.get_by_label(side).fill(str(value))
        page.get_by_role("button", name="Ben is in the box").click()
        expect(page.locator(".message").first).to_contain_text("It is Ben")
        assert ben(edited) == (200, 140, 60, 60)
