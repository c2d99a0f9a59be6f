"""What is sought is remembered; and nobody waits for a lock."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest

from phototag import config
from phototag.analysis.decode_pool import K, Outcome
from phototag.store.connect import Store
from phototag.workflows.library.index import Indexed
from tests.support.fakes import (
    RED,
    FakeEngines,
    Told,
    draw,
    in_process,
)
from tests.workflows.conftest import Index


def test_what_is_sought_is_remembered(
    store: Store, three: Path, fake_engines: FakeEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: list[int] = []

    def decode(photos: Iterable[tuple[K, bytes]], *, jobs: int, side: int) -> Generator[tuple[K, Outcome], None, None]:
        sides.append(side)
        return in_process(photos, jobs=jobs, side=side)

    def index(**flags: int) -> tuple[Indexed, dict[str, str]]:
        monkeypatch.setattr(config, "config_file", lambda: three.parent / "phototag.toml")
        done = fake_engines.index(store, [three], config.load(jobs=1, **flags), Told())
        return done, dict(fake_engines.detector.info.parameters)

    fake_engines.decode = decode
    assert index() == (Indexed(photos=3, faces=3), {"image_side": "1280", "min_face": "20"})
    assert index()[0].unchanged == 3
    done, told = index(min_face=40, detail=3000)
    assert (done.photos, told) == (3, {"image_side": "3000", "min_face": "40"})
    for _ in range(2):
        done, told = index()
        assert (done.unchanged, fake_engines.detector.calls, told) == (3, 0, {"image_side": "3000", "min_face": "40"})
    draw(three / "new.png", (40, 40, RED), shade=9)
    assert index()[0].photos == 1
    done, told = index(min_face=20)  # the other is still remembered
    assert (done.photos, told) == (4, {"image_side": "3000", "min_face": "20"})
    monkeypatch.setenv("PHOTOTAG_DETAIL", "1280")
    done, told = index()
    assert (done.photos, told) == (4, {"image_side": "1280", "min_face": "20"})
    # A photo may be decoded to three quarters of the side asked for, and no face is sought in fewer pixels.
    assert sides == [2560, 4000, 4000, 4000, 2560]


def test_another_detector_seeks_the_same(store: Store, three: Path, fake_engines: FakeEngines) -> None:
    fake_engines.index(store, [three], config.load(jobs=1, detail=640, min_face=30), Told())
    done = fake_engines.index(store, [three], config.load(jobs=1, detector="circles"), Told())
    assert done.photos == 3
    assert dict(fake_engines.detector.info.parameters) == {"image_side": "640", "min_face": "30"}
    assert fake_engines.index(store, [three], config.load(jobs=1), Told()).unchanged == 3
    assert fake_engines.detector.info.name == "circles"


def test_nobody_waits_for_a_network_or_a_decoder(
    store: Store, three: Path, index: Index, same_engines: FakeEngines
) -> None:
    def write(_: object = None) -> None:
        other = sqlite3.connect(store.path, timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO person (name, name_key) SELECT 'x' || count(*), count(*) FROM person")
        other.execute("COMMIT")
        other.close()

    def decode(photos: Iterable[tuple[K, bytes]], **how: int) -> Generator[tuple[K, Outcome], None, None]:
        for outcome in in_process(photos, **how):
            write()
            yield outcome

    same_engines.decode = decode
    index(batch_photos=1, told=Told(during=write))
    assert store.value("SELECT count(*) FROM person") == 6
