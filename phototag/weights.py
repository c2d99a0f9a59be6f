"""Weights files inside installed packages, and the cache of networks exported from weights.

Nothing here parses weights: a file is found, and its SHA-256 compared, before anything reads it. The cache holds only
what can be made again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from phototag import atomic
from phototag.config import cache_folder
from phototag.errors import WeightsError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """A weights file inside an installed package, known by its SHA-256."""

    package: str
    file: str
    sha256: str

    def path(self) -> Path:
        """Where the file lies; the package itself is never imported. Raises WeightsError."""
        spec = find_spec(self.package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            path = Path(folder, self.file)
            if path.is_file():
                return path
        raise WeightsError(
            f"{self.file} of the package {self.package} is missing: "
            f"install it again with `pip install --force-reinstall {self.package}`"
        )

    def load(self) -> bytes:
        """The file's bytes, once they are the ones we trust. Raises WeightsError."""
        path = self.path()
        try:
            data = path.read_bytes()
        except OSError as error:
            raise WeightsError(f"{path} can't be read ({error.strerror}): make it readable") from error
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise WeightsError(
                f"{path} is not the file that phototag trusts (its SHA-256 differs); nothing of it was used: "
                f"install {self.package} again with `pip install --force-reinstall {self.package}`"
            )
        return data


def cached(name: str, build: Callable[[], bytes], is_right: Callable[[bytes], bool] = lambda data: True) -> bytes:
    """The bytes kept in the cache as `name`; made by `build` if they are absent, damaged or not right.

    `name` must say all that the bytes depend on (the weights' hash, the exporter's version). The file begins with the
    SHA-256 of what follows, which tells damage. It can't tell forgery: whoever may write to the folder may write that
    hash, too. So `is_right` is asked about bytes from the cache before they are used.

    A cache folder that can't be written costs time and a warning, nothing else.
    """
    path = cache_folder() / name
    kept = _undamaged(path)
    if kept is not None and is_right(kept):
        return kept
    data = build()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(path, hashlib.sha256(data).digest() + data)
    except OSError as error:
        _log.warning(
            "%s can't be kept in %s (%s) and is made again in each run: free space there, or name another folder with "
            "PHOTOTAG_CACHE", name, path.parent, error.strerror,
        )  # fmt: skip
    return data


def _undamaged(path: Path) -> bytes | None:
    """What follows a cache file's hash, if that is the hash of it."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    sha256, data = content[:32], content[32:]
    return data if data and hashlib.sha256(data).digest() == sha256 else None
