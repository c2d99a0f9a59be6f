"""The command-line fixtures serve here too, and so do engines that are there at once."""

from __future__ import annotations

from tests.cli.conftest import demo, environment, phototag
from tests.workflows.conftest import at_once, photos, store, workshop

__all__ = ["at_once", "demo", "environment", "photos", "phototag", "store", "workshop"]
