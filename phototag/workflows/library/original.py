"""Original: a photo itself, for a closer look than its preview allows."""

from __future__ import annotations

import threading
from contextlib import closing

from phototag.analysis.decode_pool import Task, decoded
from phototag.display import path_text
from phototag.errors import UsageError
from phototag.imaging.crops import preview
from phototag.store import photos
from phototag.store.connect import Store
from phototag.types import DecodedPhoto, PhotoFile

#: Photos that are decoded at the same time, each in a process of its own.
_ONE = threading.Semaphore(1)


def original(store: Store, photo: int, side: int = 2000) -> bytes:
    """A photo of the database, upright, at most `side` pixels long, as a JPEG of pixels alone.

    Raises UsageError if there is no such photo, or it can't be read now.
    """
    try:
        path = photos.path_of(store, photo)
    except KeyError as error:
        raise UsageError(f"there is no photo {photo}") from error
    with _ONE, closing(decoded(iter([Task(photo, PhotoFile(path, 0, 0), path)]), jobs=1, side=side)) as outcomes:
        for _, outcome in outcomes:
            if isinstance(outcome, DecodedPhoto):
                return preview(outcome.image, side)
            raise UsageError(f"{path_text(path)} can't be shown: {outcome.message}")
    raise UsageError(f"{path_text(path)} can't be shown")
