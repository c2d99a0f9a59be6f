"""An empty database, and engines that are there at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from phototag.store.connect import Store, open_store
from phototag.workflows import index as indexing
from phototag.workflows.eye import Eye
from phototag.workflows.index import Indexed
from tests.workflows import fakes

Index = Callable[..., Indexed]


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
def squares(monkeypatch: pytest.MonkeyPatch) -> fakes.Squares:
    """The detector of every index run of the test."""
    eye = fakes.eye()
    monkeypatch.setattr(Eye, "open", lambda settings: eye)
    monkeypatch.setattr("phototag.workflows.index.chosen", lambda settings, store: settings)
    monkeypatch.setattr("phototag.workflows.eye.align", fakes.cut)
    assert isinstance(eye.detector, fakes.Squares)
    return eye.detector


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos are decoded in this process: for tests of what isn't about the workers."""
    monkeypatch.setattr(indexing, "decoded", fakes.serial)


@pytest.fixture
def index(store: Store, photos: Path, squares: fakes.Squares) -> Index:
    """Index `photos`, or other roots; settings and switches by name."""

    def run(*roots: Path, told: fakes.Told | None = None, **changed: Any) -> Indexed:
        switches = {name: changed.pop(name) for name in ("accept_missing", "follow", "retry") if name in changed}
        return indexing.index(store, roots or [photos], fakes.settings(**changed), told or fakes.Told(), **switches)

    return run
