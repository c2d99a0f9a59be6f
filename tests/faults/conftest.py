"""The command-line fixtures serve here too, and so do engines that are there at once."""

from __future__ import annotations

from tests.cli.conftest import demo, environment, phototag
from tests.workflows.conftest import fake_engines, photos, store

__all__ = ["demo", "environment", "fake_engines", "photos", "phototag", "store"]
