"""dlib's own detector behind our protocol."""

from __future__ import annotations

import numpy as np
from PIL import Image

from phototag.engines.detectors.dlib_hog import DlibHog
from phototag.engines.spec import EngineOptions
from phototag.types import RGB


def test_faces_smaller_than_asked_for_are_left_out(portraits: list[RGB]) -> None:
    [best] = DlibHog(EngineOptions()).detect([portraits[1]])[0][:1]
    side = int(best.box.w)
    assert best in DlibHog(EngineOptions(min_face=side)).detect([portraits[1]])[0]
    assert best not in DlibHog(EngineOptions(min_face=side + 2)).detect([portraits[1]])[0]


def test_faces_of_fifty_pixels_are_found_by_doubling(portraits: list[RGB]) -> None:
    detector = DlibHog(EngineOptions())
    [best] = detector.detect([portraits[1]])[0][:1]
    factor = 50 / best.box.w
    picture = Image.fromarray(portraits[1])
    small = np.asarray(picture.resize((round(picture.width * factor), round(picture.height * factor))))
    assert any(face.box.iou(best.box.scaled(factor)) > 0.5 for face in detector.detect([small])[0])


def test_the_version_of_dlib_is_part_of_its_identity() -> None:
    assert "dlib" in dict(DlibHog(EngineOptions()).info.parameters)
