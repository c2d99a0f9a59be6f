"""How many pipelines an analyzer opens: one for each thread, but a single one where a GPU is at work."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from phototag.analysis import face_analyzer
from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.config import Settings
from phototag.engines.spec import EngineOptions
from phototag.types import Device


@pytest.mark.parametrize(
    ("device", "on_gpu", "pipelines", "threads"),
    [("cpu", (), 3, 1), ("auto", (), 3, 1), ("auto", ("detector",), 1, 3), ("auto", ("embedder",), 1, 3),
     ("gpu", ("detector", "embedder"), 1, 3)],
)  # fmt: skip
def test_one_pipeline_keeps_a_gpu_busy(
    device: Device,
    on_gpu: tuple[str, ...],
    pipelines: int,
    threads: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[EngineOptions] = []

    def make(name: str, options: EngineOptions) -> SimpleNamespace:
        made.append(options)
        return SimpleNamespace(on_gpu=True) if name in on_gpu else SimpleNamespace()

    monkeypatch.setattr(face_analyzer, "make_detector", make)
    monkeypatch.setattr(face_analyzer, "make_embedder", make)
    opened = FaceAnalyzer.open(Settings(tmp_path / "x.db", "detector", "embedder", jobs=3, device=device, min_face=31))
    assert opened.threads == pipelines
    assert {options.threads for options in made[-2 * pipelines :]} == {threads}
    assert {(options.device, options.min_face) for options in made} == {(device, 31)}
