"""Exported networks from the cache, checked before they are used."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable

from phototag.config import cache_folder
from phototag.engines.runtimes.fingerprint import Check
from phototag.engines.runtimes.litert import LiteRTNetwork
from phototag.weights import cached

_log = logging.getLogger(__name__)
_checked: set[bytes] = set()  #: SHA-256 of the exports that passed their check in this process


def exported(name: str, export: Callable[[], bytes], check: Check | None) -> bytes:
    """The LiteRT model kept in the cache as `name`, made by `export` if it is absent, damaged or fails its check.

    Without a check (an engine that was added by an earlier version has none) only damage is noticed.
    """

    def is_right(data: bytes) -> bool:
        if check is None or _passes(data, check):
            return True
        _log.warning("%s in %s is not the network that its weights make: it is made again", name, cache_folder())
        return False

    return cached(name, export, is_right)


def _passes(data: bytes, check: Check) -> bool:
    """Whether a network yields what its weights make; tested once in a process, as each pair of engines opens it."""
    sha256 = hashlib.sha256(data).digest()
    if sha256 in _checked:
        return True
    try:
        network = LiteRTNetwork(data, threads=1)
    except (ValueError, RuntimeError):  # no LiteRT model
        return False
    if check.passes(network):
        _checked.add(sha256)
        return True
    return False
