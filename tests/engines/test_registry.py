"""Engines are found by entry points, and never in the current directory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from phototag.engines import plugins, registry
from phototag.engines.spec import EngineOptions
from phototag.errors import UsageError
from phototag.imaging.align import ALIGNMENTS
from tests.support.plug_in import DOCS, planted, plug_in


def test_ours_are_there() -> None:
    assert {(spec.kind, spec.name) for spec in plugins.available()} >= {
        ("detector", "mtcnn"),
        ("detector", "dlib-hog"),
        ("embedder", "dlib-resnet"),
        ("embedder", "dlib-resnet-int8"),
    }


@pytest.mark.parametrize("name", ["nonsense", "dlib-resnet"])
def test_an_unknown_detector_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match=rf"no detector called '{name}'; known: dlib-cnn, dlib-hog, mtcnn"):
        registry.make_detector(name, EngineOptions())


def test_an_unknown_embedder_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="no embedder called 'mtcnn'; known: dlib-resnet"):
        registry.make_embedder("mtcnn", EngineOptions())


def test_the_current_directory_brings_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(tmp_path, "evil")
    (tmp_path / "evil.py").write_text("raise SystemExit('executed')")
    monkeypatch.chdir(tmp_path)
    for name in ("", ".", str(tmp_path)):
        monkeypatch.setattr(sys, "path", [name, *sys.path])
    assert "evil" not in {registration.name for registration in plugins.registrations()}


def test_a_plug_in_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    [registration] = [registration for registration in plugins.registrations() if registration.name == "passport"]
    assert (registration.package, registration.trouble) == ("phototag-passport", "")
    assert registration.spec in plugins.available()
    detector = registry.make_detector("passport", EngineOptions())
    [[face], []] = detector.detect([np.zeros((45, 35, 3), np.uint8), np.zeros((12, 12, 3), np.uint8)])
    assert 0 < face.box.x < face.box.x + face.box.w < 35
    with pytest.raises(UsageError, match="no embedder called 'passport'"):
        registry.make_embedder("passport", EngineOptions())


PLUG_IN = "from phototag.engines.spec import EngineSpec\nENGINE = "


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("import phototag_no_such_module", r"\(evil:ENGINE\) can't be loaded \(No module named 'phototag_no_such"),
        ("", "can't be loaded"),
        ("raise AssertionError", r"can't be loaded \(AssertionError\)"),
        ("ENGINE = 'a detector'", "is not an EngineSpec"),
        (f"{PLUG_IN}EngineSpec('detector', 'good', '', None)", "calls itself good, and the two names must be one"),
    ],
)
def test_a_broken_plug_in_is_named_and_harms_no_other(
    content: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plugins.available()
    planted(tmp_path, "evil", package="evil-eyes")
    (tmp_path / "evil.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "evil", raising=False)
    [registration] = [registration for registration in plugins.registrations() if registration.package == "evil-eyes"]
    assert (registration.name, registration.spec) == ("evil", None)
    with pytest.raises(UsageError, match=rf"the engine evil of the package evil-eyes .*{words}") as caught:
        registry.make_detector("evil", EngineOptions())
    assert "evil-eyes" in registration.trouble
    assert "\n" not in str(caught.value)
    assert plugins.available() == before
    registry.make_detector("dlib-hog", EngineOptions())
    with pytest.raises(UsageError, match="known: dlib-cnn"):
        registry.make_detector("nonsense", EngineOptions())


def test_what_is_left_of_a_package_harms_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = plugins.available()
    planted(tmp_path, "evil")
    (tmp_path / "evil-1.0.dist-info" / "METADATA").unlink()
    monkeypatch.syspath_prepend(tmp_path)
    assert plugins.available() == before
    [registration] = [registration for registration in plugins.registrations() if registration.name == "evil"]
    assert "the package without a name" in registration.trouble


def test_two_packages_with_an_engine_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("one", "two"):
        planted(tmp_path, package, package=package, name="seer")
        (tmp_path / f"{package}.py").write_text(f"{PLUG_IN}EngineSpec('detector', 'seer', '{package}', None)")
    planted(tmp_path, "two", package="three", name="mtcnn")
    planted(tmp_path / "older", "one", package="One", name="seer")  # a copy that Python doesn't import either
    monkeypatch.syspath_prepend(tmp_path / "older")
    monkeypatch.syspath_prepend(tmp_path)
    for use in (plugins.spec_of, lambda name: registry.make_detector(name, EngineOptions())):
        with pytest.raises(UsageError, match=r"called seer \(one, two\): uninstall all but one"):
            use("seer")
    troubles = {
        registration.package: registration.trouble for registration in plugins.registrations() if not registration.spec
    }
    assert troubles.keys() == {"one", "two", "three"}
    assert "phototag's own is used" in troubles["three"]
    own = plugins.spec_of("mtcnn")
    assert own is not None
    assert own.summary.startswith("MTCNN")


def test_the_docs_name_every_engine_and_alignment() -> None:
    if not DOCS.exists():
        pytest.skip("the docs are not here")
    text = DOCS.read_text("utf-8")
    engines = [spec.name for spec in plugins.available() if spec.name != "onnx"]
    assert [name for name in (*engines, *ALIGNMENTS) if f"| `{name}`" not in text and f", `{name}`" not in text] == []


def test_looking_is_cheap() -> None:
    script = (
        "import sys; from phototag.engines import plugins; plugins.available();"
        "print([name for name in ('tensorflow', 'keras', 'ai_edge_litert', 'dlib', 'mtcnn', 'joblib')"
        " if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
