"""The command-line fixtures serve here too."""

from __future__ import annotations

from tests.cli.conftest import demo, environment, phototag

__all__ = ["demo", "environment", "phototag"]
