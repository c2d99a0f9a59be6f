"""Choice: the best engine that is installed."""

from __future__ import annotations

from typing import Literal

from phototag.engines import catalogue, installation, plugins
from phototag.engines.catalogue import Entry
from phototag.engines.installation import InstalledEngine
from phototag.types import Device

Kind = Literal["detector", "embedder"]

#: The best first; what comes out of the box is last, and always there. (The 8-bit network can't use a GPU.)
PREFERRED = {"detector": ("yunet", "mtcnn"), "embedder": ("mobilefacenet", "dlib-resnet-int8", "dlib-resnet")}


def best(kind: Kind, device: Device = "auto") -> str:
    """The engine for a new library: the best that is installed, and can use a GPU if that is the device.

    Raises WeightsError for a damaged one.
    """
    known = {entry.name: entry for entry in catalogue.entries()}

    def fits(name: str) -> bool:
        entry = known.get(name)
        spec = plugins.spec_of(entry.family if entry else name)
        there = entry is None or _is_entry(installation.find(name), entry)
        return there and (device != "gpu" or (spec is not None and spec.gpu))

    return next((name for name in PREFERRED[kind] if fits(name)), PREFERRED[kind][-1])


def _is_entry(installed: InstalledEngine | None, entry: Entry) -> bool:
    """Whether an installed engine is the catalogue's: anybody may give an engine its name."""
    return installed is not None and (installed.sha256, installed.family) == (entry.sha256, entry.family)
