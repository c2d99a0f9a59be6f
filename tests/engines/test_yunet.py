"""YuNet: its cells become boxes and landmarks, large and small, and only its own weights are taken."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from phototag.engines import registry
from phototag.engines.detectors.yunet import prepare
from phototag.engines.spec import EngineOptions
from phototag.errors import UsageError, WeightsError
from phototag.types import RGB, Box, Detector
from tests.support.onnx_files import card, embedder

pytest.importorskip("onnxruntime")
pytestmark = [pytest.mark.data, pytest.mark.usefixtures("at_once")]


@pytest.fixture(scope="module")
def own_engines(data: Path, tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOTOTAG_ENGINES", str(tmp_path_factory.mktemp("engines")))
        registry.add("yunet", "yunet", data / "models" / "yunet_n_dynamic.onnx")
        yield


@pytest.fixture(scope="module")
def yunet(own_engines: object) -> Detector:
    return registry.make_detector("yunet", EngineOptions())


def shown(portrait: RGB, size: tuple[int, int], at: tuple[int, int], factor: float) -> RGB:
    """A grey picture of `size` with the portrait in it, `factor` times its size."""
    picture = Image.fromarray(portrait)
    picture = picture.resize((round(picture.width * factor), round(picture.height * factor)))
    canvas = Image.new("RGB", size, (90, 90, 90))
    canvas.paste(picture, at)
    return np.asarray(canvas)


@pytest.mark.parametrize("factor", [0.2, 0.4, 1.0, 2.0, 3.0, 4.0, 6.0])
def test_one_face_whatever_its_size(factor: float, yunet: Detector, mtcnn: Detector, portraits: list[RGB]) -> None:
    for portrait in portraits:
        expected = mtcnn.detect([portrait])[0][0]
        side = 300 + int(max(portrait.shape) * factor)
        [face] = yunet.detect([shown(portrait, (side, side - 7), (40, 60), factor)])[0]
        box = expected.box.scaled(factor)
        assert face.box.iou(Box(box.x + 40, box.y + 60, box.w, box.h)) > 0.6
        assert face.score > 0.8
        theirs = np.array(expected.landmarks) * factor + (40, 60)
        assert np.abs(np.array(face.landmarks) - theirs).max() < 0.12 * box.w


def test_red_and_blue_are_not_confused(yunet: Detector, portraits: list[RGB]) -> None:
    """The network was taught blue first: it is surer of a face in its true colours."""
    for portrait in portraits:
        true, false = yunet.detect([portrait, portrait[..., ::-1]])
        assert not false or true[0].score > false[0].score


def test_the_least_size_is_respected(own_engines: object, portraits: list[RGB]) -> None:
    picture = shown(portraits[0], (400, 400), (40, 40), 0.5)
    [face] = registry.make_detector("yunet", EngineOptions(min_face=20)).detect([picture])[0]
    size = max(face.box.w, face.box.h)
    for min_face, count in ((int(size), 1), (int(size) + 1, 0)):
        detector = registry.make_detector("yunet", EngineOptions(min_face=min_face))
        assert len(detector.detect([picture])[0]) == count
        assert dict(detector.info.parameters)["min_face"] == str(min_face)


def test_it_tells_whether_it_is_on_a_gpu(own_engines: object, monkeypatch: pytest.MonkeyPatch) -> None:
    for providers, there in (
        (["CPUExecutionProvider"], False),
        (["CUDAExecutionProvider", "CPUExecutionProvider"], True),
    ):
        monkeypatch.setattr("onnxruntime.InferenceSession.get_providers", lambda _, providers=providers: providers)
        assert registry.on_gpu(registry.make_detector("yunet", EngineOptions())) == there


def test_nothing_where_there_is_nothing(yunet: Detector) -> None:
    shapes = [(480, 640), (1, 1), (8, 3000), (3000, 8), (1, 500), (13, 13), (33, 31)]
    for shape in shapes:
        black = np.zeros((*shape, 3), np.uint8)
        assert yunet.detect([black, black + 255]) == [[], []]
    assert yunet.detect([]) == []


def test_boxes_lie_inside_and_views_will_do(yunet: Detector, portraits: list[RGB]) -> None:
    for portrait in portraits:
        height, width = portrait.shape[:2]
        for part in (portrait[:, : width // 2], portrait[height // 5 :], portrait[::-1][::-1]):
            for face in yunet.detect([part])[0]:
                assert 0 <= face.box.x < face.box.x + face.box.w <= part.shape[1]
                assert 0 <= face.box.y < face.box.y + face.box.h <= part.shape[0]
                assert len(face.landmarks) == 5


def test_only_a_yunet_is_taken(data: Path, tmp_path: Path) -> None:
    whole = (data / "models" / "yunet_n_dynamic.onnx").read_bytes()
    for content, match in (
        (whole[:-1], "no ONNX model"),
        (whole[: len(whole) // 2], "no ONNX model"),
        (b"\x80\x04pickle", "a pickle"),
        (embedder(), "no YuNet: it has no output called cls_8"),
        (whole.replace(b"kps_32", b"kps_64"), "no output called kps_32"),
    ):
        (tmp_path / "model.onnx").write_bytes(content)
        with pytest.raises(WeightsError, match=match):
            prepare(tmp_path / "model.onnx", None)
    with pytest.raises(UsageError, match="no card"):
        prepare(data / "models" / "yunet_n_dynamic.onnx", card())


def test_all_annotated_faces_and_no_other(data: Path, yunet: Detector) -> None:
    annotated = _annotated(data)
    assert sum(len(boxes) for _, boxes, _ in annotated) > 60
    missed = false = 0
    for path, boxes, ignored in annotated:
        found = [face.box for face in yunet.detect([np.asarray(Image.open(path).convert("RGB"))])[0]]
        missed += sum(all(box.iou(other) < 0.5 for other in found) for box in boxes)
        false += sum(all(box.iou(other) < 0.3 for other in boxes + ignored) for box in found)
    assert (missed, false) == (0, 0)


def _annotated(data: Path) -> list[tuple[Path, list[Box], list[Box]]]:
    """Photos of the album and of dlib's examples, their faces, and regions that don't count."""
    photos: dict[Path, tuple[list[Box], list[Box]]] = {}
    for name in ("training.xml", "testing.xml"):
        for image in ElementTree.parse(data / "face-boxes" / name).iter("image"):
            boxes: tuple[list[Box], list[Box]] = ([], [])
            for box in image.iter("box"):
                sides = (float(box.attrib[side]) for side in ("left", "top", "width", "height"))
                boxes[box.get("ignore") == "1"].append(Box(*sides))
            photos[data / "face-boxes" / image.attrib["file"]] = boxes
    for name, faces in json.loads((data / "album" / "group_annotations.json").read_text()).items():
        corners = [face["box"] for face in faces]
        photos[data / "album" / "group" / name] = (
            [Box(x, y, right - x, down - y) for x, y, right, down in corners],
            [],
        )
    return [(path, *boxes) for path, boxes in photos.items() if path.exists()]
