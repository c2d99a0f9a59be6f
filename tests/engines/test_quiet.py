"""Native chatter is discarded, and nothing else: not for longer, and not what other threads have to say."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest

from phototag.engines.registry import make_embedder
from phototag.engines.runtimes.quiet import quiet
from phototag.engines.spec import EngineOptions
from tests.engines.conftest import Make


def stderr() -> tuple[int, int]:
    """The file that descriptor 2 stands for."""
    found = os.fstat(2)
    return found.st_dev, found.st_ino


def test_what_native_libraries_say_is_discarded(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="passes"), quiet():
        os.write(2, b"greetings")
        raise ValueError("it passes")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_the_last_of_several_restores_it() -> None:
    before = stderr()
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(quiet())
        redirected = stderr()
        second.enter_context(quiet())
        first.close()
        assert stderr() == redirected != before
    assert stderr() == before


def test_threads_that_run_networks_leave_it_alone(engine: Make) -> None:
    embedders = [engine("dlib-resnet"), make_embedder("dlib-resnet", EngineOptions(threads=1))]
    before = stderr()

    def look(embedder: object) -> set[tuple[int, int]]:
        seen = set()
        for count in (1, 2, 3, 1, 2, 3):  # memory is planned anew for each
            embedder.embed(np.zeros((count, 150, 150, 3), np.uint8))  # type: ignore[attr-defined]
            seen.add(stderr())
        return seen

    with ThreadPoolExecutor(2) as pool:
        assert set().union(*pool.map(look, embedders)) == {before}
    assert stderr() == before
