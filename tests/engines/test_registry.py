"""Engines are found by entry points, and never in the current directory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from phototag.engines import registry
from phototag.errors import UsageError


def test_ours_are_there() -> None:
    assert {(spec.kind, spec.name) for spec in registry.available()} >= {
        ("detector", "mtcnn"),
        ("detector", "dlib-hog"),
        ("embedder", "dlib-resnet"),
    }


@pytest.mark.parametrize("name", ["nonsense", "dlib-resnet"])
def test_an_unknown_detector_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match=rf"no detector called '{name}'; known: dlib-cnn, dlib-hog, mtcnn"):
        registry.make_detector(name, registry.EngineOptions())


def test_an_unknown_embedder_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="no embedder called 'mtcnn'; known: dlib-resnet"):
        registry.make_embedder("mtcnn", registry.EngineOptions())


def planted(folder: Path, target: str) -> None:
    info = folder / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[phototag.engines]\nevil = {target}:ENGINE\n")


def test_the_current_directory_brings_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(tmp_path, "evil")
    (tmp_path / "evil.py").write_text("raise SystemExit('executed')")
    monkeypatch.chdir(tmp_path)
    for name in ("", ".", str(tmp_path)):
        monkeypatch.setattr(sys, "path", [name, *sys.path])
    assert "evil" not in {spec.name for spec in registry.available()}


def test_a_broken_plug_in_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(tmp_path, "phototag_no_such_module")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="engine evil"):
        registry.available()
    registry.make_detector("dlib-hog", registry.EngineOptions())  # the others still work


def test_looking_is_cheap() -> None:
    script = (
        "import sys; from phototag.engines import registry; registry.available();"
        "print([name for name in ('tensorflow', 'keras', 'ai_edge_litert', 'dlib', 'mtcnn', 'joblib')"
        " if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
