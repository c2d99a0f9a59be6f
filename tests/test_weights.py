"""Weights are trusted by their hash alone; the cache may be lost, damaged or locked at any time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from phototag.config import cache_folder
from phototag.errors import WeightsError
from phototag.weights import PackagedWeights, cached

WEIGHTS = b"numbers" * 100


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with weights, which must never be imported."""
    folder = tmp_path / "site" / "some_weights"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "models" / "net.dat").write_bytes(WEIGHTS)
    monkeypatch.syspath_prepend(folder.parent)
    return folder


def weights(sha256: str = hashlib.sha256(WEIGHTS).hexdigest(), file: str = "models/net.dat") -> PackagedWeights:
    return PackagedWeights("some_weights", file, sha256)


def test_weights_are_found_without_importing_their_package(package: Path) -> None:
    assert weights().path() == package / "models" / "net.dat"
    assert weights().load() == WEIGHTS


def refused(weights: PackagedWeights, match: str) -> None:
    with pytest.raises(WeightsError, match=match) as caught:
        weights.load()
    assert caught.value.exit_code == 16
    assert f"pip install --force-reinstall {weights.package}" in str(caught.value)


def test_missing_weights(package: Path) -> None:
    refused(weights(file="models/other.dat"), "other.dat of the package some_weights is missing")
    refused(PackagedWeights("no_such_package_at_all", "net.dat", ""), "is missing")
    (package / "models" / "net.dat").unlink()
    (package / "models" / "net.dat").mkdir()
    refused(weights(), "is missing")


@pytest.mark.parametrize("content", [WEIGHTS[:-1], WEIGHTS + b"\0", b"", b"\x80\x04malicious pickle"])
def test_other_weights_are_not_used(package: Path, content: bytes) -> None:
    (package / "models" / "net.dat").write_bytes(content)
    refused(weights(), "nothing of it was used")


# --- the cache ---


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTOTAG_CACHE", str(tmp_path / "deep" / "cache"))
    return tmp_path / "deep" / "cache"


class Build:
    calls = 0

    def __call__(self) -> bytes:
        self.calls += 1
        return WEIGHTS


def test_what_was_built_is_kept(cache: Path) -> None:
    build = Build()
    assert [cached("net.tflite", build) for _ in range(3)] == [WEIGHTS] * 3
    assert build.calls == 1
    assert os.listdir(cache) == ["net.tflite"]
    cached("other.tflite", build)
    assert build.calls == 2


@pytest.mark.parametrize("damage", [b"", b"x", bytes(32), hashlib.sha256(b"").digest()])
def test_a_damaged_cache_is_built_again(cache: Path, damage: bytes) -> None:
    build = Build()
    cached("net.tflite", build)
    whole = (cache / "net.tflite").read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for broken in (damage, whole[:-1], whole + b"\0", bytes(flipped)):
        (cache / "net.tflite").write_bytes(broken)
        assert cached("net.tflite", build) == WEIGHTS
        assert (cache / "net.tflite").read_bytes() == whole
    assert build.calls == 5


def test_a_cache_that_cannot_be_written_costs_time_only(cache: Path) -> None:
    build = Build()
    cache.parent.mkdir()
    cache.touch()  # a file where the folder should be
    assert [cached("net.tflite", build) for _ in range(2)] == [WEIGHTS] * 2
    assert build.calls == 2
    cache.unlink()
    (cache / "net.tflite").mkdir(parents=True)
    assert cached("net.tflite", build) == WEIGHTS
    assert os.listdir(cache) == ["net.tflite"]  # nothing half-written lies about


LOCKED = """
import os, sys
from phototag.weights import cached
if os.geteuid() == 0:
    os.seteuid(65534)
assert cached("net.tflite", lambda: b"built") == b"built"
"""


def test_a_read_only_cache_costs_time_only(cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o555)
    environment = {**os.environ, "PHOTOTAG_CACHE": str(cache)}
    subprocess.run([sys.executable, "-c", LOCKED], env=environment, check=True, timeout=60)
    assert os.listdir(cache) == []


def test_a_build_that_fails_leaves_nothing(cache: Path) -> None:
    def broken() -> bytes:
        raise WeightsError("no")

    with pytest.raises(WeightsError):
        cached("net.tflite", broken)
    assert not cache.exists()


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHOTOTAG_CACHE", raising=False)
    assert cache_folder().name == "phototag"
    monkeypatch.setenv("PHOTOTAG_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere")


def test_a_cache_that_cannot_be_written_says_a_word(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert cached("net.tflite", Build()) == WEIGHTS
    assert caplog.messages == [
        f"net.tflite can't be kept in {cache} (No space left on device) and is made again in each run: free space "
        "there, or name another folder with PHOTOTAG_CACHE"
    ]
    assert os.listdir(cache) == []


def test_what_is_kept_is_asked_about_before_it_is_used(cache: Path) -> None:
    cached("net.tflite", lambda: b"first")
    assert cached("net.tflite", lambda: b"second", lambda data: data == b"first") == b"first"
    assert cached("net.tflite", lambda: b"second", lambda data: data != b"first") == b"second"
    assert cached("net.tflite", Build()) == b"second"
