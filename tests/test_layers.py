"""The rooms of the house: arrows point down, each tool stays in its own room, and nothing heavy comes in early."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.api import read_configuration
from importlinter.application.use_cases import lint_imports

ROOT = Path(__file__).parents[1]
HEAVY = [
    "tensorflow",
    "keras",
    "ai_edge_litert",
    "dlib",
    "hdbscan",
    "sklearn",
    "scipy",
    "jinja2",
    "mtcnn",
    "starlette",
    "uvicorn",
]


def test_there_are_contracts_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    contracts = read_configuration("pyproject.toml")["contracts_options"]
    assert {contract["type"] for contract in contracts} >= {"layers", "forbidden"}


def test_the_contracts_are_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    kept = lint_imports(config_filename="pyproject.toml", cache_dir=None)
    assert kept, capsys.readouterr().out


@pytest.mark.parametrize(
    ("module", "but"),
    [
        ("phototag.cli.main", []),
        ("phototag.workflows.library.index", []),  # a warm cache and an unchanged library need no network at all
        ("phototag.analysis.decode_pool", []),  # what each decode process loads
        ("phototag.workflows.run", ["jinja2"]),
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_used(module: str, but: list[str]) -> None:
    heavy = [name for name in HEAVY if name not in but]
    code = f"import sys, {module}; sys.exit(' '.join(set({heavy!r}) & set(sys.modules)) or 0)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, f"loaded: {result.stderr}"


def test_environment_variables_are_read_in_one_place() -> None:
    readers = {
        str(path.relative_to(ROOT / "phototag"))
        for path in (ROOT / "phototag").rglob("*.py")
        if re.search(r"\bos\.environ\b|\bgetenv\b|\bimport environ\b", path.read_text("utf-8"))
    }
    # The command line looks at PYTHONPATH before anything else is imported.
    assert readers == {"config.py", "cli/__init__.py"}
