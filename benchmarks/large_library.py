"""A large library without photos: faces, named people, groups and crops, for commands whose time grows with it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import PIL.Image

from benchmarks.libraries import simulated
from phototag.store import decisions, groups, people
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.store.groups import NewClustering
from phototag.types import Group, Thresholds
from phototag.workflows.library.engines_in_use import current_embedder

#: Named people, and faces of a group.
PEOPLE, GROUP = 300, 10
_THRESHOLDS = Thresholds(same=0.4, split=0.36, join=0.33, midpoint=0.4, slope=20.0)


@contextmanager
def large_library(photos: int, faces: int, named: int) -> Iterator[Store]:
    """A library with so many photos and faces, the first `named` of them of 300 people, the others in groups of ten."""
    vectors = np.zeros((faces, 8), np.float32)
    vectors[:, 0] = 1
    photo = np.random.default_rng(0).permutation(np.arange(faces) % photos)
    with simulated(vectors, photo, _THRESHOLDS, jpeg=_jpeg()) as (store, ids):
        with store.write():
            for number in range(PEOPLE):
                person = people.ensure(store, f"Person {number}").id
                said = [Decision("is", face, person) for face in ids[number:named:PEOPLE]]
                decisions.record(store, said, "typed")
        rest = ids[named:]
        grouped = [
            Group(number, tuple(rest[at : at + GROUP])) for number, at in enumerate(range(0, len(rest), GROUP), 1)
        ]
        groups.swap(store, NewClustering(current_embedder(store), {}, grouped))
        yield store


def _jpeg() -> bytes:
    """A small picture of about the size of a crop."""
    pixels = np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).resize((160, 160), PIL.Image.Resampling.BICUBIC).save(file, "JPEG", quality=85)
    return file.getvalue()
