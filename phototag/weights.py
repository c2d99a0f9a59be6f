"""Weights that ship inside packages, and the cache of networks exported from them.

Nothing here parses weights: a file is found, hashed and compared before anyone reads it
(`load` refuses with exit code 16). The cache folder holds only what can be made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from phototag import atomic
from phototag.config import cache_folder
from phototag.errors import WeightsError


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


def cached(name: str, build: Callable[[], bytes]) -> bytes:
    """The bytes kept in the cache as `name`, made by `build` if they are absent or damaged.

    `name` must say all that the bytes depend on (weights' hash, exporter's version). The file carries
    its own SHA-256 in its first 32 bytes; one that doesn't match is made again. A cache folder that
    can't be written costs time, nothing else.
    """
    path = cache_folder() / name
    try:
        kept = path.read_bytes()
        if len(kept) > 32 and hashlib.sha256(kept[32:]).digest() == kept[:32]:
            return kept[32:]
    except OSError:
        pass
    data = build()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(path, hashlib.sha256(data).digest() + data)
    except OSError:
        pass
    return data
