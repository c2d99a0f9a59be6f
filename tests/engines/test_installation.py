"""Installed engines: whole or not at all, and no weights are trusted without their hash."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from phototag.engines import catalogue, installation, registry
from phototag.engines.formats import card as cards
from phototag.engines.formats.card import Card
from phototag.engines.installation import PreparedWeights
from phototag.engines.spec import EngineOptions
from phototag.errors import DiskFullError, PhototagError, UsageError, WeightsError
from phototag.progress import Silent
from phototag.remedies import AddEngineAgain, InstallEngine, RemoveEngine
from phototag.types import Thresholds
from tests.support.onnx_files import card

WHOLE = """
input_size = 112
alignment = "arcface-5-point"
dim = 128
channels = "bgr"
mean = [127.5, 127.5, 127]
std = [128, 128, 128.5]
scale = 2
flip = true
[thresholds]
same = 1.1
split = 1
join = 0.9
midpoint = 1.2
slope = 30
"""
LEAST = """
input_size = 112
alignment = "arcface-5-point"
dim = 128
thresholds = {same = 1.1, split = 1, join = 0.9, midpoint = 1.2, slope = 30}
"""


@pytest.fixture(autouse=True)
def own_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTOTAG_ENGINES", str(tmp_path / "engines"))
    return tmp_path / "engines"


def test_a_card_is_read() -> None:
    thresholds = Thresholds(1.1, 1.0, 0.9, 1.2, 30.0)
    assert cards.parse(WHOLE, "x") == Card(
        input_size=112, alignment="arcface-5-point", dim=128, thresholds=thresholds, channels="bgr",
        mean=(127.5, 127.5, 127.0), std=(128.0, 128.0, 128.5), scale=2.0, flip=True,
    )  # fmt: skip
    plain = cards.parse(LEAST, "x")
    assert (plain.channels, plain.mean, plain.std, plain.scale, plain.flip) == ("rgb", (0,) * 3, (1,) * 3, 1, False)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("dim = 128", "", "dim is missing"),
        ("dim = 128", "dim = 128.0", "dim is 128.0 and must be a whole number"),
        ("dim = 128", "dim = true", "dim is True"),
        ("dim = 128", "dim = 0", "dim is 0"),
        ("scale = 2", "scale = nan", "scale is nan and must be a number above 0"),
        ("scale = 2", "scale = 0", "scale is 0"),
        ("scale = 2", "sale = 2", "sale is no key of a card: use .*scale"),
        ("flip = true", "flip = 1", "flip is 1 and must be true or false"),
        ('"bgr"', '"rbg"', 'channels is .rbg. and must be "rgb" or "bgr"'),
        ('"arcface-5-point"', "5", "alignment is 5 and must be a text"),
        ("[127.5, 127.5, 127]", "127.5", "mean is 127.5 and must be three numbers"),
        ("[127.5, 127.5, 127]", "[1, 2]", "mean is .* and must be three numbers"),
        ("[128, 128, 128.5]", "[1, 0, 1]", "std must be above 0"),
        ("same = 1.1", "", "thresholds.same is missing"),
        ("same = 1.1", "same = '1'", "thresholds.same is '1'"),
        ("slope = 30", "slop = 30", "thresholds.slop is no key"),
        ("dim = 128", "dim =", "x can't be read as TOML"),
    ],
)
def test_a_card_that_makes_no_sense(old: str, new: str, match: str) -> None:
    assert old in WHOLE
    with pytest.raises(UsageError, match=match):
        cards.parse(WHOLE.replace(old, new, 1), "x")


def test_what_is_kept_comes_back(own_engines: Path) -> None:
    source = 'https://example.org/"odd"\\ü\x01name'
    kept = installation.save(
        "my-net.2", "onnx", PreparedWeights(b"weights", ".onnx"), card(flip=True, mean=(1 / 3, 0.0, -1e-9)),
        source=source, licence="CC0",
    )  # fmt: skip
    assert installation.find("my-net.2") == kept
    assert installation.installed_engines() == [kept]
    assert (kept.source, kept.licence, kept.family) == (source, "CC0", "onnx")
    assert kept.card == card(flip=True, mean=(1 / 3, 0.0, -1e-9))
    assert kept.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert installation.load(kept) == b"weights"
    assert kept.dim == 4
    plain = installation.save("a", "facenet", PreparedWeights(b"", ".npz", 512), None)
    assert installation.find("a") == plain
    assert plain.dim == 512
    assert installation.installed_engines() == [plain, kept]
    installation.remove("my-net.2")
    assert installation.installed_engines() == [plain]
    assert sorted(path.name for path in own_engines.iterdir()) == ["a"]


def test_nothing_installed() -> None:
    assert installation.installed_engines() == []
    assert installation.find("x") is None
    with pytest.raises(UsageError, match="no engine called x"):
        installation.remove("x")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/tmp/x", ".hidden", "Big", "a b", "x\n", "é", "a" * 65]
)
def test_no_name_leaves_the_folder_of_engines(name: str, own_engines: Path) -> None:
    (own_engines / "x").mkdir(parents=True)
    for act in (installation.remove, lambda name: installation.save(name, "onnx", PreparedWeights(b"", ".onnx"), None)):
        with pytest.raises(UsageError, match="is no name for an engine"):
            act(name)
    assert installation.find(name) is None
    assert [path.name for path in own_engines.iterdir()] == ["x"]


def test_a_name_is_given_once(tmp_path: Path) -> None:
    first = installation.save("x", "onnx", PreparedWeights(b"1", ".onnx"), card())
    with pytest.raises(UsageError, match="already") as caught:
        installation.save("x", "onnx", PreparedWeights(b"2", ".onnx"), card())
    assert caught.value.remedy == RemoveEngine("x")
    with pytest.raises(UsageError, match="already") as caught:  # before the long look at the weights
        registry.add("x", "onnx", tmp_path / "absent.onnx", card())
    assert caught.value.remedy == RemoveEngine("x")
    assert installation.load(first) == b"1"


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, DiskFullError, r"disk full on .* B free"),
        (errno.EROFS, UsageError, "can't be used .Read-only file"),
    ],
)
def test_a_failure_leaves_nothing(
    number: int, kind: type[PhototagError], words: str, own_engines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> str:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(installation, "_as_toml", failing)
    with pytest.raises(kind, match=words) as caught:
        installation.save("x", "onnx", PreparedWeights(b"1", ".onnx"), card())
    assert str(own_engines) in str(caught.value)
    assert list(own_engines.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_named(own_engines: Path) -> None:
    own_engines.write_text("a file")
    for use in (
        lambda: installation.save("x", "onnx", PreparedWeights(b"1", ".onnx"), card()),
        lambda: installation.find("x"),
        installation.installed_engines,
        lambda: catalogue.install(catalogue.entries()[0], Silent()),
    ):
        with pytest.raises(UsageError, match=r"can't be used .*name another one with PHOTOTAG_ENGINES") as caught:
            use()
        assert str(own_engines) in str(caught.value)


def test_an_engine_that_cannot_be_removed(own_engines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    installation.save("x", "onnx", PreparedWeights(b"1", ".onnx"), card())
    monkeypatch.setattr("shutil.rmtree", refused)
    with pytest.raises(UsageError, match=rf"{own_engines}, can't be used .Permission denied"):
        installation.remove("x")


@pytest.mark.parametrize("spoil", [b"WEIGHTS", b"weight", b"", None])
def test_changed_weights_are_refused(spoil: bytes | None) -> None:
    kept = installation.save("x", "onnx", PreparedWeights(b"weights", ".onnx"), card())
    path = kept.folder / kept.file
    path.unlink()
    if spoil is not None:
        path.write_bytes(spoil)
    with pytest.raises(WeightsError, match="SHA-256 differs" if spoil is not None else "can't be read") as caught:
        installation.load(kept)
    assert caught.value.remedy == AddEngineAgain("x")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:40],
        lambda text: text.replace('"weights.onnx"', '"../../secret"'),
        lambda text: text.replace('"weights.onnx"', '".."'),
        lambda text: text.replace('name = "x"', 'name = "y"'),
        lambda text: text.replace('family = "onnx"', "family = 3"),
        lambda text: text.replace('family = "onnx"\n', ""),
        lambda text: text.replace("dim = 4", "dim = -4"),
        lambda text: text + "colour = 1\n",
        lambda text: "",
    ],
)
def test_a_damaged_entry_is_named_and_can_be_removed(spoil: object) -> None:
    kept = installation.save("x", "onnx", PreparedWeights(b"weights", ".onnx"), card())
    entry = kept.folder / "engine.toml"
    text = entry.read_text()
    spoilt = spoil(text)  # type: ignore[operator]
    assert spoilt != text
    entry.write_text(spoilt)
    for look in (installation.installed_engines, lambda: installation.find("x")):
        with pytest.raises(WeightsError, match="can't be read") as caught:
            look()
        assert caught.value.remedy == AddEngineAgain("x")
    registry.make_detector("dlib-hog", EngineOptions())  # others still work
    installation.remove("x")
    assert installation.installed_engines() == []


def test_a_family_without_weights_says_how_to_bring_them() -> None:
    with pytest.raises(WeightsError, match="no weights yet") as caught:
        registry.make_detector("yunet", EngineOptions())
    assert caught.value.remedy == InstallEngine("yunet")
    assert caught.value.exit_code == 16


def test_only_families_take_weights(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'mtcnn' is no family .*known: .*onnx"):
        registry.add("x", "mtcnn", tmp_path)
    with pytest.raises(UsageError, match="'mtcnn' is the name of another engine"):
        registry.add("mtcnn", "onnx", tmp_path, card())
