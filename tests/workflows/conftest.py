"""An empty database, and engines that are there at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from phototag.store.connect import Store, open_store
from phototag.workflows.library.index import Indexed
from tests.support import fakes
from tests.support.fakes import BLUE, GREEN, RED, FakeEngines, draw

Index = Callable[..., Indexed]
SWITCHES = {"accept_missing", "follow", "retry", "budget"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "phototag.db", create=True) as opened:
        yield opened


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def three(photos: Path) -> Path:
    """Photos of one face, of two, and of none."""
    draw(photos / "a.png", (40, 40, RED))
    draw(photos / "b.png", (40, 40, GREEN), (200, 100, BLUE))
    draw(photos / "sub" / "none.png")
    return photos


@pytest.fixture
def fake_engines() -> FakeEngines:
    """New engines for every run of the test, chosen as they really are."""
    return FakeEngines()


@pytest.fixture
def same_engines() -> FakeEngines:
    """The same engines for every run of the test."""
    return FakeEngines(reopened=False)


@pytest.fixture
def squares(same_engines: FakeEngines) -> fakes.Squares:
    """The detector of `same_engines`."""
    return same_engines.detector


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> fakes.Clock:
    """The time of index runs."""
    clock = fakes.Clock()
    monkeypatch.setattr("phototag.workflows.library.index.time", clock)
    monkeypatch.setattr("phototag.workflows.library.reembed.time", clock)
    return clock


@pytest.fixture
def index(store: Store, photos: Path, same_engines: FakeEngines) -> Index:
    """Index `photos`, or other roots; settings and switches by name."""

    def run(*roots: Path, told: fakes.Told | None = None, **changed: Any) -> Indexed:
        switches = {name: changed.pop(name) for name in SWITCHES & changed.keys()}
        given = fakes.settings(**changed)
        return same_engines.index(store, roots or [photos], given, told or fakes.Told(), **switches)

    return run
