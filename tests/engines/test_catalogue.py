"""Fetching weights, from a server on this machine: interrupted, changed, redirected, absent."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from docs.generate import json_output
from phototag.cli.main import cli
from phototag.engines import catalogue, installation, registry
from phototag.engines import download as downloading
from phototag.engines.catalogue import Entry, install
from phototag.errors import UsageError, WeightsError
from phototag.progress import Silent
from phototag.remedies import RemoveEngine
from tests.support.onnx_files import card, embedder

pytestmark = pytest.mark.usefixtures("at_once")

WEIGHTS = embedder()


@dataclass
class Server:
    """What the server does, and what it was asked for: (path, Range)."""

    url: str = ""
    content: bytes = WEIGHTS
    ranges: bool = True
    cut: int | None = None  #: breaks off after so many bytes of an answer
    status: int = 200
    location: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    behaviour = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            behaviour.asked.append((self.path, self.headers.get("Range")))
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", behaviour.location)
                self.end_headers()
                return
            content, start = behaviour.content, 0
            if behaviour.ranges and (wanted := self.headers.get("Range")):
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(behaviour.status)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:][: behaviour.cut])

        def log_message(self, *_: object) -> None:
            pass

    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        behaviour.url = f"http://127.0.0.1:{http.server_port}"
        yield behaviour
        http.shutdown()


@pytest.fixture(autouse=True)
def own_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("PHOTOTAG_ENGINES", str(tmp_path / "engines"))
    return tmp_path / "engines"


@pytest.fixture
def entry(server: Server) -> Entry:
    return Entry(
        name="mine", family="onnx", summary="", url=f"{server.url}/mine.onnx",
        sha256=hashlib.sha256(WEIGHTS).hexdigest(), size=len(WEIGHTS), licence="CC0", home="", figures="", card=card(),
    )  # fmt: skip


def kept(folder: Path) -> list[int]:
    """Sizes of unfinished downloads."""
    return [path.stat().st_size for path in (folder / ".downloads").iterdir()]


class Counted(Silent):
    def __init__(self) -> None:
        self.total: int | None = None
        self.done = self.finished = 0

    def start(self, job: str, total: int | None) -> None:
        self.total = total

    def advance(self, steps: int = 1) -> None:
        self.done += steps

    def finish(self) -> None:
        self.finished += 1


def test_fetched_verified_and_installed(entry: Entry, own_engines: Path) -> None:
    progress = Counted()
    installed = install(entry, progress)
    assert installation.find("mine") == installed
    assert installation.load(installed) == WEIGHTS
    assert (installed.source, installed.licence, installed.card) == (entry.url, "CC0", entry.card)
    assert (progress.done, progress.total, progress.finished) == (len(WEIGHTS) // 1000, len(WEIGHTS) // 1000, 1)
    assert kept(own_engines) == []


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_goes_on(ranges: bool, entry: Entry, server: Server, own_engines: Path) -> None:
    server.cut, server.ranges = 1500, ranges
    with pytest.raises(
        WeightsError, match=rf"1,500 of {len(WEIGHTS):,} bytes came.*run the same command again"
    ) as hurt:
        install(entry, Silent())
    assert hurt.value.exit_code == 16
    assert kept(own_engines) == [1500]
    assert installation.installed_engines() == []
    server.cut = None
    progress = Counted()
    assert installation.load(install(entry, progress)) == WEIGHTS
    assert [span for _, span in server.asked] == [None, "bytes=1500-"]
    assert progress.done == len(WEIGHTS) // 1000
    assert kept(own_engines) == []


def test_what_was_kept_is_not_trusted(entry: Entry, server: Server, own_engines: Path) -> None:
    part = own_engines / ".downloads" / entry.sha256
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 100)  # somebody else's beginning
    with pytest.raises(WeightsError, match="SHA-256 differs"):
        install(entry, Silent())
    assert kept(own_engines) == []
    part.write_bytes(b"x" * (len(WEIGHTS) + 9))
    install(entry, Silent())  # too long to go on from: from the start
    assert server.asked[-1][1] is None


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda data: data[:-1] + b"\x00", "SHA-256 differs"),
        (lambda data: data + b"\x00", "is longer than"),
        (lambda data: data * 500, "is longer than"),
        (lambda data: b"\x80\x04" + data[2:], "SHA-256 differs"),
    ],
)
def test_other_bytes_are_thrown_away(
    change: object, match: str, entry: Entry, server: Server, own_engines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = change(WEIGHTS)  # type: ignore[operator]
    monkeypatch.setattr(registry, "add", lambda *given, **more: pytest.fail("it was parsed"))
    with pytest.raises(WeightsError, match=match) as caught:
        install(entry, Silent())
    assert caught.value.exit_code == 16
    assert kept(own_engines) == []
    assert installation.installed_engines() == []


def test_a_right_hash_alone_is_not_enough(entry: Entry, own_engines: Path) -> None:
    with pytest.raises(WeightsError, match="dim = 5"):
        install(replace(entry, card=card(dim=5)), Silent())
    assert kept(own_engines) == []
    assert installation.installed_engines() == []


def test_redirects_stay_safe(entry: Entry, server: Server) -> None:
    moved = replace(entry, url=f"{server.url}/moved")
    for location in ("http://example.org/x", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://127.0.0.1.nip.io/x"):
        server.location = location
        with pytest.raises(WeightsError, match=r"only https is trusted|can't be fetched"):
            install(moved, Silent())
    server.location = f"{server.url}/mine.onnx"
    install(moved, Silent())
    assert [path for path, _ in server.asked[-2:]] == ["/moved", "/mine.onnx"]


@pytest.mark.parametrize("url", ["http://example.org/x", "file:///etc/passwd", "ftp://example.org/x", "x", ""])
def test_only_https_is_asked(url: str, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "build_opener", lambda *_: pytest.fail("it was asked"))
    with pytest.raises(WeightsError, match="only https is trusted"):
        install(replace(entry, url=url), Silent())


def test_no_network_and_no_such_file(entry: Entry, server: Server, own_engines: Path) -> None:
    with pytest.raises(WeightsError, match=r"can't be fetched \(.*\): check the network") as caught:
        install(replace(entry, url="http://127.0.0.1:9/mine.onnx"), Silent())
    assert "\n" not in str(caught.value)
    server.status = 404
    with pytest.raises(WeightsError, match="the server says 404"):
        install(entry, Silent())
    assert kept(own_engines) == []


def test_a_download_that_cannot_be_written(entry: Entry, own_engines: Path) -> None:
    part = own_engines / ".downloads" / entry.sha256
    part.mkdir(parents=True)  # so that no file of this name can be written
    with pytest.raises(UsageError, match=rf"{own_engines}, can't be used .Is a directory"):
        install(entry, Silent())


def test_a_server_that_says_nothing(entry: Entry, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(downloading, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(WeightsError, match="check the network"):
            install(replace(entry, url=f"http://127.0.0.1:{port}/x"), Silent())


def test_a_taken_name_is_not_fetched(entry: Entry, server: Server) -> None:
    install(entry, Silent())
    asked = len(server.asked)
    with pytest.raises(UsageError, match="an engine called mine already") as caught:
        install(entry, Silent())
    assert caught.value.remedy == RemoveEngine("mine")
    assert len(server.asked) == asked


def test_nothing_is_fetched_that_could_not_run(
    entry: Entry, server: Server, own_engines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for attempt in (
        lambda: install(entry, Silent()),
        lambda: cli.main(["engines", "install", "yunet"], standalone_mode=False),
    ):
        with pytest.raises(UsageError, match=r"needs onnxruntime: run `pip install 'phototag\[onnx\]'`"):
            attempt()
    assert server.asked == []
    assert not own_engines.exists()


def test_the_json_output_is_as_described(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "entries", lambda: [entry])
    done = CliRunner().invoke(cli, ["engines", "install", "mine", "--yes", "--json"], catch_exceptions=False)
    assert json_output.checked("engines install", done.stdout)["sha256"] == entry.sha256


def test_our_catalogue() -> None:
    entries = {entry.name: entry for entry in catalogue.entries()}
    assert sorted(entries) == ["mobilefacenet", "yunet"]
    for entry in entries.values():
        assert entry.url.startswith("https://")
        assert len(entry.sha256) == 64
        assert entry.licence and entry.figures and entry.home
    assert entries["mobilefacenet"].card is not None


@pytest.mark.data
@pytest.mark.parametrize(("name", "file"), [("mobilefacenet", "mobilefacenet.onnx"), ("yunet", "yunet_n_dynamic.onnx")])
def test_the_files_themselves(name: str, file: str, data: Path, server: Server) -> None:
    entry = next(entry for entry in catalogue.entries() if entry.name == name)
    server.content = (data / "models" / file).read_bytes()
    assert len(server.content) == entry.size
    assert install(replace(entry, url=f"{server.url}/x"), Silent()).sha256 == entry.sha256
