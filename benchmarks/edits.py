"""Names through edits: photos with a name on every face are edited in place, renamed, copied and deleted.

    python -m benchmarks.edits --data FOLDER

Each event starts from the same library (`album`, `face-boxes`, `lfw-100`), every face of which has a name of its own.
A name is kept if it is shown on a box that overlaps its face's, as that lies now, by at least .3 (intersection over
union), and wrong if it is shown anywhere else. Faces that a crop cuts off are not expected; how many of those that are
left in part kept their names is told besides (`cut`). Events that end in "lost" export the names, lose the database,
index the photos anew and import.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageEnhance
import PIL.ImageOps

from benchmarks.command import Benchmark
from benchmarks.figures import Measure, Measured, Value, at_least, exactly
from phototag.config import Settings
from phototag.interop.read_names import parse
from phototag.interop.write_names import render
from phototag.progress import Silent
from phototag.store import decisions, faces, people
from phototag.store.connect import Store, open_store
from phototag.store.decisions import Decision
from phototag.types import Box
from phototag.workflows.library.index import index
from phototag.workflows.naming.export_names import export_names
from phototag.workflows.naming.import_names import import_names

Point = tuple[float, float]
#: Name → its photo, and where the face is on it; the box may reach beyond the picture.
Faces = dict[str, tuple[bytes, Box]]
Move = Callable[[float, float], Point]
#: From a picture (and where its faces' middles are) to another one and where a point of the first lies in it.
Edit = Callable[[PIL.Image.Image, list[Point], np.random.Generator], tuple[PIL.Image.Image, Move]]


def crop(share: float) -> Edit:
    def edit(image: PIL.Image.Image, middles: list[Point], rng: np.random.Generator) -> tuple[PIL.Image.Image, Move]:
        w, h = round(image.width * (1 - share)), round(image.height * (1 - share))
        x, y = middles[int(rng.integers(len(middles)))] if middles else (image.width / 2, image.height / 2)
        left = int(np.clip(x - w * rng.uniform(0.35, 0.65), 0, image.width - w))
        top = int(np.clip(y - h * rng.uniform(0.35, 0.65), 0, image.height - h))
        return image.crop((left, top, left + w, top + h)), lambda a, b: (a - left, b - top)

    return edit


def scale(factor: float) -> Edit:
    def edit(image: PIL.Image.Image, *_: object) -> tuple[PIL.Image.Image, Move]:
        small = image.resize((round(image.width * factor), round(image.height * factor)), PIL.Image.Resampling.LANCZOS)
        return small, lambda a, b: (a * factor, b * factor)

    return edit


def turn(quarters: int) -> Edit:
    def edit(image: PIL.Image.Image, *_: object) -> tuple[PIL.Image.Image, Move]:
        w, h = image.size
        moves: dict[int, Move] = {
            1: lambda a, b: (b, w - a),
            2: lambda a, b: (w - a, h - b),
            3: lambda a, b: (h - b, a),
        }
        return PIL.Image.fromarray(np.rot90(np.asarray(image), quarters)), moves[quarters]

    return edit


def mirror(image: PIL.Image.Image, *_: object) -> tuple[PIL.Image.Image, Move]:
    return PIL.ImageOps.mirror(image), lambda a, b: (image.width - a, b)


def light(image: PIL.Image.Image, *_: object) -> tuple[PIL.Image.Image, Move]:
    bright = PIL.ImageEnhance.Brightness(image).enhance(1.4)
    return PIL.ImageEnhance.Contrast(bright).enhance(0.7), lambda a, b: (a, b)


def same(image: PIL.Image.Image, *_: object) -> tuple[PIL.Image.Image, Move]:
    return image, lambda a, b: (a, b)


EDITS: dict[str, Edit] = {
    "cropped by 10 %": crop(0.1), "cropped by 25 %": crop(0.25), "cropped by 40 %": crop(0.4),
    "scaled 0.3": scale(0.3), "scaled 0.6": scale(0.6), "scaled 2": scale(2.0),
    "turned 90": turn(1), "turned 180": turn(2), "turned 270": turn(3),
    "turned 90 by tag": turn(1), "turned 180 by tag": turn(2), "turned 270 by tag": turn(3),
    "mirrored": mirror, "brightness and contrast": light, "quality 60": same,
}  # fmt: skip
#: EXIF orientation that shows an upright picture turned to the left by so many quarters.
_TAG = {1: 8, 2: 3, 3: 6}


def library(data: Path, target: Path) -> Path:
    """Upright copies of the photos, as JPEG without EXIF."""
    for name in ("album/group", "album/portraits", "face-boxes", "lfw-100"):
        for source in sorted((data / name).rglob("*")):
            if source.suffix.lower() in (".jpg", ".jpeg", ".png"):
                path = target / "-".join(source.relative_to(data).with_suffix(".jpg").parts)
                path.parent.mkdir(parents=True, exist_ok=True)
                with PIL.Image.open(source) as image:
                    PIL.ImageOps.exif_transpose(image).convert("RGB").save(path, quality=95)
    return target


def named(store: Store) -> Faces:
    """Where each name is shown; of copies at any place."""
    return {face.person: (face.path, face.box) for face in faces.identified(store) if face.source == "human"}  # type: ignore[misc]


def middle(box: Box) -> Point:
    return box.x + box.w / 2, box.y + box.h / 2


def moved(box: Box, move: Move) -> Box:
    one, other = move(box.x, box.y), move(box.x + box.w, box.y + box.h)
    left, top = min(one[0], other[0]), min(one[1], other[1])
    return Box(left, top, abs(one[0] - other[0]), abs(one[1] - other[1]))


def clipped(box: Box, size: tuple[int, int]) -> Box:
    left, top = max(box.x, 0), max(box.y, 0)
    across, down = min(box.x + box.w, size[0]) - left, min(box.y + box.h, size[1]) - top
    return Box(left, top, max(across, 0), max(down, 0))


def edited(folder: Path, store: Store, name: str, *, keep_mtime: bool) -> tuple[Faces, Faces]:
    """Edit every photo in place; where the faces are now: those that are whole, and those of which a part is left."""
    rng = np.random.default_rng(1)
    before = named(store)
    whole, cut = Faces(), Faces()
    for path in sorted(folder.iterdir()):
        own = {who: box for who, (photo, box) in before.items() if photo == os.fsencode(path)}
        status = path.stat()
        with PIL.Image.open(path) as opened:
            image = opened.convert("RGB")
        changed, move = EDITS[name](image, list(map(middle, own.values())), rng)
        if name.endswith("by tag"):
            exif = PIL.Image.Exif()
            exif[0x0112] = _TAG[int(name.split()[1]) // 90]
            image.save(path, quality=95, exif=exif)
        else:
            changed.save(path, quality=60 if "quality" in name else 92)
        if keep_mtime:
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        for who, box in own.items():
            # Detectors draw boxes that reach a little beyond a picture's edge.
            there, here = moved(clipped(box, image.size), move), os.fsencode(path)
            left = clipped(there, changed.size)
            if left.w * left.h >= 0.999 * there.w * there.h:
                whole[who] = (here, left)
            elif left.w * left.h > 0:
                cut[who] = (here, left)
    return whole, cut


def renamed_in_a_row(folder: Path, store: Store) -> Faces:
    files = sorted(folder.iterdir())
    return _renamed(files, [*files[1:], files[0]], store)


def permuted(folder: Path, store: Store) -> Faces:
    files = sorted(folder.iterdir())
    order = np.random.default_rng(2).permutation(len(files)).tolist()
    return _renamed(files, [files[place] for place in order], store)


def _renamed(files: Sequence[Path], names: Sequence[Path], store: Store) -> Faces:
    new = {os.fsencode(one): os.fsencode(two) for one, two in zip(files, names, strict=True)}
    for file in files:
        file.rename(file.with_suffix(".part"))
    for file in files:
        os.rename(file.with_suffix(".part"), new[os.fsencode(file)])
    return {who: (new[photo], box) for who, (photo, box) in named(store).items()}


def replaced(folder: Path, store: Store) -> Faces:
    """Every second photo is overwritten with its neighbour."""
    files = sorted(folder.iterdir())
    gone = {os.fsencode(file) for file in files[1::2]}
    for kept, lost in zip(files[::2], files[1::2], strict=False):
        shutil.copyfile(kept, lost)
    return {who: (photo, box) for who, (photo, box) in named(store).items() if photo not in gone}


def copies_deleted(folder: Path, store: Store, settings: Settings) -> Faces:
    """Every photo gets a copy, and loses it, or the one that was named, in turns."""
    files = sorted(folder.iterdir())
    copies = [shutil.copyfile(file, file.with_name(f"copy-{file.name}")) for file in files]
    index(store, [folder], settings, Silent())
    left = {os.fsencode(file): os.fsencode(file) for file in files}
    for number, (file, copy) in enumerate(zip(files, copies, strict=True)):
        (copy if number % 2 else file).unlink()
        left[os.fsencode(file)] = os.fsencode(file if number % 2 else copy)
    # Photos that are equal to begin with lie elsewhere, too.
    return {who: (left[photo], box) for who, (photo, box) in named(store).items() if photo in left} | {
        who: at for who, at in named(store).items() if at[0] not in left
    }


def judged(store: Store, expected: Faces, cut: Faces) -> tuple[int, int, int]:
    """Names on their own faces, of those expected and of those cut; and names in wrong places."""
    right, wrong = set(), 0
    places = {face.id: set[bytes]() for face in faces.identified(store)}
    for face in faces.identified(store, every_place=True):
        places[face.id].add(face.path)
    for face in faces.identified(store):
        if face.source == "human" and face.person is not None:
            photo, box = (expected | cut).get(face.person, (b"", face.box))
            if photo in places[face.id] and face.box.iou(box) >= 0.3:
                right.add(face.person)
            else:
                wrong += 1
    return len(right & expected.keys()), len(right & cut.keys()), wrong


def lost(store: Store, photos: Path, settings: Settings) -> None:
    """Carry the names to a new database, which is put in `settings.db`'s place."""
    names = parse(render(export_names(store).names))
    store.close()
    for end in ("", "-wal", "-shm"):
        Path(f"{settings.db}{end}").unlink(missing_ok=True)
    with open_store(settings.db, create=True) as new:
        index(new, [photos], settings, Silent())
        import_names(new, names, settings, Silent())


OTHERS: dict[str, Callable[[Path, Store, Settings], Faces]] = {
    "renamed in a row": lambda folder, store, _: renamed_in_a_row(folder, store),
    "permuted": lambda folder, store, _: permuted(folder, store),
    "every second replaced": lambda folder, store, _: replaced(folder, store),
    "copies deleted": copies_deleted,
}
_LOST = ", lost"
EVENTS = [
    *EDITS,
    *OTHERS,
    *(name + _LOST for name in ("cropped by 25 %", "turned 90", "turned 180 by tag", "scaled 0.3", *OTHERS)),
]


_PHOTOS = "album, face-boxes and lfw-100: 247 faces found by MTCNN, each with a name"


def _key(event: str) -> str:
    return event.replace(" %", "").replace(", ", "-").replace(" ", "-")


def _measures(event: str) -> Iterable[Measure]:
    of_content = event.removesuffix(_LOST) in OTHERS
    kept = at_least(1.0 if of_content else 0.99)
    yield Measure(f"{_key(event)}.kept", event, _PHOTOS, wanted=kept, column="names kept")
    if event.startswith("cropped"):
        yield Measure(f"{_key(event)}.cut", event, _PHOTOS, column="of faces cut in part")
    yield Measure(f"{_key(event)}.wrong", event, _PHOTOS, wanted=exactly(0), column="in wrong places")


MEASURES = tuple(measure for event in EVENTS for measure in _measures(event))


def main() -> None:
    benchmark = Benchmark("edits", __doc__, MEASURES)
    data = benchmark.parse().data
    with tempfile.TemporaryDirectory() as work:
        start = named_library(data, Path(work) / "start")
        benchmark.run({_key(event): partial(after, event, start) for event in EVENTS})


def named_library(data: Path, start: Path) -> Path:
    """A folder with photos and a database, in which every face has a name of its own."""
    photos = library(data, start / "photos")
    with open_store(start / "phototag.db", create=True) as store:
        index(store, [photos], Settings(db=store.path), Silent())
        with store.write():
            for face in list(faces.identified(store)):
                decisions.record(store, [Decision("is", face.id, people.ensure(store, f"N{face.id}").id)], "typed")
    return start


def after(event: str, start: Path) -> dict[str, Value | Measured]:
    """What is left of the names after an event; the library is as it was afterwards."""
    name, key = event.removesuffix(_LOST), _key(event)
    photos, settings = start / "photos", Settings(db=start / "phototag.db")
    kept = start.with_name("kept")
    # The same folder each time: its path is in the database.
    shutil.copytree(start, kept)
    with open_store(settings.db) as store:
        if name in EDITS:
            # Every second event leaves the photos' modification times as they were.
            expected, cut = edited(photos, store, name, keep_mtime=bool(EVENTS.index(event) % 2))
        else:
            expected, cut = OTHERS[name](photos, store, settings), {}
        index(store, [photos], settings, Silent())
        if event != name:
            lost(store, photos, settings)
    with open_store(settings.db) as store:
        right, partly, wrong = judged(store, expected, cut)
    shutil.rmtree(start)
    kept.rename(start)
    told: dict[str, Value | Measured] = {f"{key}.kept": Measured(right, of=len(expected)), f"{key}.wrong": wrong}
    return {**told, f"{key}.cut": Measured(partly, of=len(cut))} if event.startswith("cropped") else told


if __name__ == "__main__":
    main()
