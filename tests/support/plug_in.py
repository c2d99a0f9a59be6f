"""Packages that bring engines: the example of docs/engines.md, and worse ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "engines.md"


def planted(folder: Path, target: str, *, package: str = "evil", name: str = "evil") -> None:
    """A package's record of its engine, as `pip install` leaves it."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[phototag.engines]\n{name} = {target}:ENGINE\n")


def plug_in(folder: Path) -> None:
    """Put the package that the docs describe where Python finds packages."""
    if not DOCS.exists():
        pytest.skip("the docs, whose example this is, are not here")
    docs = DOCS.read_text("utf-8")
    code, project = (re.findall(rf"```{kind}\n(.*?)```", docs, re.S)[-1] for kind in ("python", "toml"))
    assert '[project.entry-points."phototag.engines"]' in project
    [package] = re.findall(r'^name = "(.+)"$', project, re.M)
    [(name, module)] = re.findall(r'^(\w+) = "(.+):ENGINE"$', project, re.M)
    planted(folder, module, package=package, name=name)
    (folder / f"{module}.py").write_text(code)
