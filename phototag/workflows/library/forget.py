"""Forget: delete photos that are missing, or photos in a folder, for good."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from phototag.display import path_text
from phototag.errors import UsageError
from phototag.remedies import Show
from phototag.store import forget_photos, libraries
from phototag.store.connect import Store
from phototag.store.forget_photos import Places
from phototag.store.moments import utc


@dataclass(frozen=True, slots=True)
class Left:
    """Where deleted data may still be: in `backups` of the database, and in its own file unless that was `wiped`, which
    can't be done while another program uses it."""

    backups: tuple[Path, ...]
    wiped: bool

    @classmethod
    def after_wiping(cls, store: Store) -> Left:
        """Wipe the free pages of the database, if no other program uses it."""
        return cls(tuple(store.backups()), store.wipe())


@dataclass(frozen=True, slots=True)
class ForgottenPhotos:
    """How many photos and faces were forgotten, or would be in a dry run; a human `named` some of the faces.

    `files`: files that were dropped, also those whose photo has another file elsewhere. `inside`: the library in which
    the forgotten folder lies, and with which it will be indexed again; else None. `left`: None in a dry run.
    """

    photos: int
    faces: int
    named: int
    files: int
    inside: bytes | None
    left: Left | None


def forget_missing(store: Store, since: datetime | None = None, *, dry_run: bool = False) -> ForgottenPhotos:
    """Forget the photos that were away or deleted before `since` (with its time zone); without it, all that are.

    Decisions stay in the journal. Photos of a library that is offline are kept.
    """
    with store.write():
        places = forget_photos.missing_places(store, None if since is None else utc(since))
        if not dry_run:
            forget_photos.drop_places(store, places)
    return _result(store, places, None, dry_run)


def forget_folder(store: Store, folder: Path, *, dry_run: bool = False) -> ForgottenPhotos:
    """Forget the photos whose files are or were all in a folder. Decisions stay in the journal.

    Raises UsageError if nothing of it is indexed.
    """
    path = os.path.abspath(os.fsencode(folder))
    with store.write():
        known = libraries.every(store)
        places = forget_photos.places_below(store, path, known)
        if not (places.files or places.former or places.roots):
            raise UsageError(f"nothing in {path_text(path)} is indexed", Show("folders"))
        if not dry_run:
            forget_photos.drop_places(store, places)
    homes = [library.root for library in known if library.holds(path) and library not in places.roots]
    return _result(store, places, max(homes, key=len, default=None), dry_run)


def _result(store: Store, places: Places, inside: bytes | None, dry_run: bool) -> ForgottenPhotos:
    left = None if dry_run else Left.after_wiping(store)
    return ForgottenPhotos(len(places.photos), places.faces, places.named, len(places.files), inside, left)
