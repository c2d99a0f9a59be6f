"""Groups of real photos, by the default engines."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from phototag import config
from phototag.learn.metrics import b_cubed
from phototag.progress import Silent
from phototag.store import faces
from phototag.store.connect import Store, open_store
from phototag.workflows.library.index import index
from phototag.workflows.recognition.cluster import cluster_faces

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def grouped(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The album and ten people's photos of LFW, in one library."""
    db = tmp_path_factory.mktemp("groups") / "phototag.db"
    with open_store(db, create=True) as store:
        index(store, [data / "album", data / "lfw-100"], replace(config.load(), db=db), Silent())
        cluster_faces(store, Silent())
        yield store


def test_two_faces_of_one_photo_are_in_two_groups(grouped: Store) -> None:
    together = Counter((face.photo_id, face.cluster) for face in faces.identified(grouped) if face.cluster is not None)
    assert len(together) > 100
    assert max(together.values()) == 1


def test_groups_are_people(grouped: Store) -> None:
    found: dict[int, list[faces.Identified]] = defaultdict(list)
    for face in faces.identified(grouped):
        found[face.photo_id].append(face)
    names, labels = [], []
    for photo, path in grouped.rows("SELECT photo, path FROM file WHERE instr(path, '/')"):
        who = Path(os.fsdecode(path)).parent.name
        if who != "group" and found[photo]:
            largest = max(found[photo], key=lambda face: face.box.w)
            names.append(who)
            labels.append(-1 if largest.cluster is None else largest.cluster)
    assert len(names) > 130
    score = b_cubed(names, labels)
    assert score.precision > 0.99
    assert score.f1 > 0.95
