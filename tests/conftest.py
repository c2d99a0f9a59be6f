"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of research photos; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("PHOTOTAG_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the research photos (never shipped) are not at {folder}; set PHOTOTAG_TEST_DATA")
    return folder
