"""Child processes see what their parent sees, and nothing of the current folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from phototag import processes


def tell(question: str, pipe: Connection) -> None:
    pipe.send((question, list(sys.path), os.getpid()))
    pipe.recv()  # until it is ended


def write(descriptor: int, pipe: Connection) -> None:
    pipe.send(os.write(descriptor, b"seen"))


def die(pipe: Connection) -> None:
    os._exit(3)


def test_a_child_looks_for_modules_where_its_parent_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(os.path.join(tmp_path, "né\udcff'"))
    monkeypatch.setattr(sys, "path", ["", "relative", *sys.path])
    child = processes.start(tell, "who?")
    question, path, pid = child.pipe.recv()
    assert (question, pid) == ("who?", child.process.pid)
    assert path == [entry for entry in sys.path if entry not in ("", "relative")]
    child.end()
    assert child.process.poll() == -signal.SIGKILL


def test_the_package_is_found_wherever_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    root = os.path.dirname(os.path.dirname(processes.__file__))
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != root])
    assert processes._path() == [*sys.path, root]


def test_files_go_along_by_number(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        child = processes.start(write, file.fileno(), fds=[file.fileno()])
        assert child.pipe.recv() == 4
        child.end()
    assert (tmp_path / "file").read_bytes() == b"seen"


def test_the_pipe_of_a_child_that_dies_ends() -> None:
    child = processes.start(die)
    with pytest.raises(EOFError):
        child.pipe.recv()
    child.end()
    assert child.process.returncode == 3


@pytest.mark.parametrize("searched", ["", ":", ".", "folder", ":/nowhere", None])
def test_planted_modules_are_not_run(tmp_path: Path, searched: str | None) -> None:
    """Whatever PYTHONPATH says: the child's interpreter itself doesn't look at it."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "own").mkdir()
    for name in sys.stdlib_module_names - {"__main__"}:
        for folder in (tmp_path, tmp_path / "folder"):
            (folder / f"{name}.py").write_text("open('executed', 'a').write(__name__ + ' ')")
    for name in ("sitecustomize", "usercustomize", "numpy"):
        (tmp_path / f"{name}.py").write_text("open('executed', 'a').write(__name__ + ' ')")
    (tmp_path / "own" / "job.py").write_text("import json, numpy\ndef work(pipe): pipe.send(json.__file__)\n")
    script = (
        "import os, sys; from phototag import processes; import job; os.chdir(sys.argv[1])\n"
        + ("" if searched is None else f"os.environ['PYTHONPATH'] = {searched!r}\n")
        + "sys.path.insert(0, '')\n"
        "child = processes.start(job.work); print(child.pipe.recv()); child.end()"
    )
    root = os.path.dirname(os.path.dirname(processes.__file__))
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], cwd=root, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([root, str(tmp_path / "own")])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "site-packages" not in done.stdout
    assert not (tmp_path / "executed").exists(), (tmp_path / "executed").read_text()
