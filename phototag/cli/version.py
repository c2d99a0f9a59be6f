"""`phototag --version`: the versions that a bug report needs, without importing the packages."""

from __future__ import annotations

import platform
from importlib import metadata

from phototag import __version__

#: Distributions whose behaviour reaches results, in the order of printing; of several on a line, what is installed.
_MATTER = (
    ("tensorflow", "tensorflow-cpu"),
    ("ai-edge-litert",),
    ("dlib-bin", "dlib"),
    ("onnxruntime", "onnxruntime-gpu"),
    ("numpy",),
    ("opencv-python-headless", "opencv-python"),
    ("pillow",),
    ("scikit-learn",),
    ("hdbscan",),
)


def versions() -> str:
    """One line for each program and package: its name and version."""
    from phototag.store.connect import sqlite_version

    found = [("phototag", __version__), ("Python", platform.python_version()), ("SQLite", sqlite_version())]
    for names in _MATTER:
        found += [(name, number) for name in names if (number := _installed(name))][:1]
    return "\n".join(f"{name} {number}" for name, number in found)


def _installed(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
