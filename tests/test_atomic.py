"""A file is replaced whole or not at all, and a full disk is told in one way."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from phototag import atomic
from phototag.errors import DiskFullError


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"one", b"", b"another" * 100_000):
        atomic.write_bytes(path, data)
        assert path.read_bytes() == data
        assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["file"]


def test_it_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    happened: list[object] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: happened.append(os.fstat(handle).st_size) or fsync(handle))
    monkeypatch.setattr(os, "replace", lambda *names: happened.append("replaced") or replace(*names))
    atomic.write_bytes(path, b"data")
    assert happened == [4, "replaced"]


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_after_a_failure_the_old_file_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if step != "write":
        monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space"), atomic.replacing(path) as file:
        file.write(b"new")
        if step == "write":
            fail()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), atomic.replacing(tmp_path / "file"):
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_is_the_callers_to_make(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic.write_bytes(tmp_path / "absent" / "file", b"")


@pytest.mark.parametrize(
    ("number", "full"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EACCES, False), (errno.EIO, False)]
)
def test_which_errors_mean_a_full_disk(number: int, full: bool) -> None:
    assert atomic.is_disk_full(OSError(number, "")) is full


def test_a_full_disk_names_the_folder_that_is_there(tmp_path: Path) -> None:
    odd = tmp_path / "odd\nname"
    odd.mkdir()
    error = atomic.disk_full(odd / "absent" / "deep", "the album is as it was")
    assert isinstance(error, DiskFullError)
    told, _, rest = str(error).partition(" (")
    assert told == f"disk full on {tmp_path}/odd\\x0aname"
    assert rest.endswith(" B free): the album is as it was; free space and run the same command again")
