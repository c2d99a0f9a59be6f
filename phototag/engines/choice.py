"""Choice: the best engine that is installed."""

from __future__ import annotations

from typing import Literal

from phototag.engines import catalogue, installation, registry
from phototag.engines.catalogue import Entry
from phototag.engines.installation import Shelved
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
        spec = registry.spec_of(entry.family if entry else name)
        there = entry is None or _is(installation.find(name), entry)
        return there and (device != "gpu" or (spec is not None and spec.gpu))

    return next((name for name in PREFERRED[kind] if fits(name)), PREFERRED[kind][-1])


def _is(shelved: Shelved | None, entry: Entry) -> bool:
    """Whether the catalogue vouches for what lies on the shelf: a name alone is anybody's."""
    return shelved is not None and (shelved.sha256, shelved.family) == (entry.sha256, entry.family)
