"""`phototag review` as a program: its address, its end, and other programs at the same database."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from click.testing import CliRunner

from phototag import extras
from phototag.cli import review as command
from phototag.errors import UsageError
from phototag.store.connect import open_store
from tests.web.conftest import Browser, Library


@contextmanager
def running(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command at work, and the address that it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "phototag", "review", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().removeprefix("Open ").strip()
    finally:
        process.kill()
        process.communicate()


def look(address: str) -> str:
    """The page behind an address, as a browser that keeps cookies."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with opener.open(address, timeout=20) as answer:
        return str(answer.read(), "utf-8")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_serves_until_it_is_stopped(library: Library, number: int, code: int) -> None:
    with running("--db", library.db) as (process, address):
        assert address.startswith("http://127.0.0.1:") and "/?key=" in address
        assert "Who is this?" in look(address)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address.split("?")[0], timeout=20)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in errors and "stopped" in errors
    with open_store(library.db) as store:
        assert store.value("PRAGMA integrity_check") == "ok"
    assert not library.db.with_name(library.db.name + "-wal").exists()


def test_it_is_heard_on_this_machine_only_and_where_it_was_told(library: Library) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running("--db", library.db, "--port", port) as (process, address):
        assert address.startswith(f"http://127.0.0.1:{port}/")
        look(address)
        with pytest.raises(OSError), socket.create_connection(("127.0.0.2", port), timeout=2):
            pass
        taken = subprocess.run(
            [sys.executable, "-m", "phototag", "review", "--db", str(library.db), "--port", str(port)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert taken.returncode == 2 and "choose another --port" in taken.stderr
        assert process.poll() is None


def test_another_host_says_what_that_means(library: Library) -> None:
    with running("--db", library.db, "--host", "0.0.0.0") as (process, address):
        assert "Who is this?" in look(address)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert "unencrypted" in errors


def test_without_its_packages_it_says_how_to_get_them(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    result = CliRunner().invoke(command.review, ["--db", str(library.db)])
    assert isinstance(result.exception, UsageError)
    assert "pip install 'phototag[review]'" in str(result.exception)


def test_without_a_library_it_says_what_to_do(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "phototag", "review", "--db", str(tmp_path / "none.db")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 2 and "phototag run FOLDER" in result.stderr and not result.stdout
    with open_store(tmp_path / "empty.db", create=True):
        pass
    result = subprocess.run(
        [sys.executable, "-m", "phototag", "review", "--db", str(tmp_path / "empty.db")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 17 and "Traceback" not in result.stderr


def test_an_answer_waits_for_another_writer(library: Library, browser: Browser) -> None:
    """An index that runs meanwhile holds the database for a moment."""
    holds = threading.Event()

    def index() -> None:
        with library.open() as store, store.write():
            store.run("UPDATE file SET attempts = attempts + 1")
            holds.set()
            time.sleep(1)

    writer = threading.Thread(target=index)
    writer.start()
    holds.wait()
    assert "Who is this?" in browser.get("/")  # reading doesn't wait
    assert writer.is_alive()
    browser.post(f"/faces/{library.faces['ada'][0]}", say="name", name="Ada")
    writer.join()
    assert library.named() == {"Ada": {library.faces["ada"][0]}}
    with library.open() as store:
        assert store.value("SELECT min(attempts) FROM file") == 1


def test_many_at_once_are_all_saved(library: Library, browser: Browser) -> None:
    faces = [face for ids in library.faces.values() for face in ids]

    def say(face: int) -> None:
        browser.post(f"/faces/{face}", say="name", name=f"Person {face % 3}")
        browser.get("/")
        browser.get("/people")
        assert json.loads(browser.get("/progress"))["progress"]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(say, faces))
    assert library.named() == {f"Person {rest}": {face for face in faces if face % 3 == rest} for rest in range(3)}
