"""Names through edits: photos with a name on every face are edited in place, renamed, copied and deleted.

    python benchmarks/edits.py --data DIR [--json]

Each event starts from the same library (`album`, `face-boxes`, `lfw-100`), every face of which has a name of its own.
A name is kept if it is shown on a face whose box holds the middle of where that face is now. It is in a wrong place if
it is shown anywhere else. Faces of which the middle was cropped off are not expected.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageEnhance
import PIL.ImageOps

from phototag.config import Settings
from phototag.progress import Silent
from phototag.store import decisions, faces, people
from phototag.store.connect import Store, open_store
from phototag.store.decisions import Decision
from phototag.workflows.index import index

Point = tuple[float, float]
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


def middles(store: Store) -> dict[str, tuple[bytes, Point]]:
    """Name → its photo, and the middle of its face."""
    return {
        face.person: (face.path, (face.box.x + face.box.w / 2, face.box.y + face.box.h / 2))
        for face in faces.identified(store, every_place=True)
        if face.source == "human" and face.person
    }


def edited(folder: Path, store: Store, name: str, *, keep_mtime: bool) -> dict[str, tuple[bytes, Point]]:
    """Edit every photo in place; where each name is now (of those that are still on their photo)."""
    rng = np.random.default_rng(1)
    before, expected = middles(store), {}
    for path in sorted(folder.iterdir()):
        own = {who: at for who, (photo, at) in before.items() if photo == os.fsencode(path)}
        status = path.stat()
        with PIL.Image.open(path) as opened:
            image = opened.convert("RGB")
        changed, move = EDITS[name](image, list(own.values()), rng)
        if name.endswith("by tag"):
            exif = PIL.Image.Exif()
            exif[0x0112] = _TAG[int(name.split()[1]) // 90]
            image.save(path, quality=95, exif=exif)
        else:
            changed.save(path, quality=60 if "quality" in name else 92)
        if keep_mtime:
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        for who, at in own.items():
            x, y = move(*at)
            if 0 <= x < changed.width and 0 <= y < changed.height:
                expected[who] = (os.fsencode(path), (x, y))
    return expected


def renamed_in_a_row(folder: Path, store: Store) -> dict[str, tuple[bytes, Point]]:
    before = middles(store)
    files = sorted(folder.iterdir())
    successor = {os.fsencode(one): os.fsencode(two) for one, two in zip(files, [*files[1:], files[0]], strict=True)}
    for file in files:
        file.rename(file.with_suffix(".part"))
    for file in files:
        os.rename(file.with_suffix(".part"), successor[os.fsencode(file)])
    return {who: (successor[photo], at) for who, (photo, at) in before.items()}


def replaced(folder: Path, store: Store) -> dict[str, tuple[bytes, Point]]:
    """Every second photo is overwritten with its neighbour."""
    before = middles(store)
    files = sorted(folder.iterdir())
    gone = {os.fsencode(file) for file in files[1::2]}
    for kept, lost in zip(files[::2], files[1::2], strict=False):
        shutil.copyfile(kept, lost)
    return {who: (photo, at) for who, (photo, at) in before.items() if photo not in gone}


def judged(store: Store, expected: dict[str, tuple[bytes, Point]]) -> tuple[int, int]:
    """Names on their own faces, and names in wrong places."""
    right, wrong = set(), 0
    known = {photo for photo, _ in expected.values()}
    for face in faces.identified(store, every_place=True):
        if face.source != "human" or face.person is None:
            continue
        box, at = face.box, expected.get(face.person)
        here = at is not None and box.x <= at[1][0] <= box.x + box.w and box.y <= at[1][1] <= box.y + box.h
        if here and (at[0] == face.path or at[0] not in known):
            right.add(face.person)
        elif not here:
            wrong += 1
    return len(right), wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--events", nargs="*")
    arguments = parser.parse_args()
    events = arguments.events or [*EDITS, "renamed in a row", "every second replaced"]
    results = []
    with tempfile.TemporaryDirectory() as work:
        start = Path(work) / "start"
        photos = library(arguments.data, start / "photos")
        settings = Settings(db=start / "phototag.db", jobs=2)
        with open_store(settings.db, create=True) as store:
            index(store, [photos], settings, Silent())
            with store.write():
                for face in list(faces.identified(store)):
                    decisions.record(store, [Decision("is", face.id, people.ensure(store, f"N{face.id}").id)], "typed")
        for number, event in enumerate(events):
            # The same folder each time: its path is in the database.
            shutil.copytree(start, Path(work) / "kept", dirs_exist_ok=False)
            with open_store(settings.db) as store:
                if event in EDITS:
                    expected = edited(photos, store, event, keep_mtime=bool(number % 2))
                elif event == "renamed in a row":
                    expected = renamed_in_a_row(photos, store)
                else:
                    expected = replaced(photos, store)
                index(store, [photos], settings, Silent())
                right, wrong = judged(store, expected)
            results.append({"event": event, "names": len(expected), "kept": right, "wrong": wrong})
            if not arguments.json:
                print(f"{event:26} {right} of {len(expected)} ({right / len(expected):.1%}), {wrong} in wrong places")
                sys.stdout.flush()
            shutil.rmtree(start)
            (Path(work) / "kept").rename(start)
    if arguments.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
