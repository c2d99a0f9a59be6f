"""Forget: photos that are gone or lie in a folder, and people, are dropped for good on request."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from phototag.display import path_text
from phototag.errors import UsageError
from phototag.remedies import Show
from phototag.store import forget_people, forget_photos, libraries, people
from phototag.store.connect import Store
from phototag.store.forget_photos import Places
from phototag.workflows.naming.history import utc
from phototag.workflows.naming.people import require_person


@dataclass(frozen=True, slots=True)
class Left:
    """Where what was forgotten still is: `backups` of the database, and its own file if that isn't `wiped`, because
    another program uses it."""

    backups: tuple[Path, ...]
    wiped: bool


@dataclass(frozen=True, slots=True)
class ForgottenPhotos:
    """Photos that were forgotten, or would be, with their faces, of which a human `named` some.

    `files`: places given up, also of photos that lie elsewhere, too. `inside`: the indexed folder in which the
    forgotten one lies, so that it is indexed again; None if it was a whole one, or none. `left`: None of a dry run.
    """

    photos: int
    faces: int
    named: int
    files: int
    inside: bytes | None
    left: Left | None


def forget_missing(store: Store, since: datetime | None = None, *, dry_run: bool = False) -> ForgottenPhotos:
    """Forget the photos that are away or deleted `since` a moment (with its time zone), or for longer; names stay in
    the journal.

    Photos of a folder that is offline are not away.
    """
    with store.write():
        places = forget_photos.missing_places(store, None if since is None else utc(since))
        if not dry_run:
            forget_photos.drop_places(store, places)
    return _told(store, places, None, dry_run)


def forget_folder(store: Store, folder: Path, *, dry_run: bool = False) -> ForgottenPhotos:
    """Forget what lies, or lay, in a folder and nowhere else; names stay in the journal.

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
    return _told(store, places, max(homes, key=len, default=None), dry_run)


def _told(store: Store, places: Places, inside: bytes | None, dry_run: bool) -> ForgottenPhotos:
    left = None if dry_run else _left(store)
    return ForgottenPhotos(len(places.photos), places.faces, places.named, len(places.files), inside, left)


def _left(store: Store) -> Left:
    return Left(tuple(store.backups()), store.wipe())


@dataclass(frozen=True, slots=True)
class ForgottenPerson:
    """A person who was forgotten, or would be: from now on only a `number`.

    `also`: their other names. `faces`: those that a human named, on `photos`; `tagged`: those that the machine did,
    which are unknown again unless they are forgotten, too. `paths`: files and folders that bear their name.
    `left`: None of a dry run.
    """

    number: int
    name: str
    also: tuple[str, ...]
    faces: int
    photos: int
    tagged: int
    paths: int
    left: Left | None


def forget_person(store: Store, name: str, *, tagged: bool = False, dry_run: bool = False) -> ForgottenPerson:
    """Drop for good a person's names, the pictures and vectors of the faces that a human named, or the machine
    `tagged`, too, and what was said of them; the photos stay, and these faces are passed over from now on.

    Raises UsageError if there is nobody of that name.
    """
    with store.write():
        person = require_person(store, name)
        also = tuple(people.aliases(store, person.id))
        paths = forget_people.paths_with(store, [person.name, *also])
        known = (
            forget_people.person_data(store, person.id)
            if dry_run
            else forget_people.drop_person(store, person.id, tagged=tagged)
        )
    left = None if dry_run else _left(store)
    return ForgottenPerson(
        person.id, person.name, also, len(known.named), len(known.photos), len(known.tagged), paths, left
    )
