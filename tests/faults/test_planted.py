"""Commands are run in folders that others filled: no module that lies there is ever executed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import Demo

#: Other modules that are imported somewhere, as files and as a package.
OTHERS = {
    "sitecustomize", "usercustomize", "numpy", "dlib", "PIL", "cv2", "click", "rich", "h5py", "hdbscan", "sklearn",
    "scipy", "joblib", "jinja2", "starlette", "uvicorn", "onnx", "onnxruntime", "sqlite_utils", "platformdirs",
    "threadpoolctl", "ai_edge_litert", "mtcnn", "matplotlib", "prompt_toolkit", "simplejpeg", "phototag_evil",
}  # fmt: skip
COMMANDS = [
    "index photos", "index .", "cluster", "name 1 Ada", "train", "tag", "tune", "run .", "status", "people list",
    "people export names.json", "people import names.json", "faces list --csv", "history", "undo", "audit",
    "forget --missing", "report out", "verify photos/1.jpg photos/2.jpg", "identify photos/1.jpg",
    "label --from-folders .", "evaluate people",
    "train-embedder --help", "engines list", "engines add x.h5", "engines add onnx x.onnx --card x.toml",
    "engines install mobilefacenet --yes",
]  # fmt: skip


@dataclass
class Planted:
    """A folder full of modules, which write their names elsewhere when they are executed."""

    folder: Path
    environment: dict[str, str]

    @property
    def executed(self) -> list[str]:
        log = self.folder.with_name("executed")
        return log.read_text().split() if log.exists() else []

    def plant(self, names: Collection[str]) -> None:
        for name in names:
            (self.folder / f"{name}.py").write_text(f"open({str(self.folder.with_name('executed'))!r}, 'a').write(")
            with (self.folder / f"{name}.py").open("a") as file:
                file.write("__name__ + ' ')\n")

    def run(self, start: Sequence[object], arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*map(str, start), *arguments.split()], cwd=self.folder, env={**self.environment, **more},
            capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
def planted(demo: Demo, environment: dict[str, str], tmp_path: Path) -> Planted:
    folder = tmp_path / "from others"
    for who in ("Grace Hopper", "Eileen Collins"):
        shutil.copytree(demo.folder / "photos" / "people" / who, folder / "people" / who)
    (folder / "photos").mkdir()
    for number in (1, 2):
        shutil.copy(folder / "people" / "Grace Hopper" / f"{number}.jpg", folder / "photos")
    for name in ("tensorflow", "keras"):
        (folder / name).mkdir()
        shutil.copy(__file__, folder / name / "evil.jpg")
        (folder / name / "__init__.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write(__name__)")
    (folder / "phototag.toml").write_text('detector = "evil"\nembedder = "evil"\n')
    for name, data in (
        ("x.h5", b"\x89HDF\r\n\x1a\n" + bytes(600)),
        ("x.onnx", b"\x08\x07\x12\x04evil"),
        ("x.toml", b""),
    ):
        (folder / name).write_bytes(data)
    offline = {
        "PHOTOTAG_DB": str(tmp_path / "x.db"),
        "https_proxy": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    return Planted(folder, {**environment, **offline, "HOME": str(tmp_path)})


def loaded(*start: str) -> set[str]:
    """Top-level names of the modules that the interpreter has loaded before it comes to any line of ours."""
    done = subprocess.run([sys.executable, *start], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def script(tmp_path: Path) -> list[object]:
    """The command as pip installs it."""
    path = tmp_path / "bin" / "phototag"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        "import re\nimport sys\nfrom phototag.cli.main import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
    )
    return [sys.executable, path]


def every_command(planted: Planted, start: Sequence[object]) -> None:
    for command in COMMANDS:
        done = planted.run(start, command)
        assert planted.executed == [], command
        assert "Traceback" not in done.stderr, (command, done.stderr)
        allowed = (1, 2, 15, 16) if command.startswith(("engines add", "engines install")) else (0, 2, 3, 17)
        assert done.returncode in allowed, (command, done.stderr)
        if command.startswith(("index", "run", "cluster", "status", "verify", "people", "report")):
            assert done.returncode in (0, 3), (command, done.stderr)


def test_the_installed_command(planted: Planted, tmp_path: Path) -> None:
    planted.plant(sys.stdlib_module_names | OTHERS)
    (planted.folder / "phototag").mkdir()
    (planted.folder / "phototag" / "__init__.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write('p')")
    every_command(planted, script(tmp_path))
    review(planted, script(tmp_path))


def test_python_m(planted: Planted) -> None:
    """`-m` itself has the interpreter look for some modules in the folder, before it comes to ours."""
    before = loaded("-c", "import runpy, sys; print(*sys.modules)")
    assert before & {"runpy", "importlib"}
    planted.plant((sys.stdlib_module_names | OTHERS) - before)
    assert (planted.folder / "__future__.py").exists()
    every_command(planted, [sys.executable, "-m", "phototag"])


@pytest.mark.skipif(sys.version_info < (3, 11), reason="-P came with Python 3.11")
def test_python_m_that_is_safe(planted: Planted) -> None:
    planted.plant(sys.stdlib_module_names | OTHERS)
    done = planted.run([sys.executable, "-P", "-m", "phototag"], "run .")
    assert (planted.executed, done.returncode) == ([], 3), done.stderr


@pytest.mark.parametrize("searched", [":", ".", "people/..", "{here}:", ":/nowhere"])
def test_a_path_that_leads_to_the_folder(planted: Planted, tmp_path: Path, searched: str) -> None:
    """What the interpreter loads before any line of ours is out of reach, and whatever else an absolute path says."""
    before = loaded("-c", "import sys; print(*sys.modules)") | loaded("-c", "import re, sys; print(*sys.modules)")
    planted.plant((sys.stdlib_module_names | OTHERS) - before - {"sitecustomize", "usercustomize"})
    searched = searched.replace("{here}", str(tmp_path))
    done = planted.run(script(tmp_path), "run .", PYTHONPATH=searched)
    assert (planted.executed, done.returncode) == ([], 3), done.stderr


def review(planted: Planted, start: Sequence[object]) -> None:
    """The pages are served, and end."""
    pytest.importorskip("uvicorn")
    process = subprocess.Popen(
        [*map(str, start), "review", "--port", "0"], cwd=planted.folder, stdin=subprocess.DEVNULL,
        env={**planted.environment, "PYTHONUNBUFFERED": "1"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        assert process.stdout
        line = process.stdout.readline()
        time.sleep(0.5)
        assert process.poll() is None, line + process.stdout.read()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
    assert planted.executed == []


def test_a_demo_made_there(planted: Planted, tmp_path: Path) -> None:
    planted.plant(sys.stdlib_module_names | OTHERS)
    done = planted.run(script(tmp_path), "demo --out shown")
    assert (planted.executed, done.returncode) == ([], 0), done.stderr
