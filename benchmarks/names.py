"""Names kept: how many of all names are still on the right face after whatever may happen to a library.

    python -m benchmarks.names --data FOLDER

FOLDER holds `album`, `face-boxes`, `lfw-100`, `lfw-dev` (of which the people with most photos are taken) and
`models` (YuNet, MobileFaceNet). Photos are copied first, and the copies moved and changed. Every face that MTCNN finds
gets a name of its own; a name is kept if the face that bears it is present, in the same photo, and where it was (its
box overlaps the one that was named by IoU ≥ 0.4, or each box holds the other's middle). `taken over`: faces that the
other detector finds, too, and that have their name; the other ones stay as they were. `twice`: faces without a name
that are where a named one is.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import PIL.Image

from benchmarks.command import Benchmark
from benchmarks.figures import Measure, Measured, Value, at_least
from benchmarks.libraries import add_models
from phototag import config
from phototag.interop.read_names import parse
from phototag.interop.write_names import render
from phototag.progress import Silent
from phototag.store import face_places, faces
from phototag.store.connect import Store, open_store
from phototag.types import Box
from phototag.workflows.library.index import index
from phototag.workflows.naming.export_names import export_names
from phototag.workflows.naming.import_names import import_names
from phototag.workflows.naming.name import name_faces

#: Name → the photo (its copy's number) and the box that were named.
Named = dict[str, tuple[str, Box]]


#: The people of lfw-dev with most photos, so many of them, are in the library.
PEOPLE = 12
_PHOTOS = (
    "album, face-boxes, lfw-100 and twelve people of lfw-dev: 496 photos, 635 faces found by MTCNN, each with a name"
)
DEFAULT = {"detector": "mtcnn", "embedder": "dlib-resnet-int8"}


@dataclass(frozen=True)
class Library:
    """A copy of the photos, and a database in which all faces are named."""

    photos: Path
    db: Path

    def index(self, **engines: str) -> None:
        with open_store(self.db, create=True) as store:
            index(store, [self.photos], replace(config.load(**engines), db=store.path), Silent())

    def each(self, change: Callable[[Path], None]) -> None:
        for path in sorted(path for path in self.photos.rglob("*") if path.is_file()):
            change(path)


# --- what may happen ---


def remark(path: Path) -> None:
    """A comment after a JPEG's first marker; other files get some bytes at their end."""
    data = path.read_bytes()
    if data[:2] == b"\xff\xd8":
        path.write_bytes(data[:2] + b"\xff\xfe\x00\x0a" + b"a remark" + data[2:])
    else:
        path.write_bytes(data + b"a remark")


def save_anew(path: Path) -> None:
    with PIL.Image.open(path) as image:
        image.convert("RGB").save(path, "JPEG", quality=85, exif=image.info.get("exif", b""))


def move(path: Path) -> None:
    folder = path.parents[1] / "moved" / path.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    path.rename(folder / f"{path.stem}-renamed{path.suffix}")


@dataclass(frozen=True)
class Event:
    """What happens to a library. `change`: to each file; `lost`: the database is lost, and its names are imported after
    the photos are indexed again; `engines`: with which the photos are indexed, one after the other; `wanted`: the share
    of names that should be kept."""

    key: str
    label: str
    change: Callable[[Path], None] | None = None
    lost: bool = False
    engines: tuple[Mapping[str, str], ...] = ({},)
    wanted: float = 1.0

    def happens(self, library: Library, names: bytes) -> None:
        if self.change:
            library.each(self.change)
        if self.lost:
            for path in library.db.parent.glob(f"{library.db.name}*"):
                path.unlink()
        for engines in self.engines:
            library.index(**({**DEFAULT, **engines} if self.lost else engines))
        if self.lost:
            with open_store(library.db) as store:
                import_names(store, parse(names), config.load(), Silent())


_HOG, _YUNET, _MTCNN = ({"detector": name} for name in ("dlib-hog", "yunet", "mtcnn"))
EVENTS = (
    Event("touched", "every file touched", os.utime),
    Event("remark", "a remark written into every file (other bytes, same pixels)", remark),
    Event("saved", "every photo saved anew (JPEG, quality 85)", save_anew),
    Event("moved", "every photo moved and renamed", move),
    Event("dlib-hog", "detector MTCNN → `dlib-hog`", engines=(_HOG,), wanted=0.99),
    Event("yunet", "detector MTCNN → `yunet`", engines=(_YUNET,), wanted=0.99),
    Event("there-and-back", "detector MTCNN → `dlib-hog` → MTCNN", engines=(_HOG, _MTCNN), wanted=0.99),
    Event("dlib-resnet", "embedder `dlib-resnet-int8` → `dlib-resnet`", engines=({"embedder": "dlib-resnet"},)),
    Event("mobilefacenet", "embedder `dlib-resnet-int8` → `mobilefacenet`", engines=({"embedder": "mobilefacenet"},)),
    Event("lost", "database lost; indexed again, names imported", lost=True),
    Event("lost-moved", "… and photos moved and renamed before that", move, lost=True),
    Event("lost-dlib-hog", "… and indexed with `dlib-hog`", lost=True, engines=(_HOG,), wanted=0.99),
    Event("lost-yunet", "… and indexed with `yunet`", lost=True, engines=(_YUNET,), wanted=0.99),
)
_COLUMNS = {
    "kept": "names kept",
    "found": "found by the last detector",
    "embedded": "seen by the embedder",
    "twice": "shown twice",
}
MEASURES = tuple(
    Measure(
        f"{event.key}.{key}",
        event.label,
        _PHOTOS,
        wanted=at_least(event.wanted) if key == "kept" else None,
        column=column,
    )
    for event in EVENTS
    for key, column in _COLUMNS.items()
)


def main() -> None:
    benchmark = Benchmark("names", __doc__, MEASURES)
    data = benchmark.parse().data
    with tempfile.TemporaryDirectory() as folder, add_models(data, "yunet", "mobilefacenet"):
        whole = Library(Path(folder) / "photos", Path(folder) / "whole.db")
        copy_photos(data, whole.photos)
        whole.index(**DEFAULT)
        named = name_all(whole.db)
        with open_store(whole.db) as store:
            names = render(export_names(store).names)
        benchmark.run({event.key: partial(after, event, whole, named, names) for event in EVENTS})


def copy_photos(data: Path, folder: Path) -> None:
    """Copies of the photos, numbered, in seven folders."""
    for number, path in enumerate(chosen(data, PEOPLE)):
        (folder / f"{number % 7}").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / f"{number % 7}" / f"{number:04}{path.suffix.lower()}")


def after(event: Event, whole: Library, named: Named, names: bytes) -> dict[str, Value | Measured]:
    """What is left of the names after an event in a copy of the library."""
    with tempfile.TemporaryDirectory(dir=whole.db.parent) as place:
        copy = Library(Path(place) / "photos", Path(place) / "x.db")
        shutil.copytree(whole.photos, copy.photos)
        with open_store(whole.db) as store:
            store.run("VACUUM INTO ?", (str(copy.db),))
        with open_store(copy.db) as copied, copied.write():
            copied.run("UPDATE library SET root = ?", (os.fsencode(copy.photos),))
        event.happens(copy, names)
        return {f"{event.key}.{key}": value for key, value in kept(copy.db, named).items()}


def chosen(data: Path, people: int) -> list[Path]:
    """The photos: all of the small sets, and those of the people of lfw-dev with most."""
    found = [path for name in ("album", "face-boxes", "lfw-100") for path in sorted((data / name).rglob("*"))]
    by_count = sorted((data / "lfw-dev").iterdir(), key=lambda person: (-len(list(person.iterdir())), person.name))
    found += [path for person in by_count[:people] for path in sorted(person.iterdir())]
    return [path for path in found if path.suffix.lower() in {".jpg", ".jpeg", ".png"}]


def name_all(db: Path) -> Named:
    """Each face gets a name of its own."""
    with open_store(db) as store:
        found = list(faces.identified(store))
        for face in found:
            name_faces(store, [face.id], f"Number {face.id}")
        return {f"Number {face.id}": (photo_of(face.path), face.box) for face in found}


def photo_of(path: bytes) -> str:
    """A copy's number, which its name begins with, wherever it is moved."""
    return Path(os.fsdecode(path)).stem[:4]


def kept(db: Path, named: Named) -> dict[str, Value | Measured]:
    right = taken = 0
    named_boxes: dict[str, list[Box]] = defaultdict(list)
    nameless: dict[str, list[Box]] = defaultdict(list)
    with open_store(db) as store:
        found_by_a_detector = {row[0] for row in store.rows("SELECT id FROM face WHERE engine IS NOT NULL")}
        for face in faces.identified(store):
            photo = photo_of(face.path)
            if face.source != "human" or face.person is None:
                nameless[photo].append(face.box)
                continue
            named_boxes[photo].append(face.box)
            if face.person in named and named[face.person][0] == photo and there(named[face.person][1], face.box):
                right += 1
                taken += face.id in found_by_a_detector
        used = sum(1 for _ in embedded(store))
    twice = sum(
        any(there(box, other) for other in named_boxes[photo]) for photo, boxes in nameless.items() for box in boxes
    )
    return {"kept": Measured(right, of=len(named)), "found": taken, "embedded": used, "twice": twice}


def embedded(store: Store) -> list[object]:
    """Named faces that the current embedder has seen."""
    return list(
        store.rows(
            "SELECT 1 FROM label l JOIN embedding e ON e.face = l.face JOIN engine n ON n.id = e.engine"
            " WHERE l.verb = 'is' AND n.kind = 'embedder' AND n.current = 1"
        )
    )


def there(one: Box, other: Box) -> bool:
    return one.iou(other) >= face_places.SAME_PLACE_IOU or (holds(one, other) and holds(other, one))


def holds(box: Box, other: Box) -> bool:
    return box.x <= other.x + other.w / 2 <= box.x + box.w and box.y <= other.y + other.h / 2 <= box.y + box.h


if __name__ == "__main__":
    main()
