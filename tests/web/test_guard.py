"""Who may look and who may answer."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from phototag.web.app import application
from phototag.web.app_state import AppState
from phototag.web.guard import Keys
from tests.web.conftest import HERE, PORT, Browser, Library

GETS = [
    "/", "/people", "/people/1", "/people/1/parts", "/history", "/photos/1", "/photos/1/preview.jpg",
    "/photos/1/large.jpg", "/faces/1.jpg", "/progress", "/assets/style.css", "/assets/review.js", "/nowhere",
]  # fmt: skip
POSTS = [
    "/answer", "/undo", "/history/1/undo", "/people/1/rename", "/people/1/hide", "/people/1/merge",
    "/people/1/different", "/people/1/faces", "/faces/1", "/nowhere",
]  # fmt: skip


@pytest.fixture
def stranger(browser: Browser) -> TestClient:
    """Somebody on the same machine without the key."""
    return TestClient(browser.client.app, base_url=HERE, follow_redirects=False)


def journal(browser: Browser) -> list[object]:
    with browser.state.stores.acquire() as store:
        return [*store.rows("SELECT * FROM decision"), *store.rows("SELECT * FROM person")]


def test_the_key_becomes_a_cookie_and_leaves_the_address(stranger: TestClient, browser: Browser) -> None:
    answer = stranger.get(f"/?key={browser.state.keys.address}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and browser.state.keys.address not in cookie
    assert stranger.get("/").status_code == 200


def test_nothing_is_shown_without_a_key(stranger: TestClient) -> None:
    for path in GETS:
        assert stranger.get(path).status_code == 403, path
        assert stranger.get(path, headers={"cookie": f"phototag-{PORT}=guess"}).status_code == 403, path


def test_a_wrong_key_opens_nothing(stranger: TestClient) -> None:
    for key in ("", "guess", "é", "%00"):
        answer = stranger.get(f"/?key={key}")
        assert answer.status_code == 403 and "set-cookie" not in answer.headers, key


def test_the_key_that_a_browser_is_started_with_opens_once(stranger: TestClient, browser: Browser) -> None:
    assert stranger.get(f"/?key={browser.state.keys.once}").status_code == 303
    assert stranger.get("/people").status_code == 200
    other = TestClient(browser.client.app, base_url=HERE, follow_redirects=False)
    assert other.get(f"/?key={browser.state.keys.once}").status_code == 403
    assert other.get(f"/?key={browser.state.keys.address}").status_code == 303


def test_a_link_on_a_page_elsewhere_opens_the_pages_too(stranger: TestClient, browser: Browser) -> None:
    """A browser wouldn't send the new cookie along a redirect that began elsewhere."""
    answer = stranger.get(f"/?key={browser.state.keys.address}", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200 and 'content="0;url=/"' in answer.text and "set-cookie" in answer.headers
    assert browser.state.keys.address not in answer.text


def test_every_run_has_keys_of_its_own() -> None:
    keys = [Keys() for _ in range(3)]
    assert len({secret for one in keys for secret in (one.address, one.once, one.cookie, one.form)}) == 12
    assert all(len(one.address) >= 40 for one in keys)


def test_a_name_that_was_made_to_point_here_shows_nothing(browser: Browser) -> None:
    cookie = {"cookie": f"phototag-{PORT}={browser.state.keys.cookie}"}
    for host in (
        "evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1.evil.example:{PORT}",
        f"localhost.evil.example:{PORT}", f"192.168.1.7:{PORT}", f"0.0.0.0:{PORT}", "", f":{PORT}",
    ):  # fmt: skip
        assert browser.client.get("/people", headers={"host": host, **cookie}).status_code == 403, host


def test_both_names_of_this_machine_will_do(browser: Browser) -> None:
    cookie = {"cookie": f"phototag-{PORT}={browser.state.keys.cookie}"}
    for host in (f"127.0.0.1:{PORT}", f"localhost:{PORT}"):
        assert browser.client.get("/people", headers={"host": host, **cookie}).status_code == 200


def test_elsewhere_only_addresses_in_digits_will_do(named: Library, states: list[AppState]) -> None:
    state = AppState(named.db, Keys())
    states.append(state)
    client = TestClient(application(state, PORT, "0.0.0.0"), base_url=HERE)
    client.get(f"/?key={state.keys.address}")
    cookie = {"cookie": f"phototag-{PORT}={state.keys.cookie}"}
    for host, status in ((f"192.168.1.7:{PORT}", 200), (f"[fe80::1]:{PORT}", 200), (f"evil.example:{PORT}", 403)):
        assert client.get("/people", headers={"host": host, **cookie}).status_code == status, host


@pytest.mark.parametrize(
    ("origin", "token", "cookie"),
    [
        (HERE, "right", False),
        (HERE, "wrong", True),
        (HERE, None, True),
        (None, "right", True),
        ("null", "right", True),
        ("http://evil.example", "right", True),
        (f"https://127.0.0.1:{PORT}", "right", True),
        ("http://127.0.0.1:1", "right", True),
    ],
)
def test_answers_come_from_our_own_pages_only(
    named_browser: Browser, origin: str | None, token: str | None, cookie: bool
) -> None:
    before = journal(named_browser)
    client = named_browser.client if cookie else TestClient(named_browser.client.app, base_url=HERE)
    fields = {"name": "Mallory", "say": "name", "face": "1", "back": "/"}
    if token:
        fields["token"] = named_browser.state.keys.form if token == "right" else "guess"
    for path in POSTS:
        answer = client.post(path, data=fields, headers={"origin": origin} if origin else {}, follow_redirects=False)
        assert answer.status_code == 403, path
    assert journal(named_browser) == before


def test_a_get_never_answers(named_browser: Browser) -> None:
    before = journal(named_browser)
    token = named_browser.state.keys.form
    for path in POSTS:
        answer = named_browser.client.get(f"{path}?token={token}&name=Mallory&say=name&face=1&into=2")
        assert answer.status_code in (404, 405) or path == "/people/1/merge"
    for path in GETS:
        named_browser.client.get(path)
    assert journal(named_browser) == before


def test_an_answer_that_is_too_long_is_refused(named_browser: Browser) -> None:
    answer = named_browser.client.post("/answer", content=b"a=" + b"x" * (5 << 20), headers={"origin": HERE})
    assert answer.status_code == 413


def test_headers_of_every_answer(named_browser: Browser, stranger: TestClient) -> None:
    for answer in [*(named_browser.client.get(path) for path in GETS), stranger.get("/people")]:
        head = answer.headers
        policy = dict(part.strip().split(" ", 1) for part in head["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
        assert head["x-content-type-options"] == "nosniff"
        assert head["cache-control"] == "no-store"
        assert head["referrer-policy"] == "same-origin"
        assert head["cross-origin-resource-policy"] == "same-origin"
        assert head["x-frame-options"] == "DENY"


def test_only_the_pages_own_files_are_assets(browser: Browser) -> None:
    for name in ("..%2f..%2fpyproject.toml", "%2e%2e/style.css", "review.html", "/etc/passwd"):
        assert browser.client.get(f"/assets/{name}").status_code == 404, name
