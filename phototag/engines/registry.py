"""Which engines there are, found by the entry-point group `phototag.engines`, and how to make one.

An entry point names an `EngineSpec`. Importing this module, or one that holds a spec, is cheap:
TensorFlow, LiteRT and dlib are imported by `EngineSpec.create`, when an engine is really wanted.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from typing import Literal, cast

from phototag import extras
from phototag.engines import installation
from phototag.engines.formats.card import Card
from phototag.engines.installation import Prepared, Shelved
from phototag.errors import UsageError, WeightsError
from phototag.remedies import AddEngine, InstallEngine, Show, TrainEmbedder
from phototag.types import RGB, Detector, Device, Embedder, Thresholds

_log = logging.getLogger(__name__)

GROUP = "phototag.engines"
OURS = "phototag"  #: the package whose engines no other one replaces


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the user may choose: CPU threads of one engine; the smallest face.

    `min_face`: in pixels of a picture whose long side is `image_side`; in smaller ones, of their own.
    `device`: only for engines whose spec says `gpu`; others are never made with `gpu`.
    `shelved`: the weights, for an engine of a family.
    """

    threads: int = 2
    min_face: int = 20
    image_side: int = 1280
    device: Device = "auto"
    shelved: Shelved | None = None

    def unit(self, image: RGB) -> float:
        """Pixels of an image for one of those that `min_face` counts."""
        return max(1.0, float(max(image.shape[:2])) / self.image_side)

    def smallest(self, image: RGB) -> float:
        """The smallest face sought in an image, in its pixels."""
        return self.min_face * self.unit(image)

    def sought(self) -> tuple[tuple[str, str], ...]:
        """What makes a detector find other faces, as parameters of its `EngineInfo`."""
        return (("image_side", str(self.image_side)), ("min_face", str(self.min_face)))

    def reduction(self, image: RGB) -> int:
        """The whole factor by which an image is reduced to about `image_side`."""
        return max(1, round(float(max(image.shape[:2])) / self.image_side))


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """An engine that could be made: `create` may import heavy packages and may raise WeightsError.

    With `prepare` it is a *family*, whose weights the user brings: `prepare` turns a file or folder (and a
    card, where the family wants one) into what the shelf keeps, and refuses with WeightsError or UsageError
    anything that could not run; `create` then finds them in `EngineOptions.shelved`. `dim`: of an embedder's
    vectors, where it doesn't depend on the weights. `thresholds`: an embedder's, or those for each `dim` that
    the weights may have. `how`: how the user gets such weights.
    `gpu`: it can run on a GPU, and its `create` raises UsageError where it is told to and finds none.
    `needs`: packages that `create` may import and that don't come with phototag.
    """

    kind: Literal["detector", "embedder"]
    name: str
    summary: str
    create: Callable[[EngineOptions], Detector | Embedder]
    prepare: Callable[[Path, Card | None], Prepared] | None = None
    dim: int | None = None
    thresholds: Thresholds | Mapping[int, Thresholds] | None = None
    how: InstallEngine | AddEngine | TrainEmbedder | None = None
    gpu: bool = False
    needs: tuple[str, ...] = ()

    def thresholds_for(self, dim: int | None) -> Thresholds | None:
        """The thresholds in the space of vectors of this length, where they are known."""
        if isinstance(self.thresholds, Mapping):
            return self.thresholds.get(dim) if dim else None
        return self.thresholds


@dataclass(frozen=True, slots=True)
class Offer:
    """What a package offers as the engine or family `name`: its spec, or a sentence that says why it's of no use."""

    name: str
    package: str
    spec: EngineSpec | None
    trouble: str = ""


def offers() -> list[Offer]:
    """Everything that the installed packages offer, by name; whatever is of no use too."""
    found = []
    for name, points in sorted(_entry_points().items()):
        for package, point in points:
            try:
                found.append(Offer(name, package, _load(package, point, points)))
            except UsageError as error:
                found.append(Offer(name, package, None, str(error)))
    return found


def available() -> list[EngineSpec]:
    """All engines and families installed here that can be used, by kind and name."""
    return sorted((offer.spec for offer in offers() if offer.spec), key=lambda spec: (spec.kind, spec.name))


def make_detector(name: str, options: EngineOptions) -> Detector:
    """The detector called `name`, ready to run. Raises UsageError for an unknown name, WeightsError."""
    return cast(Detector, _make("detector", name, options))


def make_embedder(name: str, options: EngineOptions) -> Embedder:
    """The embedder called `name`, ready to run. Raises UsageError for an unknown name, WeightsError."""
    return cast(Embedder, _make("embedder", name, options))


def on_gpu(engine: object) -> bool:
    """Whether an engine, or what runs its network, is on a GPU: what is says so by an attribute of this name."""
    return bool(getattr(engine, "on_gpu", False))


def installed(kind: str, name: str) -> bool:
    """Whether there is such an engine, with its weights if it needs some. Raises UsageError, WeightsError."""
    spec, shelved = _find(kind, name)
    return spec is not None and (spec.prepare is None or shelved is not None)


def spec_of(name: str) -> EngineSpec | None:
    """The engine or family called `name`, if there is one. Raises UsageError if it is of no use."""
    points = _entry_points().get(name)
    return _load(*points[0], points) if points else None


def family(name: str) -> EngineSpec:
    """The family called `name`. Raises UsageError if there is none, or a package is missing that it needs."""
    spec = spec_of(name)
    if spec is None or spec.prepare is None:
        families = ", ".join(spec.name for spec in available() if spec.prepare)
        raise UsageError(f"{name!r} is no family of engines that take weights; known: {families}")
    extras.require("this engine", *spec.needs)
    return spec


def add(
    name: str, family_name: str, path: Path, card: Card | None = None, *, source: str = "", licence: str = ""
) -> Shelved:
    """Check weights as their family does and put them on the shelf. Raises UsageError, WeightsError, DiskFullError."""
    require_name(name, family_name)
    spec = family(family_name)
    assert spec.prepare is not None
    return installation.keep(
        name, spec.name, spec.prepare(path, card), card, source=source or str(path), licence=licence
    )


def require_name(name: str, family_name: str) -> None:
    """Raises UsageError if the shelf can't call an engine of this family `name`, or there is no such family."""
    spec = family(family_name)
    installation.require_free(name)
    own = spec_of(name)
    if own is not None and own.name != spec.name:
        raise UsageError(f"{name!r} is the name of another engine: choose a name of your own")


def _make(kind: str, name: str, options: EngineOptions) -> Detector | Embedder:
    spec, shelved = _find(kind, name)
    if spec is None:
        known = sorted(
            [spec.name for spec in available() if spec.kind == kind and spec.prepare is None]
            + [one.name for one in installation.shelved() if (own := spec_of(one.family)) and own.kind == kind]
        )
        raise UsageError(f"there is no {kind} called {name!r}; known: {', '.join(known)}", Show("engines"))
    if spec.prepare is not None and shelved is None:
        raise WeightsError(f"{name} has no weights yet", spec.how)
    if options.device == "gpu" and not spec.gpu:
        able = ", ".join(other.name for other in available() if other.kind == kind and other.gpu)
        raise UsageError(
            f"the {kind} {name} runs on the CPU only: leave --device gpu out, or choose a {kind} that can use a GPU "
            f"(of these kinds: {able})"
        )
    began = time.monotonic()
    engine = spec.create(replace(options, shelved=shelved))
    _log.debug("opened %s %s, weights %s, in %.2f s", kind, name, engine.info.weights_sha256, time.monotonic() - began)
    return engine


def _find(kind: str, name: str) -> tuple[EngineSpec | None, Shelved | None]:
    """The engine or family, if it is of this kind, and the weights on the shelf, of what is called `name`."""
    shelved = installation.find(name)
    spec = spec_of(shelved.family if shelved else name)
    return (spec if spec and spec.kind == kind else None), shelved


def _entry_points() -> dict[str, list[tuple[str, EntryPoint]]]:
    """By an engine's name: the packages that bring one, ours first, and its entry point in each."""
    # The current directory may hold anybody's files: no engine is taken from it, whatever sys.path says.
    here = Path.cwd()
    folders = [folder for folder in sys.path if Path(folder or ".").resolve() != here]
    packages: dict[str, list[EntryPoint]] = {}
    for distribution in distributions(path=folders):
        points = [point for point in distribution.entry_points if point.group == GROUP]
        if points:  # as for Python itself, what comes first on the path hides a later copy
            name: str | None = distribution.name  # none in what is left of a package half removed
            packages.setdefault(re.sub(r"[-_.]+", "-", name).lower() if name else "without a name", points)
    found: dict[str, list[tuple[str, EntryPoint]]] = {}
    for package in sorted(packages, key=lambda package: (package != OURS, package)):
        for point in packages[package]:
            found.setdefault(point.name, []).append((package, point))
    return found


def _load(package: str, point: EntryPoint, points: list[tuple[str, EntryPoint]]) -> EngineSpec:
    """The spec of an entry point, which is one of `points` of the same name. Raises UsageError."""
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
