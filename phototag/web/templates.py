"""The Jinja environment of the review pages."""

from __future__ import annotations

from jinja2 import Environment

from phototag.report.describe import FILTERS
from phototag.report.jinja import safe_environment


def review_environment() -> Environment:
    """The album's safe environment and filters; links start at the server's root."""
    environment = safe_environment()
    environment.globals["up"] = ""
    environment.filters.update(FILTERS)
    return environment
