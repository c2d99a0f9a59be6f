"""Original: a photo itself, for a closer look than its preview allows."""

from __future__ import annotations

import threading
from contextlib import closing

from phototag.analysis.decode_pool import decode_photos
from phototag.display import path_text
from phototag.errors import PhotoError, UsageError
from phototag.imaging.crops import preview
from phototag.store import photos
from phototag.store.connect import Store

#: One photo at a time is decoded, since each takes much memory.
_DECODING = threading.Semaphore(1)


def original(store: Store, photo: int, side: int = 2000) -> bytes:
    """A photo of the database, upright, at most `side` pixels long, as a JPEG of pixels alone.

    It is decoded by a worker, so that no photo can end a server. Raises UsageError if there is no such photo, or it
    can't be read now.
    """
    try:
        path = photos.path_of(store, photo)
    except KeyError as error:
        raise UsageError(f"there is no photo {photo}") from error
    with _DECODING, closing(decode_photos([(photo, path)], jobs=1, side=side)) as outcomes:
        _, outcome = next(outcomes)
        if isinstance(outcome, PhotoError):
            raise UsageError(f"{path_text(path)} can't be shown: {outcome.message}")
        return preview(outcome.image, side)
