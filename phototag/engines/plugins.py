"""The engines that installed packages register in the entry-point group `phototag.engines`: ours, and plug-ins.

An entry point names an `EngineSpec`. Importing a module that holds one is cheap: TensorFlow, LiteRT and dlib are only
imported when `EngineSpec.create` is called.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

from phototag.engines.spec import EngineSpec
from phototag.errors import UsageError

GROUP = "phototag.engines"
OURS = "phototag"  #: the package whose engines no plug-in can replace


@dataclass(frozen=True, slots=True)
class Registration:
    """An entry point of a package: the spec that it names, or why it can't be used (`trouble`)."""

    name: str
    package: str
    spec: EngineSpec | None
    trouble: str = ""


def registrations() -> list[Registration]:
    """Everything that installed packages register, by name, including what can't be used."""
    found = []
    for name, points in sorted(_entry_points().items()):
        for package, point in points:
            try:
                found.append(Registration(name, package, _load(package, point, points)))
            except UsageError as error:
                found.append(Registration(name, package, None, str(error)))
    return found


def available() -> list[EngineSpec]:
    """All engines and families that can be used, by kind and name."""
    specs = (registration.spec for registration in registrations() if registration.spec)
    return sorted(specs, key=lambda spec: (spec.kind, spec.name))


def spec_of(name: str) -> EngineSpec | None:
    """The engine or family called `name`, if any. Raises UsageError if it can't be used."""
    points = _entry_points().get(name)
    return _load(*points[0], points) if points else None


def _entry_points() -> dict[str, list[tuple[str, EntryPoint]]]:
    """By an engine's name: the packages that register one, ours first, with their entry points."""
    # The current folder may hold anybody's files: no engine is taken from it, whatever sys.path says.
    here = Path.cwd()
    folders = [folder for folder in sys.path if Path(folder or ".").resolve() != here]
    packages: dict[str, list[EntryPoint]] = {}
    for distribution in distributions(path=folders):
        points = [point for point in distribution.entry_points if point.group == GROUP]
        if points:  # as for imports, the first on the path hides later copies of the package
            name: str | None = distribution.name  # None for the remains of a package that was removed in part
            packages.setdefault(re.sub(r"[-_.]+", "-", name).lower() if name else "without a name", points)
    found: dict[str, list[tuple[str, EntryPoint]]] = {}
    for package in sorted(packages, key=lambda package: (package != OURS, package)):
        for point in packages[package]:
            found.setdefault(point.name, []).append((package, point))
    return found


def _load(package: str, point: EntryPoint, points: list[tuple[str, EntryPoint]]) -> EngineSpec:
    """The spec that an entry point names; `points`: all entry points of this name. Raises UsageError."""
    name = point.name
    if package != OURS and points[0][0] == OURS:
        raise UsageError(f"the package {package} brings another engine called {name}, and phototag's own is used")
    if package != OURS and len(points) > 1:
        several = ", ".join(other for other, _ in points)
        raise UsageError(f"more than one package brings an engine called {name} ({several}): uninstall all but one")
    where = f"the engine {name} of the package {package} ({point.value})"
    try:
        spec = point.load()
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UsageError(f"{where} can't be loaded ({reason}): mend or uninstall that package") from error
    if not isinstance(spec, EngineSpec):
        raise UsageError(f"{where} is not an EngineSpec: mend or uninstall that package")
    if spec.name != name:
        raise UsageError(f"{where} calls itself {spec.name}, and the two names must be one: mend that package")
    return spec
