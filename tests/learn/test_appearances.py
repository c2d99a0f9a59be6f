"""Bursts and copies count once."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from phototag.engines.registry import make_detector, make_embedder
from phototag.engines.spec import EngineOptions
from phototag.imaging.align import align
from phototag.learn.appearances import appearances
from phototag.types import Vectors
from tests.support.simulated_people import centres, faces


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


def test_a_copy_at_half_of_the_size_is_one_appearance_and_another_photo_is_not() -> None:
    vectors = np.array([[1, 0, 0], [1, 0.145, 0], [1, 0, 0.25]], np.float32)  # measured: .15, and seldom below .19
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = appearances(vectors, [None] * 3, 0.376)
    assert found[0] == found[1] != found[2]


def test_the_many_faces_of_one_person_do_not_hang_together() -> None:
    angles = np.arange(0, 6, 0.1)  # so many that each is near to the next: links would lead from all to all
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert 10 < len(set(appearances(vectors, [None] * 60, 0.4).tolist())) < 60
    assert len(set(appearances(vectors, [86_400.0 * day for day in range(60)], 0.4).tolist())) == 60


def test_dates_are_believed_and_undated_copies_follow_them() -> None:
    vectors = np.repeat(centres(1), 5, axis=0)
    found = appearances(vectors, [None, 9000.0, 0.0, 30.0, None], 0.4)
    assert found[2] == found[3] == found[0] == found[4] != found[1]


def test_few_faces() -> None:
    assert appearances(centres(1), [None], 0.4).tolist() == [0]
    assert appearances(centres(2), [None, 5.0], 0.4).tolist() == [0, 1]
    assert appearances(centres(2), [5.0, 5.0], 0.4).tolist() == [0, 0]


@pytest.mark.data
def test_real_copies_are_one_appearance_and_real_photos_are_not(data: Path) -> None:
    detector, embedder = make_detector("mtcnn", EngineOptions()), make_embedder("dlib-resnet", EngineOptions())
    thresholds = embedder.info.thresholds
    assert thresholds

    def look(photo: PIL.Image.Image) -> Vectors:
        rgb = np.asarray(photo)
        face = detector.detect([rgb])[0][0]
        info = embedder.info
        chips = align(rgb, [face.box], alignment=info.alignment, size=info.chip_size, landmarks=[face.landmarks])
        return embedder.embed(chips)[0]

    def saved(photo: PIL.Image.Image, factor: float, quality: int) -> PIL.Image.Image:
        file = io.BytesIO()
        small = photo.resize((round(photo.width * factor), round(photo.height * factor)), PIL.Image.Resampling.BICUBIC)
        small.save(file, "JPEG", quality=quality)
        return PIL.Image.open(file)

    photos = [PIL.Image.open(path) for path in sorted((data / "lfw-dev" / "Tom_Hanks").iterdir())[:4]]
    copies = [saved(photo, *how) for photo in photos for how in ((1, 60), (0.75, 80), (0.5, 80), (2, 90))]
    copies += [photo.crop((20, 10, 240, 235)) for photo in photos]
    vectors = np.stack([look(photo) for photo in (*photos, *copies)])
    found = appearances(vectors, [None] * len(vectors), thresholds.same)
    assert len(set(found[:4].tolist())) == 4
    assert found[4:].tolist() == found[[*np.repeat(range(4), 4), *range(4)]].tolist()
