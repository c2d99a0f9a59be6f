"""Folders, names and machines that mean ill, or just lack something."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Demo, Run


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_planted_modules_and_weights_are_not_run(demo: Demo, environment: dict[str, str], tmp_path: Path) -> None:
    for name in ("dlib", "numpy", "PIL", "mtcnn", "tensorflow", "face_recognition_models", "phototag_evil"):
        (tmp_path / f"{name}.py").write_text("open('executed', 'w')")
    (tmp_path / "pnet.lz4").write_bytes(b"cos\nsystem\n(S'touch executed'\ntR.")
    (tmp_path / "photos").mkdir()
    shutil.copy(demo.folder / "photos" / "people" / "Grace Hopper" / "1.jpg", tmp_path / "photos")
    done = subprocess.run(
        [sys.executable, "-m", "phototag", "run", "photos", "--db", "x.db", "--out", "out"],
        env=environment, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "executed").exists()


def test_the_photos_are_only_read(demo: Demo, phototag: Run, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(demo.folder / "photos", photos)
    before = tree(photos)
    for path in (photos, *photos.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert phototag("run", photos, "--db", tmp_path / "x.db", "--out", tmp_path / "out").returncode == 3
    finally:
        for path in (photos, *photos.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert tree(photos) == before


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_no_photo_is_opened_for_writing_and_a_second_index_opens_none(
    demo: Demo, environment: dict[str, str], tmp_path: Path
) -> None:
    db, photos = tmp_path / "x.db", demo.folder / "photos"
    for first in (True, False):
        log = tmp_path / f"strace-{first}"
        subprocess.run(
            ["strace", "-f", "-qq", "-e", "trace=open,openat,creat,rename,unlink,truncate", "-o", log,
             sys.executable, "-m", "phototag", "index", photos, "--db", db],
            env=environment, capture_output=True, check=False,
        )  # fmt: skip
        calls = [line for line in log.read_text().splitlines() if str(photos) in line and "O_DIRECTORY" not in line]
        assert not [line for line in calls if "O_WRONLY" in line or "O_RDWR" in line or "O_CREAT" in line]
        assert bool(calls) == first


@pytest.mark.skipif(
    subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode != 0
    if shutil.which("unshare")
    else True,
    reason="this machine can't make a network namespace",
)
def test_nothing_needs_a_network(demo: Demo, environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "phototag", "run", str(demo.folder / "photos" / "people"),
         "--db", str(tmp_path / "x.db"), "--out", str(tmp_path / "out")],
        env=environment, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_hostile_names_from_walk_to_report(demo: Demo, phototag: Run, tmp_path: Path) -> None:
    photos = os.fsencode(tmp_path / "photos")
    os.mkdir(photos)
    names = [
        b"\xff\xfe not utf-8.jpg", b"new\nline.jpg", b"\x1b[31mred.jpg", "\u202egpj.exe.jpg".encode(),
        b"<img src=x onerror=alert(1)>.jpg", b"javascript:alert(1).jpg", b"-rf.jpg", b"a" * 251 + b".jpg",
        "e\u0301.jpg".encode(), "\u00e9.jpg".encode(), "\U0001f600.jpg".encode(), b"quote\"'&.jpg", b"%2e%2e.jpg",
    ]  # fmt: skip
    picture = (demo.folder / "photos" / "people" / "Grace Hopper" / "1.jpg").read_bytes()
    for name in names:
        with open(os.path.join(photos, name), "wb") as file:
            file.write(picture)
    db = tmp_path / "x.db"
    done = phototag("run", tmp_path / "photos", "--db", db, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    import sqlite3

    assert sorted(row[0] for row in sqlite3.connect(db).execute("SELECT path FROM file")) == sorted(names)
    for page in (tmp_path / "out").rglob("*.html"):
        text = page.read_text("utf-8")
        assert "<img src=x" not in text
        assert 'href="javascript' not in text.lower()
    listed = phototag("faces", "list", "--json", "--db", db)
    assert listed.returncode == 0
    assert len(listed.stdout.splitlines()) == len(names) + 2
