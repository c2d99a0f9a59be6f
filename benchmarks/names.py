"""Names kept: how many of all names are still on the right face after whatever may happen to a library.

    python benchmarks/names.py --data FOLDER [--people 12] [--json]

FOLDER holds `album`, `face-boxes`, `lfw-100`, `lfw-dev` (of which the people with most photos are taken) and
`models` (YuNet, MobileFaceNet). Photos are copied first, and the copies moved and changed. Every face that MTCNN finds
gets a name of its own; a name is kept if the face that bears it is present, in the same photo, and where it was (its
box overlaps the one that was named by IoU ≥ 0.4, or each box holds the other's middle). `taken over`: faces that the
other detector finds, too, and that have their name; the other ones stay as they were. `twice`: faces without a name
that are where a named one is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import PIL.Image

from phototag import config
from phototag.engines import registry
from phototag.interop.names import parse, render
from phototag.progress import Silent
from phototag.store import faces
from phototag.store.connect import Store, open_store
from phototag.types import Box
from phototag.workflows.engines import add
from phototag.workflows.library.index import index
from phototag.workflows.naming.export_names import export_names
from phototag.workflows.naming.import_names import import_names
from phototag.workflows.naming.name import name_faces

MODELS = {"yunet": "yunet_n_dynamic.onnx", "mobilefacenet": "mobilefacenet.onnx"}
Figures = dict[str, object]
#: Name → the photo (its copy's number) and the box that were named.
Named = dict[str, tuple[str, Box]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--people", type=int, default=12, help="of lfw-dev")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PHOTOTAG_ENGINES"] = str(Path(folder) / "engines")
        figures = measure(options.data.resolve(), Path(folder), options.people)
    print(json.dumps(figures, indent=2) if options.json else "\n".join(_text(figures)))


@dataclass(frozen=True)
class Library:
    """A copy of the photos, and a database in which all faces are named."""

    photos: Path
    db: Path

    def index(self, db: Path | None = None, **engines: str) -> None:
        with open_store(db or self.db, create=True) as store:
            index(store, [self.photos], replace(config.load(**engines), db=store.path), Silent())

    def each(self, change: Callable[[Path], None]) -> None:
        for path in sorted(path for path in self.photos.rglob("*") if path.is_file()):
            change(path)


def measure(data: Path, folder: Path, people: int) -> Figures:
    whole = Library(folder / "photos", folder / "whole.db")
    for number, path in enumerate(chosen(data, people)):
        (whole.photos / f"{number % 7}").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, whole.photos / f"{number % 7}" / f"{number:04}{path.suffix.lower()}")
    whole.index(detector="mtcnn", embedder="dlib-resnet-int8")
    named = name_all(whole.db)
    with open_store(whole.db) as store:
        saved = render(export_names(store).names)
    figures: Figures = {
        "machine": {"cores": os.cpu_count(), "python": sys.version.split()[0]},
        "photos": sum(path.is_file() for path in whole.photos.rglob("*")),
        "names": len(named),
    }
    for name, file in MODELS.items():
        if (data / "models" / file).is_file() and not registry.installed("embedder", name):
            add(name, data / "models" / file, None, None)

    def after(event: str, happens: Callable[[Library], None]) -> None:
        print(event, file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            copy = Library(Path(place) / "photos", Path(place) / "x.db")
            shutil.copytree(whole.photos, copy.photos)
            with open_store(whole.db) as store:
                store.run("VACUUM INTO ?", (str(copy.db),))
                with open_store(copy.db) as copied, copied.write():
                    copied.run("UPDATE library SET root = ?", (os.fsencode(copy.photos),))
            happens(copy)
            figures[event] = kept(copy.db, named)

    after("every file touched", lambda library: (library.each(os.utime), library.index()))
    after("a remark written into every file", lambda library: (library.each(remark), library.index()))
    after("every photo saved anew (JPEG, 85)", lambda library: (library.each(save_anew), library.index()))
    after("every photo moved and renamed", lambda library: (move(library), library.index()))
    for detector in ("dlib-hog", "yunet"):
        if registry.installed("detector", detector):
            after(f"detector {detector}", lambda library, detector=detector: library.index(detector=detector))
    after("detector dlib-hog, and mtcnn again", lambda library: [
        library.index(detector=detector) for detector in ("dlib-hog", "mtcnn")
    ])  # fmt: skip
    for embedder in ("dlib-resnet", "mobilefacenet"):
        if registry.installed("embedder", embedder):
            after(f"embedder {embedder}", lambda library, embedder=embedder: library.index(embedder=embedder))
    after("database lost, indexed and imported", lambda library: restore(library, saved))
    after("database lost, photos moved", lambda library: (move(library), restore(library, saved)))
    for detector in ("dlib-hog", "yunet"):
        if registry.installed("detector", detector):
            after(
                f"database lost, detector {detector}",
                lambda library, detector=detector: restore(library, saved, detector=detector),
            )
    return figures


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


def kept(db: Path, named: Named) -> Figures:
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
    return {
        "kept": right,
        "of": len(named),
        "share": round(right / len(named), 5),
        "taken over": taken,
        "seen by the embedder": used,
        "twice": twice,
    }


def embedded(store: Store) -> list[object]:
    """Named faces that the current embedder has seen."""
    return list(
        store.rows(
            "SELECT 1 FROM label l JOIN embedding e ON e.face = l.face JOIN engine n ON n.id = e.engine"
            " WHERE l.verb = 'is' AND n.kind = 'embedder' AND n.current = 1"
        )
    )


def there(one: Box, other: Box) -> bool:
    return one.iou(other) >= faces.SAME_PLACE_IOU or (holds(one, other) and holds(other, one))


def holds(box: Box, other: Box) -> bool:
    return box.x <= other.x + other.w / 2 <= box.x + box.w and box.y <= other.y + other.h / 2 <= box.y + box.h


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


def move(library: Library) -> None:
    def moved(path: Path) -> None:
        folder = library.photos / "moved" / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(folder / f"{path.stem}-renamed{path.suffix}")

    library.each(moved)


def restore(library: Library, saved: bytes, **engines: str) -> None:
    """A new database in the place of the one that is lost."""
    for path in library.db.parent.glob("x.db*"):
        path.unlink()
    library.index(**{"detector": "mtcnn", "embedder": "dlib-resnet-int8", **engines})
    with open_store(library.db) as store:
        done = import_names(store, parse(saved), config.load(), Silent())
        print(f"  {done.names} names, {done.added} faces added, {len(done.problems)} problems", file=sys.stderr)


def _text(figures: Figures) -> list[str]:
    rows = [f"{figures['names']} names on {figures['photos']} photos"]
    for event, told in figures.items():
        if isinstance(told, dict) and "share" in told:
            rows.append(
                f"{event}: {told['share']:.3%} kept ({told['kept']} of {told['of']}; taken over {told['taken over']}, "
                f"seen by the embedder {told['seen by the embedder']}, twice {told['twice']})"
            )
    return rows


if __name__ == "__main__":
    main()
