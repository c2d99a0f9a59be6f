"""ONNX embedders: they see what their card says, and nothing that disagrees with it is ever kept."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phototag.engines import catalogue, installation, registry
from phototag.engines.embedders import onnx_embedder
from phototag.engines.embedders.onnx_embedder import HOW, OnnxEmbedder, prepare
from phototag.engines.formats.card import Card
from phototag.engines.formats.onnx_graph import leads_elsewhere
from phototag.engines.runtimes import isolated
from phototag.engines.spec import EngineOptions
from phototag.errors import UsageError, WeightsError
from phototag.imaging.align import align
from phototag.types import RGB, Chips, Detector
from tests.support.onnx_files import card, embedder, field, matrix

pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.usefixtures("at_once")


IN_A_PROCESS = isolated.isolated_process


@pytest.fixture(autouse=True)
def own_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTOTAG_ENGINES", str(tmp_path / "engines"))
    return tmp_path / "engines"


@pytest.fixture
def pixels() -> Chips:
    return np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3), np.uint8)


def made(tmp_path: Path, model: bytes, seen: Card, name: str = "mine") -> OnnxEmbedder:
    path = tmp_path / f"{name}.onnx"
    path.write_bytes(model)
    registry.add(name, "onnx", path, seen)
    engine = registry.make_embedder(name, EngineOptions())
    assert isinstance(engine, OnnxEmbedder)
    return engine


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), ("n", 3, 8, 8), (2, 3, 8, 8), (1, 8, 8, 3), ("n", 3, "h", "w")])
def test_what_the_network_sees(shape: tuple[int | str, ...], tmp_path: Path, pixels: Chips) -> None:
    seen = card(mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4), scale=1 / 255)
    engine = made(tmp_path, embedder(shape), seen)
    inputs = (pixels / 255 - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.4]
    if shape[3] != 3:
        inputs = inputs.transpose(0, 3, 1, 2)
    assert np.allclose(engine.embed(pixels), unit(inputs.reshape(5, -1) @ matrix()), atol=1e-5)
    assert engine.embed(pixels[:0]).shape == (0, 4)


def test_blue_first(tmp_path: Path, pixels: Chips) -> None:
    rgb = made(tmp_path, embedder(), card(mean=(1, 2, 3)), "rgb")
    bgr = made(tmp_path, embedder(), card(mean=(1, 2, 3), channels="bgr"), "bgr")
    assert np.allclose(bgr.embed(pixels), rgb.embed(pixels[..., ::-1]), atol=1e-6)
    assert rgb.info != bgr.info


def test_the_mirror_image_is_summed_before_normalising(tmp_path: Path, pixels: Chips) -> None:
    engine = made(tmp_path, embedder(), card(flip=True))
    flat = [chips.transpose(0, 3, 1, 2).reshape(5, -1) @ matrix() for chips in (pixels, pixels[:, :, ::-1])]
    assert np.allclose(engine.embed(pixels), unit(flat[0] + flat[1]), atol=1e-5)


def test_its_identity_is_the_file_and_all_that_changes_numbers(tmp_path: Path) -> None:
    engine = made(tmp_path, embedder(), card())
    info = engine.info
    assert (info.kind, info.name, info.dim, info.chip_size) == ("embedder", "mine", 4, 8)
    assert (info.alignment, info.thresholds) == ("arcface-5-point", card().thresholds)
    assert info.weights_sha256 == hashlib.sha256(embedder()).hexdigest()
    for changed in (card(flip=True), card(scale=0.5), card(mean=(1, 0, 0)), card(alignment="dlib-5-point")):
        installation.remove("mine")
        assert made(tmp_path, embedder(), changed).info.parameters != info.parameters


def _pickle() -> bytes:
    return pickle.dumps({"weights": [1.0]})


def _archive() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("archive/data.pkl", _pickle())
    return data.getvalue()


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (b"", "no ONNX model"),
        (b"not a network at all", "no ONNX model"),
        (_pickle(), "no ONNX model but a pickle, which may run code when it is read; nothing of it was used"),
        (_archive(), "no ONNX model but a zip archive"),
        (embedder()[:-1], "no ONNX model"),
        (embedder()[:1000], "no ONNX model"),
        (embedder((1, 3, 9, 9), np.ones((243, 4), np.float32)), "takes 1 × 3 × 9 × 9"),
        (embedder((1, 1, 8, 24)), "takes 1 × 1 × 8 × 24"),
        (embedder((3, 192)), "takes 3 × 192"),
        (embedder(kind=11), "double|no ONNX model"),
        (embedder(weights=np.ones((192, 5), np.float32)), "yields 1 × 5, and the card says dim = 4"),
        (embedder(weights=np.full((192, 4), np.nan, np.float32)), "not finite"),
        (embedder(weights=np.full((192, 4), 3e38, np.float32)), "not finite"),
        (embedder(weights=np.zeros((192, 4), np.float32)), "nothing but zeros"),
        (embedder(inputs=2), "2 inputs"),
    ],
)
def test_nothing_that_disagrees_with_its_card_is_kept(
    model: bytes, match: str, tmp_path: Path, own_engines: Path
) -> None:
    (tmp_path / "model.onnx").write_bytes(model)
    with pytest.raises(WeightsError, match=match) as caught:
        registry.add("mine", "onnx", tmp_path / "model.onnx", card())
    assert caught.value.exit_code == 16
    assert not (own_engines / "mine").exists()


@pytest.mark.parametrize("place", [lambda folder: "w.bin", lambda folder: f"../{folder.name}/w.bin", str])
def test_weights_in_another_file_are_refused(
    place: Callable[[Path], str], tmp_path: Path, own_engines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.bin").write_bytes(matrix().tobytes())
    model = embedder(elsewhere=place(tmp_path))
    (tmp_path / "model.onnx").write_bytes(model)
    with pytest.raises(WeightsError, match="its weights lie in another file: save the model as one file") as caught:
        registry.add("mine", "onnx", tmp_path / "model.onnx", card())
    assert caught.value.exit_code == 16
    assert not (own_engines / "mine").exists()
    # Nor an installed one, from before that was looked at.
    kept = installation.save("mine", "onnx", installation.PreparedWeights(model, ".onnx"), card())
    with pytest.raises(WeightsError, match="in another file"):
        registry.make_embedder(kept.name, EngineOptions())


def test_no_corner_of_a_model_hides_another_file() -> None:
    tensor = field(14, 1)
    assert not leads_elsewhere(field(7, field(5, field(14, 0) + field(9, "\x0b\x70\x01"))))
    for model in (
        field(7, field(5, tensor)),
        field(7, b"") + field(7, field(5, field(9, b"") + tensor)),  # a message may come in parts
        field(7, field(1, field(5, field(5, tensor)))),  # a constant
        field(7, field(1, field(5, field(6, field(5, tensor))))),  # a branch's
        field(7, field(15, field(1, tensor))),  # a sparse one
        field(25, field(7, field(5, field(10, tensor)))),  # a function's
        field(7, field(5, b"\x75\x00\x00\x00\x00" + tensor[:1] + b"\x81\x80\x00")),  # a number longer than need be
    ):
        assert leads_elsewhere(model)
    for broken in (b"\x3a\x05", b"\x3a", b"\x80" * 11, b"\x3b", b"\x3d\x00"):
        with pytest.raises(ValueError, match=r"it ends|it has a field|no end"):
            leads_elsewhere(broken)


@pytest.mark.parametrize("family", ["onnx", "yunet"])
def test_what_does_not_fit_is_never_run(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    levels = []

    class Session(onnxruntime.InferenceSession):
        def __init__(self, data: bytes, settings: onnxruntime.SessionOptions, **more: object) -> None:
            levels.append(settings.graph_optimization_level)
            super().__init__(data, settings, **more)

    monkeypatch.setattr("onnxruntime.InferenceSession", Session)
    (tmp_path / "model.onnx").write_bytes(embedder((1, 3, 9, 9), np.ones((243, 4), np.float32)))
    with pytest.raises(WeightsError, match=r"takes 1 × 3 × 9 × 9|no YuNet"):
        registry.add("mine", family, tmp_path / "model.onnx", card() if family == "onnx" else None)
    assert levels == [onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL]  # else constants are worked out at once


def falls_over(data: bytes, card: Card, where: str) -> None:
    os.write(2, b"a last word")
    os.kill(os.getpid(), signal.SIGSEGV)


def hangs(data: bytes, card: Card, where: str) -> None:
    time.sleep(100)


@pytest.mark.parametrize(
    ("check", "timeout", "words"),
    [(hangs, 1.0, "keeps onnxruntime busy without end"), (falls_over, 60.0, "makes onnxruntime fall over")],
)
def test_a_model_that_breaks_onnxruntime_is_refused(
    check: Callable[..., None],
    timeout: float,
    words: str,
    tmp_path: Path,
    own_engines: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(onnx_embedder, "_check_model", check)
    monkeypatch.setattr(isolated, "TIMEOUT", timeout)
    monkeypatch.setattr(isolated, "isolated_process", IN_A_PROCESS)
    (tmp_path / "model.onnx").write_bytes(embedder())
    with pytest.raises(WeightsError, match=words):
        registry.add("mine", "onnx", tmp_path / "model.onnx", card())
    assert not own_engines.exists()
    assert capfd.readouterr().err == ""


def test_no_file_and_no_card(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"absent\.onnx can't be read: No such file"):
        prepare(tmp_path / "absent.onnx", card())
    with pytest.raises(WeightsError, match="can't be read: Is a directory"):
        prepare(tmp_path, card())
    with pytest.raises(UsageError, match="needs a card") as caught:
        prepare(tmp_path / "absent.onnx", None)
    assert caught.value.remedy == HOW  # which names --card


def test_a_model_changed_after_it_was_installed_is_not_parsed(
    tmp_path: Path, own_engines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, embedder(), card())
    (own_engines / "mine" / "weights.onnx").write_bytes(embedder(weights=matrix(7)))
    monkeypatch.setattr(
        "phototag.engines.embedders.onnx_embedder.OnnxModel", lambda *given: pytest.fail("it was parsed")
    )
    with pytest.raises(WeightsError, match="SHA-256"):
        registry.make_embedder("mine", EngineOptions())


@pytest.mark.filterwarnings("ignore:Specified provider")
@pytest.mark.parametrize("named", [[], ["CUDAExecutionProvider"]])  # also if named: by a package without its GPU
def test_no_gpu_here(named: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("onnxruntime may find a GPU here")
    made(tmp_path, embedder(), card())
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [*named, "CPUExecutionProvider"])
    registry.make_embedder("mine", EngineOptions(device="auto"))
    with pytest.raises(UsageError, match="finds no GPU"):
        registry.make_embedder("mine", EngineOptions(device="gpu"))


def test_it_tells_whether_it_is_on_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, embedder(), card())
    for providers, there in (
        (["CPUExecutionProvider"], False),
        (["CUDAExecutionProvider", "CPUExecutionProvider"], True),
    ):
        monkeypatch.setattr("onnxruntime.InferenceSession.get_providers", lambda _, providers=providers: providers)
        assert registry.on_gpu(registry.make_embedder("mine", EngineOptions())) == there


def test_without_onnxruntime(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(embedder())
    script = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "from pathlib import Path\n"
        "from phototag.engines.runtimes.onnx import OnnxModel\n"
        "from phototag.engines.spec import EngineOptions\n"
        "from phototag.errors import UsageError\n"
        "try: OnnxModel(Path(sys.argv[1]).read_bytes(), EngineOptions(), 'x')\n"
        "except UsageError as error: print(error)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "model.onnx")], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "this engine needs onnxruntime: run `pip install 'phototag[onnx]'`\n"


@pytest.mark.data
def test_mobilefacenet_tells_people_apart(data: Path, portraits: list[RGB], engine: object, mtcnn: Detector) -> None:
    entry = next(entry for entry in catalogue.entries() if entry.name == "mobilefacenet")
    assert entry.card is not None
    registry.add("mobilefacenet", "onnx", data / "models" / "mobilefacenet.onnx", entry.card)
    embedder = registry.make_embedder("mobilefacenet", EngineOptions())
    info = embedder.info
    assert (info.weights_sha256, info.dim, info.chip_size) == (entry.sha256, 128, 112)
    chips = []
    for portrait in portraits:
        picture = Image.fromarray(portrait)
        for variant in (picture, picture.rotate(12), picture.resize((picture.width // 2, picture.height // 2))):
            image = np.asarray(variant)
            face = mtcnn.detect([image])[0][0]
            chips.append(align(image, [face.box], alignment=info.alignment, size=112, landmarks=[face.landmarks])[0])
            chips.append(align(image, [face.box], alignment=info.alignment, size=112)[0])  # without landmarks
    vectors = embedder.embed(np.stack(chips))
    assert np.allclose(vectors, np.concatenate([embedder.embed(chip[np.newaxis]) for chip in chips]), atol=1e-5)
    distances = np.linalg.norm(vectors[:, np.newaxis] - vectors, axis=2)
    assert info.thresholds is not None
    assert max(distances[:6, :6].max(), distances[6:, 6:].max()) < info.thresholds.same < distances[:6, 6:].min()
    assert np.allclose(embedder.embed(np.stack(chips)[:, :, ::-1]), vectors, atol=1e-5)  # flip

    without = replace(entry.card, dim=127)
    with pytest.raises(WeightsError, match="dim = 127"):
        prepare(data / "models" / "mobilefacenet.onnx", without)
