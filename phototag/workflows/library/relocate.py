"""Relocate: an indexed folder was renamed or is mounted elsewhere; everything known about its photos stays."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from phototag.display import path_text
from phototag.errors import UsageError
from phototag.remedies import MoveNames, Show
from phototag.store import files, libraries
from phototag.store.connect import Store

#: So many photos, spread over the folder, are checked.
_SAMPLE = 25
#: At least this share of them must have the content that they had.
_ENOUGH = 0.5


def relocate(store: Store, old: Path, new: Path) -> int:
    """Move the library at `old` to `new`; returns how many photos it has.

    The contents of a sample of its photos are compared with what is at `new`. Raises UsageError if they differ, if
    `old` isn't an indexed folder, or if `new` is one already.
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
    """The hash of a file's content; None if it can't be read."""
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
