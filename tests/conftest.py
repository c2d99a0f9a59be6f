"""Fixtures that every test may use."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the whole counts of heavy tests, unless `-m` speaks of them."""
    if "full" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("full")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of research photos; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("PHOTOTAG_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the research photos (never shipped) are not at {folder}; set PHOTOTAG_TEST_DATA")
    return folder


@pytest.fixture(autouse=True)
def fresh_logging() -> Iterator[None]:
    """Undoes what a command that was called in this process did to logging."""
    yield
    logger = logging.getLogger("phototag")
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


@pytest.fixture(autouse=True, scope="session")
def no_installed_engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees the engines of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOTOTAG_ENGINES", str(tmp_path_factory.mktemp("engines")))
        yield
