"""An empty database, and engines that are there at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from phototag.analysis.face_analyzer import Eye
from phototag.config import Settings
from phototag.store.connect import Store, open_store
from phototag.workflows.library import index as indexing
from phototag.workflows.library.index import Indexed
from tests.workflows import fakes

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
def squares(monkeypatch: pytest.MonkeyPatch) -> fakes.Squares:
    """The detector of every index run of the test."""
    eye = fakes.eye()
    monkeypatch.setattr(Eye, "open", lambda settings: eye)
    monkeypatch.setattr("phototag.workflows.library.index.chosen", lambda settings, store: settings)
    monkeypatch.setattr("phototag.analysis.face_analyzer.align", fakes.cut)
    assert isinstance(eye.detector, fakes.Squares)
    return eye.detector


@dataclass
class Workshop:
    """Engines by name, as a library remembers them; `found` is the detector and `seen` the embedder of the last run."""

    found: fakes.Squares = field(default_factory=fakes.Squares)
    seen: fakes.Colours = field(default_factory=fakes.Colours)
    during: Callable[[int], None] = lambda call: None
    gone: set[str] = field(default_factory=set)

    def open(self, settings: Settings) -> Eye:
        """An eye with detectors and embedders of any name; what a detector seeks is part of what it is."""
        sought = (("image_side", str(settings.image_side)), ("min_face", str(settings.min_face)))
        self.found = fakes.Squares(
            info=replace(fakes.DETECTOR, name=settings.detector or "squares", parameters=sought),
        )
        self.seen = fakes.Colours(during=self.during, info=replace(fakes.EMBEDDER, name=settings.embedder or "colours"))
        return Eye((self.found, self.seen))


@pytest.fixture
def workshop(monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """The engines of every index run of the test, chosen as they really are."""
    shop = Workshop()
    monkeypatch.setattr(Eye, "open", shop.open)
    monkeypatch.setattr("phototag.engines.registry.installed", lambda _, name: name not in shop.gone)
    monkeypatch.setattr("phototag.analysis.face_analyzer.align", fakes.cut)
    monkeypatch.setattr("phototag.analysis.stored_crop.align", fakes.cut)
    return shop


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> fakes.Clock:
    """The time of index runs."""
    clock = fakes.Clock()
    monkeypatch.setattr("phototag.workflows.library.index.time", clock)
    monkeypatch.setattr("phototag.workflows.library.reembed.time", clock)
    return clock


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos are decoded in this process: for tests of what isn't about the workers."""
    monkeypatch.setattr(indexing, "decoded", fakes.serial)


@pytest.fixture
def index(store: Store, photos: Path, squares: fakes.Squares) -> Index:
    """Index `photos`, or other roots; settings and switches by name."""

    def run(*roots: Path, told: fakes.Told | None = None, **changed: Any) -> Indexed:
        switches = {name: changed.pop(name) for name in SWITCHES & changed.keys()}
        return indexing.index(store, roots or [photos], fakes.settings(**changed), told or fakes.Told(), **switches)

    return run
