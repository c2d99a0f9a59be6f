"""Every example of docs/api.md runs as it stands, and says what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import PIL.Image
import pytest

import phototag.api
from phototag.config import cache_folder
from phototag.workflows.demo import photos as portraits

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


def test_there_are_four_examples() -> None:
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize("title", [title for title, _ in EXAMPLES])
def test_an_example_runs(title: str, folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(dict(EXAMPLES)[title])
    done = subprocess.run(
        [sys.executable, script], cwd=folder, capture_output=True, text=True, timeout=240, check=False,
        env={"PATH": "", "HOME": str(tmp_path), "PHOTOTAG_CACHE": str(cache_folder())},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_all_that_is_promised_is_there() -> None:
    assert all(hasattr(phototag.api, name) for name in phototag.api.__all__)
    assert phototag.api.__all__ == sorted(phototag.api.__all__)
