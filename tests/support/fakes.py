"""A photo library drawn in a moment, and engines that see it: faces are bright squares, people are colours."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
from scipy import ndimage

from phototag.analysis.decode_pool import Decoder, K, Outcome, decode_photos
from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.analysis.face_pipeline import FacePipeline
from phototag.config import Settings
from phototag.engines.choice import Kind
from phototag.interop.names_file import NamesFile
from phototag.progress import Progress, Silent
from phototag.store.connect import Store
from phototag.types import RGB, Box, Chips, Detection, EngineInfo, Problem, Thresholds, Vectors
from phototag.workflows.library.index import Indexed, index
from phototag.workflows.naming.add_face import Added, add_face
from phototag.workflows.naming.import_names import Imported, import_names

RED, GREEN, BLUE, YELLOW = (230, 20, 20), (20, 230, 20), (20, 20, 230), (230, 230, 20)
DETECTOR = EngineInfo("detector", "squares", "d" * 64)
EMBEDDER = EngineInfo(
    "embedder",
    "colours",
    "e" * 64,
    dim=8,
    chip_size=16,
    alignment="cut",
    thresholds=Thresholds(same=0.4, split=0.36, join=0.33, midpoint=0.4, slope=20.0),
)
Square = tuple[int, int, tuple[int, int, int]]  #: left, top, colour; always 60 pixels wide


def draw(path: Path, *squares: Square, size: tuple[int, int] = (400, 300), shade: int = 0) -> Path:
    """A photo of squares; `shade` makes another file of the same sight."""
    image = PIL.Image.new("RGB", size, (10, 10, 10 + shade))
    for left, top, colour in squares:
        PIL.ImageDraw.Draw(image).rectangle((left, top, left + 59, top + 59), fill=colour)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=90)
    return path


@dataclass
class Squares:
    """Finds bright squares; `calls` counts the photos, `during` is called with that number for each."""

    calls: int = 0
    during: Callable[[int], None] = lambda call: None
    info: EngineInfo = DETECTOR

    def detect(self, images: Sequence[RGB]) -> list[list[Detection]]:
        found = []
        for image in images:
            self.calls += 1
            self.during(self.calls)
            regions, _ = ndimage.label(image.max(axis=2) > 120)
            boxes = [
                Box(x.start, y.start, x.stop - x.start, y.stop - y.start) for y, x in ndimage.find_objects(regions)
            ]
            found.append([Detection(box, 0.9) for box in boxes if box.w > 20])
        return found


@dataclass
class Colours:
    """Tells people by their colour; `calls` counts the batches, `during` is called with that number for each."""

    calls: int = 0
    during: Callable[[int], None] = lambda call: None
    info: EngineInfo = EMBEDDER

    def embed(self, chips: Chips) -> Vectors:
        self.calls += 1
        self.during(self.calls)
        vectors = np.zeros((len(chips), 8), np.float32)
        vectors[:, :3] = chips.mean(axis=(1, 2)) - 100
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def cut(image: RGB, boxes: Sequence[Box], *, size: int, **_: object) -> Chips:
    """Stands in for `imaging.align`: the middle of each box."""
    middles = [image[int(box.y + box.h / 2), int(box.x + box.w / 2)] for box in boxes]
    return np.stack([np.full((size, size, 3), middle, np.uint8) for middle in middles])


def in_process(
    photos: Iterable[tuple[K, bytes]], *, jobs: int, side: int, ahead: int = 0
) -> Generator[tuple[K, Outcome], None, None]:
    """A `Decoder` without worker processes; `ahead`: photos that are asked for before the first is decoded."""
    rest, waiting = iter(photos), deque[tuple[K, bytes]]()
    while waiting.extend(islice(rest, ahead + 1 - len(waiting))) or waiting:
        key, path = waiting.popleft()
        waiting.extend(islice(rest, ahead - len(waiting)))
        yield from decode_photos([(key, path)], jobs=0, side=side)


def no_decoder(photos: Iterable[tuple[K, bytes]], *, jobs: int, side: int) -> Generator[tuple[K, Outcome], None, None]:
    """A `Decoder` where no photo is to be opened."""
    raise AssertionError("a photo is opened")


@dataclass
class FakeEngines:
    """An `EngineProvider`, and jobs that use it: `Squares` and `Colours`, which take any name.

    `detector`, `embedder`: those that were opened last. `reopened`: whether each run opens new ones. `during`: see
    `Colours`. `gone`: names of engines that are no longer installed. `decode`: decodes the photos.
    """

    detector: Squares = field(default_factory=Squares)
    embedder: Colours = field(default_factory=Colours)
    reopened: bool = True
    during: Callable[[int], None] = lambda call: None
    gone: set[str] = field(default_factory=set)
    decode: Decoder = in_process

    def installed(self, kind: Kind, name: str) -> bool:
        return name not in self.gone

    def open(self, settings: Settings, *, photos: int | None = None) -> FaceAnalyzer:
        """An analyzer whose detector's identity says what it detects, if it is a new one."""
        if self.reopened:
            sought = (("image_side", str(settings.image_side)), ("min_face", str(settings.min_face)))
            detector = replace(DETECTOR, name=settings.detector or "squares", parameters=sought)
            self.detector = Squares(info=detector)
            embedder = replace(EMBEDDER, name=settings.embedder or "colours")
            self.embedder = Colours(during=self.during, info=embedder)
        return FaceAnalyzer(FacePipeline(self.detector, self.embedder, cut), decode=self.decode)

    def index(
        self, store: Store, roots: Sequence[Path], settings: Settings, progress: Progress, **switches: Any
    ) -> Indexed:
        return index(store, roots, settings, progress, engines=self, **switches)

    def add_face(self, store: Store, photo: Path, box: Box, name: str | None) -> Added:
        return add_face(store, photo, box, name, settings(), engines=self)

    def import_names(self, store: Store, names: NamesFile, **switches: Any) -> Imported:
        return import_names(store, names, settings(), Silent(), engines=self, **switches)


def settings(**changed: Any) -> Settings:
    return Settings(**{"db": Path("unused"), "jobs": 1, "image_side": 400, "detail_side": 400, **changed})


@dataclass
class Told:
    """A `Progress` that remembers; `during` is called after each step or problem with their number so far."""

    steps: int = 0
    problems: list[Problem] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    during: Callable[[int], None] = lambda step: None

    def start(self, job: str, total: int | None) -> None:
        self.jobs.append(job)

    def advance(self, steps: int = 1) -> None:
        if "Indexing" in self.jobs[-1]:
            self.steps += steps
            self.during(self.steps + len(self.problems))

    def problem(self, problem: Problem) -> None:
        self.problems.append(problem)
        self.during(self.steps + len(self.problems))

    def note(self, message: str) -> None: ...

    def finish(self) -> None: ...


@dataclass
class Clock:
    """Stands in for the module `time`: nothing passes but what a test lets pass."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def tick(self, _: int = 0) -> None:
        self.now += 1


def state(store: Store) -> list[tuple[Any, ...]]:
    """All that an index run is to bring about, without ids, times and counts."""
    return [
        *store.rows(
            "SELECT l.root, q.path, q.path_text, q.size, q.mtime_ns, p.sha256, p.width, p.height, p.taken_at, q.state,"
            " q.attempts, (SELECT group_concat(d.engine || ':' || d.faces) FROM detection d WHERE d.photo = p.id),"
            " (SELECT jpeg FROM preview v WHERE v.photo = p.id) FROM file q LEFT JOIN photo p ON p.id = q.photo"
            " JOIN library l ON l.id = q.library ORDER BY l.root, q.path"
        ),
        *store.rows(
            "SELECT '', p.sha256 || ' ' || f.x || ' ' || f.y, f.engine, f.x, f.y, f.w,"
            " f.h, f.landmarks, f.score, f.quality, f.present, c.jpeg, c.x, c.y,"
            " c.side, e.engine, e.dim, e.vector FROM face f JOIN photo p ON p.id = f.photo"
            " LEFT JOIN crop c ON c.face = f.id LEFT JOIN embedding e ON e.face = f.id ORDER BY p.sha256, f.x, f.y"
        ),
        *store.rows("SELECT path, path_text, stage, code, message FROM problem ORDER BY path, stage"),
    ]


def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Each row of each table."""
    tables = [row[0] for row in store.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {table: list(store.rows(f"SELECT * FROM {table}")) for table in tables}


def fingerprint(folder: Path) -> dict[bytes, tuple[object, ...]]:
    """Contents and time stamps of a whole tree."""
    found: dict[bytes, tuple[object, ...]] = {}
    for place, _, files in os.walk(os.fsencode(folder)):
        for name in [b".", *files]:
            path = os.path.join(place, name)
            status = os.stat(path)
            content = b"" if name == b"." else Path(os.fsdecode(path)).read_bytes()
            found[path] = (status.st_mtime_ns, status.st_mode, status.st_ino, hashlib.sha256(content).hexdigest())
    return found
