"""A finished demo, made once by the real command with the real engines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from phototag.workflows.demo import photos as portraits

Run = Callable[..., subprocess.CompletedProcess[str]]
#: Who is on the photos of `tree`.
PEOPLE = ("eileen_collins", "grace_hopper")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a stranger's machine sets: a home without settings; the cache of exported networks is shared."""
    from phototag.config import cache_folder

    home = tmp_path_factory.mktemp("home")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PHOTOTAG_", "XDG_"))}
    return {**kept, "HOME": str(home), "PHOTOTAG_CACHE": str(cache_folder()), "PYTHONUTF8": "1", "TERM": "xterm"}


@pytest.fixture(scope="session")
def phototag(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run `phototag …` as a user would, from an empty folder."""
    folder = tmp_path_factory.mktemp("cwd")

    def run(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "phototag", *map(str, arguments)],
            capture_output=True, text=True, env={**environment, **more.pop("env", {})}, cwd=folder, timeout=240, **more,
        )  # fmt: skip

    return run


@dataclass(frozen=True)
class Demo:
    """The folder of a finished demo, and what the command printed."""

    folder: Path
    result: dict[str, Any]

    @property
    def db(self) -> Path:
        return self.folder / "phototag.db"


@pytest.fixture(scope="session")
def demo(phototag: Run, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`phototag demo`, once."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    done = phototag("demo", "--out", folder, "--json")
    assert done.returncode == 0, done.stderr
    return Demo(folder, json.loads(done.stdout))


@pytest.fixture
def indexed(demo: Demo, phototag: Run, tmp_path: Path) -> Path:
    """The demo's database with nobody named and two groups to name; its photos are the demo's own."""
    db = tmp_path / "copy.db"
    shutil.copyfile(demo.db, db)
    from phototag.progress import Silent
    from phototag.store import groups
    from phototag.store.connect import open_store
    from phototag.workflows.naming.name import dismiss
    from phototag.workflows.recognition.cluster import cluster_faces
    from tests.support.databases import step_back

    with open_store(db) as store:
        while step_back(store):
            pass
        with store.write():
            store.run("DELETE FROM guess")
        cluster_faces(store, Silent())
        for group in list(groups.unnamed(store))[2:]:  # something on a space suit that looks like a face
            dismiss(store, group.face_ids, "not-a-face")
    return db


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people with three photos each, a folder for each, named as LFW names them."""
    folder = tmp_path_factory.mktemp("tree")
    for name in PEOPLE:
        with PIL.Image.open(Path(portraits.__file__).with_name("portraits") / f"{name}.jpg") as picture:
            (folder / name).mkdir()
            for number in range(3):
                picture.rotate(5 * number).save(folder / name / f"{name}_{number + 1:04d}.jpg")
    return folder
