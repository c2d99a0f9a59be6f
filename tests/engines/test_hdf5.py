"""Arrays come out of Keras' HDF5 files; whatever else is in such a file is refused or never looked at."""

from __future__ import annotations

import os
import pickle
import signal
import time
import zipfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import h5py
import numpy as np
import pytest

from phototag.engines.formats import hdf5
from phototag.engines.formats.arrays import Arrays, Shapes, from_npz, to_npz
from phototag.engines.formats.hdf5 import read_hdf5
from phototag.engines.runtimes import isolated
from phototag.errors import WeightsError
from tests.support.keras_files import write_hdf5

ARRAYS: Arrays = {
    "conv1/kernel": np.arange(24, dtype=np.float32).reshape(2, 2, 3, 2),
    "conv1/bias": np.array([0.5, -0.5], np.float32),
    "bn1/bias": np.array([3, 4], np.float32),
    "bn1/moving_variance": np.array([1, 2], np.float32),
}
SHAPES: Shapes = {name: array.shape for name, array in ARRAYS.items()}


def read(path: Path) -> Arrays:
    return read_hdf5(path, lambda found: SHAPES)


def same(found: Arrays, expected: Arrays) -> bool:
    return found.keys() == expected.keys() and all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("whole_model", [False, True])
def test_arrays_come_back(whole_model: bool, tmp_path: Path) -> None:
    found = read(write_hdf5(tmp_path / "w.h5", ARRAYS, whole_model=whole_model, plain=["input_1", "relu"]))
    assert same(found, ARRAYS)
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}


@pytest.mark.usefixtures("at_once")
def test_other_spellings_of_the_same(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names0"] = ["conv1"]  # texts, not bytes, and in parts
        file.attrs["layer_names1"] = ["bn1"]
        conv, norm = file.create_group("conv1"), file.create_group("bn1")
        conv.attrs["weight_names"] = ["bias", "conv1/kernel"]
        norm.attrs["weight_names"] = ["bias", "moving_variance:0"]
        conv["conv1/kernel"] = ARRAYS["conv1/kernel"].astype(np.float64)
        conv["bias"] = ARRAYS["conv1/bias"].astype(np.float16)
        norm["bias"] = ARRAYS["bn1/bias"]
        norm["moving_variance:0"] = ARRAYS["bn1/moving_variance"]
    assert same(read(path), ARRAYS)


@pytest.mark.usefixtures("at_once")
def test_layers_are_renamed(tmp_path: Path) -> None:
    old = {name.replace("conv1", "first"): array for name, array in ARRAYS.items()}
    path = write_hdf5(tmp_path / "w.h5", old)
    assert same(read_hdf5(path, lambda found: SHAPES, lambda layer: layer.replace("first", "conv1")), ARRAYS)
    with pytest.raises(WeightsError, match="two layers of one name"):
        read_hdf5(path, lambda found: SHAPES, lambda layer: "conv1")


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda arrays: arrays.pop("conv1/bias"), "conv1/bias is missing"),
        (lambda arrays: arrays.update({"dense/kernel": np.ones((2, 2), np.float32)}), "dense/kernel belongs to ano"),
        (lambda arrays: arrays.update({"conv1/bias": np.ones(3, np.float32)}), "conv1/bias is 3 and must be 2"),
        (lambda arrays: arrays.update({"conv1/bias": np.ones((2, 1), np.float32)}), "is 2×1 and must be 2"),
        (lambda arrays: arrays.update({"conv1/bias": np.float32(1)}), "is a single number and must be 2"),
        (lambda arrays: arrays.update({"conv1/bias": np.array([1, np.nan], np.float32)}), "not finite"),
        (lambda arrays: arrays.update({"conv1/bias": np.array([1, 1e300])}), "not finite"),
        (lambda arrays: arrays.update({"bn1/moving_variance": np.array([1, -1], np.float32)}), "variances below 0"),
        (lambda arrays: arrays.update({"conv1/bias": np.array([1, 2])}), "no plain array of floats"),
        (lambda arrays: arrays.update({"conv1/bias": np.array([b"a", b"b"])}), "no plain array of floats"),
    ],
)
def test_other_arrays_are_refused(spoil: Callable[[Arrays], object], words: str, tmp_path: Path) -> None:
    arrays = dict(ARRAYS)
    spoil(arrays)
    with pytest.raises(WeightsError, match=words):
        read(write_hdf5(tmp_path / "w.h5", arrays))


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps({}))


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: None, "can't be read"),
        (lambda path: path.mkdir(), "can't be read"),
        (lambda path: path.write_bytes(b""), "not HDF5"),
        (lambda path: path.write_bytes(pickle.dumps({"conv1": 1})), "a pickle, which may run code"),
        (zipped, "a zip archive"),
        (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n"), "can't be read as HDF5"),
        (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(5000)), "can't be read as HDF5"),
        (lambda path: h5py.File(path, "w").close(), "no layer_names"),
    ],
)
def test_what_is_no_weights_file_is_refused(write: Callable[[Path], object], words: str, tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    write(path)
    with pytest.raises(WeightsError, match=words):
        read(path)


@pytest.mark.usefixtures("at_once")
def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    data = write_hdf5(tmp_path / "w.h5", ARRAYS).read_bytes()
    for length in range(0, len(data), 97):
        path = tmp_path / "short.h5"
        path.write_bytes(data[:length])
        with pytest.raises(WeightsError):
            read(path)


def hangs(where: str, connection: Connection) -> None:
    time.sleep(100)


def falls_over(where: str, connection: Connection) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.parametrize(
    ("serve", "timeout", "words"), [(hangs, 1.0, "busy without end"), (falls_over, 60.0, "fall over")]
)
def test_what_breaks_the_library_is_refused(
    serve: Callable[[str, Connection], None],
    timeout: float,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hdf5, "_serve", serve)
    monkeypatch.setattr(isolated, "TIMEOUT", timeout)
    with pytest.raises(WeightsError, match=words):
        read(write_hdf5(tmp_path / "w.h5", ARRAYS))


def linked_out(group: h5py.Group, other: Path) -> None:
    group["bias"] = h5py.ExternalLink(str(other), "/secret")


def linked_about(group: h5py.Group, other: Path) -> None:
    group["bias"] = h5py.SoftLink("/conv1/kernel")


def stored_out(group: h5py.Group, other: Path) -> None:
    group.create_dataset("bias", (2,), np.float32, external=[(str(other), 0, 8)])


def virtual(group: h5py.Group, other: Path) -> None:
    layout = h5py.VirtualLayout((2,), np.float32)
    layout[:] = h5py.VirtualSource(str(other), "secret", (2,))
    group.create_virtual_dataset("bias", layout)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("make", [linked_out, linked_about, stored_out, virtual])
def test_no_other_file_is_read(make: Callable[[h5py.Group, Path], None], tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["secret"] = np.ones(2, np.float32)
    path = tmp_path / "w.h5"
    with h5py.File(write_hdf5(path, ARRAYS), "a") as file:
        make(file["conv1"], other)
        file["conv1"].attrs["weight_names"] = [b"conv1_1/kernel:0", b"bias"]
    with pytest.raises(WeightsError, match=r"bias (is missing or lies elsewhere|is no plain array)"):
        read(path)


@pytest.mark.usefixtures("at_once")
def test_a_claim_of_endless_numbers_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with h5py.File(write_hdf5(path, ARRAYS), "a") as file:
        file["conv1"].create_dataset("bias", (1 << 40,), np.float32, chunks=(1 << 20,))
        file["conv1"].attrs["weight_names"] = [b"conv1_1/kernel:0", b"bias"]
    assert path.stat().st_size < 100_000
    with pytest.raises(WeightsError, match="must be 2"):
        read(path)


def test_packed_arrays_come_back_and_are_the_same_bytes_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    data = to_npz(ARRAYS)
    assert same(from_npz(data, "here"), ARRAYS)
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert to_npz(dict(reversed(ARRAYS.items()))) == data


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", pickle.dumps([1]), to_npz(ARRAYS)[:-30]])
def test_what_was_not_packed_is_refused(data: bytes) -> None:
    with pytest.raises(WeightsError, match="here holds no arrays"):
        from_npz(data, "here")
