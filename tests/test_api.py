"""The Python API; every example of docs/api.md runs as it stands, however Python is used."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import phototag.api
from phototag import processes
from phototag.api import PhototagError, Recognizer
from phototag.config import cache_folder
from phototag.workflows.demo import photos as portraits
from tests.support.fakes import Told

ROOT = Path(__file__).parents[1]
EXAMPLES = re.findall(r"## ([^\n]+)\n\n```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, two photos each, beside each other and in a folder for each person."""
    folder = tmp_path_factory.mktemp("api")
    for name in ("Eileen Collins", "Grace Hopper"):
        source = Path(portraits.__file__).with_name("portraits") / f"{name.lower().replace(' ', '_')}.jpg"
        with PIL.Image.open(source) as picture:
            for number in (1, 2):
                (folder / "people" / name).mkdir(parents=True, exist_ok=True)
                other = picture.rotate(4 * number).resize((picture.width * 2 // 3, picture.height * 2 // 3))
                (picture if number == 1 else other).save(folder / "people" / name / f"{number}.jpg")
                (picture if number == 1 else other).save(folder / f"{name.split()[0].lower()} {number}.jpg")
    return folder


def run(folder: Path, home: Path, *command: str | Path, code: str = "") -> None:
    """Run Python in a folder, with `code` as its input."""
    done = subprocess.run(
        [sys.executable, *command], input=code, cwd=folder, capture_output=True, text=True, timeout=240, check=False,
        env={"PATH": "", "HOME": str(home), "PHOTOTAG_CACHE": str(cache_folder())},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert done.stderr == ""


def test_there_are_five_examples() -> None:
    assert len(EXAMPLES) == 5
    assert "__main__" not in "".join(code for _, code in EXAMPLES)


@pytest.mark.parametrize("title", [title for title, _ in EXAMPLES])
def test_an_example_runs_as_a_script(title: str, folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(dict(EXAMPLES)[title])
    run(folder, tmp_path, script)


def test_the_examples_run_from_standard_input(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path, "-", code="\n".join(code for _, code in EXAMPLES))


def test_the_examples_run_as_cells_of_a_notebook(folder: Path, tmp_path: Path) -> None:
    """Which are compiled one by one, and run in the namespace of a `__main__` that has no file."""
    cells = f"for code in {[code for _, code in EXAMPLES]!r}: exec(compile(code, '<cell>', 'exec'), globals())"
    run(folder, tmp_path, "-c", cells)


def test_the_examples_run_in_threads_side_by_side(folder: Path, tmp_path: Path) -> None:
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        f"examples = {[code for _, code in EXAMPLES]!r}\n"
        "with ThreadPoolExecutor(len(examples)) as threads:\n"
        "    list(threads.map(lambda example: exec(example, {}), examples))\n"
    )
    run(folder, tmp_path, "-c", code)


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(jobs=2)


def test_a_few_photos_need_no_process(recognizer: Recognizer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "start", lambda *_, **__: pytest.fail("a process is started"))
    assert len(recognizer.faces(folder / "eileen 1.jpg")) == 1
    assert recognizer.verify(folder / "eileen 1.jpg", folder / "eileen 2.jpg").same
    assert len(list(recognizer.faces_of_many(folder.glob("*.jpg")))) == 4


def test_many_photos_come_in_their_order_with_their_problems(
    recognizer: Recognizer, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    photos = [*sorted(folder.glob("*.jpg")), tmp_path / "broken.jpg", tmp_path / "gone.jpg", *folder.rglob("2.jpg")]
    told = Told()
    found = list(recognizer.faces_of_many(map(str, photos), told))
    assert [one.photo for one in found] == photos
    assert [len(one.faces) for one in found] == [1, 1, 1, 1, 0, 0, 1, 1]
    assert [one.problem is None for one in found] == [True] * 4 + [False] * 2 + [True] * 2
    assert found[5].problem == "the file is gone"
    assert {problem.code for problem in told.problems} == {"corrupt", "vanished"}
    [alone] = recognizer.faces(photos[0])
    np.testing.assert_allclose(found[0].faces[0].vector, alone.vector, atol=1e-5)


def test_a_recognizer_is_shared_by_threads(recognizer: Recognizer, folder: Path) -> None:
    photos = sorted(folder.glob("*.jpg"))
    alone = [recognizer.faces(photo)[0].box for photo in photos]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda photo: recognizer.faces(photo)[0].box, photos * 4))
    assert together == alone * 4


def test_an_error_speaks_of_the_photo(recognizer: Recognizer, tmp_path: Path) -> None:
    with pytest.raises(PhototagError, match=r"gone\.jpg can't be used \(the file is gone\): name another photo"):
        recognizer.faces(tmp_path / "gone.jpg")


def test_all_that_is_promised_is_there() -> None:
    assert all(hasattr(phototag.api, name) for name in phototag.api.__all__)
    assert phototag.api.__all__ == sorted(phototag.api.__all__)
