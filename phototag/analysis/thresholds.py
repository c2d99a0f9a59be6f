"""Thresholds: what an embedder's distances mean."""

from __future__ import annotations

from dataclasses import replace

from phototag.errors import UsageError
from phototag.types import EngineInfo, Thresholds


def thresholds_of(info: EngineInfo, threshold: float | None = None) -> Thresholds:
    """What an embedder's distances mean, with another `same` if one is given. Raises UsageError if it doesn't say."""
    if info.thresholds is None:
        raise UsageError(f"the embedder {info.name} doesn't say what its distances mean: choose another --embedder")
    return info.thresholds if threshold is None else replace(info.thresholds, same=threshold)
