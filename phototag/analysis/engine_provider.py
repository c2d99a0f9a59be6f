"""Engine provider: what a job asks for the engines that it needs."""

from __future__ import annotations

from typing import Protocol

from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.config import Settings
from phototag.engines import registry
from phototag.engines.choice import Kind


class EngineProvider(Protocol):
    """Opens engines once a job knows which, and how many photos there are."""

    def installed(self, kind: Kind, name: str) -> bool:
        """Whether there is such an engine, with its weights."""
        ...

    def open(self, settings: Settings, *, photos: int | None = None) -> FaceAnalyzer:
        """An analyzer with the engines that the settings name. Raises UsageError, WeightsError."""
        ...


class InstalledEngines:
    """The engines that are installed on this machine."""

    def installed(self, kind: Kind, name: str) -> bool:
        """Whether there is such an engine, with its weights. Raises UsageError, WeightsError."""
        return registry.is_installed(kind, name)

    def open(self, settings: Settings, *, photos: int | None = None) -> FaceAnalyzer:
        """See `FaceAnalyzer.open`."""
        return FaceAnalyzer.open(settings, photos=photos)


INSTALLED = InstalledEngines()
