"""Bursts and copies count once."""

from __future__ import annotations

import numpy as np

from phototag.learn.appearances import appearances
from tests.learn.people import centres, faces


def test_a_burst_is_one_appearance() -> None:
    vectors = faces(centres(1)[0], 6)
    found = appearances(vectors, [0.0, 3600.0, 50.0, 3590.0, 100.0, None], 0.4)
    assert found[0] == found[2] == found[4]
    assert found[1] == found[3]
    assert len(set(found.tolist())) == 3


def test_copies_of_a_photo_are_one_appearance() -> None:
    vectors = faces(centres(1)[0], 3)
    copy = vectors[:1] + 0.001
    vectors = np.concatenate([vectors, copy / np.linalg.norm(copy)]).astype(np.float32)
    found = appearances(vectors, [None] * 4, 0.4)
    assert found[0] == found[3]
    assert len(set(found.tolist())) == 3
    assert len(set(appearances(np.repeat(vectors[:1], 40, axis=0), [None] * 40, 0.4).tolist())) == 1


def test_few_faces() -> None:
    assert appearances(centres(1), [None], 0.4).tolist() == [0]
    assert appearances(centres(2), [None, 5.0], 0.4).tolist() == [0, 1]
    assert appearances(centres(2), [5.0, 5.0], 0.4).tolist() == [0, 0]
