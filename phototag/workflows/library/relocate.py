"""Relocate: a folder that is indexed has another name, or hangs elsewhere; all that is known of it goes along."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from phototag.display import path_text
from phototag.errors import UsageError
from phototag.remedies import MoveNames, Show
from phototag.store import files, libraries
from phototag.store.connect import Store

#: So many photos are looked at, spread over the folder; so large a share of them must be what they were.
_SAMPLE, _ENOUGH = 25, 0.5


def relocate(store: Store, old: Path, new: Path) -> int:
    """The photos of the indexed folder `old` are in `new` from now on; returns how many.

    A sample of them must be there, told by content. Raises UsageError if it isn't, if `old` isn't an indexed folder, or
    if `new` is one already.
    """
    before, after = (os.path.abspath(os.fsencode(folder)) for folder in (old, new))
    roots = {library.root: library for library in libraries.every(store)}
    if before not in roots:
        raise UsageError(f"{path_text(before)} is no indexed folder", Show("folders"))
    if after in roots:
        raise UsageError(f"{path_text(after)} is indexed as a folder of its own", MoveNames())
    sample = files.sample(store, roots[before].id, _SAMPLE)
    same = sum(_sha256(os.path.join(after, path)) == sha256 for path, sha256 in sample)
    if same < _ENOUGH * len(sample):
        raise UsageError(
            f"{path_text(after)} doesn't hold the photos of {path_text(before)}: of {len(sample)} looked for {same} "
            "are there; nothing was changed"
        )
    libraries.move(store, roots[before], after)
    return roots[before].photos


def _sha256(path: bytes) -> str | None:
    """A file's content, None if it can't be read."""
    digest = hashlib.sha256()
    try:
        if not os.path.isfile(path):
            return None
        with open(path, "rb") as file:
            while data := file.read(1 << 20):
                digest.update(data)
    except OSError:
        return None
    return digest.hexdigest()
