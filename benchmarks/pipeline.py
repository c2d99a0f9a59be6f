"""Indexing against the floor: decoding every photo in full with Pillow on as many processes.

    python -m benchmarks.pipeline --data FOLDER

FOLDER holds `lfw-dev`, and `models` with YuNet and MobileFaceNet. The photos are made here: twelve megapixels each,
one to six faces of 200 to 800 pixels on a background of grain and shapes, about 2 MB as JPEG, the same at every run.
Each round times the floor, a whole `phototag index` with the engines that come with phototag, and one with YuNet and
MobileFaceNet, each into a new database; then (once, on ten photos) the way of the write-ups that phototag descends
from: mtcnn on the full photo, one `predict` a face. Figures are medians of the rounds' ratios.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

import numpy as np
import PIL.Image
import PIL.ImageDraw

from benchmarks.command import Benchmark
from benchmarks.figures import Measure, Measured, Value, at_least, at_most
from benchmarks.libraries import add_models
from benchmarks.processes import run_phototag

SIZE = (4000, 3000)


_PHOTOS = "200 JPEGs of 12 megapixels and 2.0 MB, with one to six faces each"
MEASURES = (
    Measure("index.seconds", "`phototag index` with the default engines", _PHOTOS, "s", 1),
    Measure("index.floor", "the floor: decoding each photo in full with Pillow, on as many processes", _PHOTOS, "s", 1),
    Measure("index.ratio", "index, times the floor", _PHOTOS, digits=2, wanted=at_most(1.5)),
    Measure("index.memory", "peak memory of all processes", _PHOTOS, "MB", wanted=at_most(2500)),
    Measure("index.faces", "faces found", _PHOTOS),
    Measure(
        "better.ratio",
        "index with YuNet and MobileFaceNet, times the default pair's time",
        _PHOTOS,
        digits=2,
        wanted=at_most(1),
    ),
    Measure("better.processor", "… times the default pair's processor time", _PHOTOS, digits=2),
    Measure("better.faces", "… faces found", _PHOTOS),
    Measure(
        "write-ups.seconds",
        "the write-ups' way: mtcnn on the full photo, one `predict` a face; a photo",
        "10 of these photos",
        "s",
        1,
    ),
    Measure("write-ups.ratio", "… times phototag's time", "10 of these photos", digits=1, wanted=at_least(40)),
)


def main() -> None:
    benchmark = Benchmark("pipeline", __doc__, MEASURES)
    benchmark.size("--photos", 200, "photos to index")
    benchmark.size("--rounds", 3, "rounds, in which floor and indexes take turns")
    options = benchmark.parse()
    with tempfile.TemporaryDirectory() as folder, add_models(options.data, "yunet", "mobilefacenet") as engines:
        photos = Path(folder, "photos")
        make_library(options.data / "lfw-dev", photos, options.photos)
        turns = Turns(photos, Path(folder), engines, options.rounds)
        benchmark.run({"index": turns.index, "better": turns.better, "write-ups": turns.write_ups})


def make_library(lfw: Path, folder: Path, count: int) -> None:
    """Write the photos."""
    people = sorted(lfw.rglob("*.jpg"))
    folder.mkdir()
    jobs = [(number, [str(path) for path in people], str(folder)) for number in range(count)]
    with multiprocessing.Pool() as pool:
        pool.starmap(make_photo, jobs, chunksize=4)


def make_photo(number: int, people: list[str], folder: str) -> None:
    """One photo: faces side by side in a grid of six places."""
    dice = random.Random(number)
    grain = np.random.default_rng(number)
    small = grain.integers(60, 200, (30, 40, 3), np.uint8)
    photo = PIL.Image.fromarray(small).resize(SIZE, PIL.Image.Resampling.BICUBIC)
    draw = PIL.ImageDraw.Draw(photo)
    for _ in range(60):
        x, y, side = dice.randrange(SIZE[0]), dice.randrange(SIZE[1]), dice.randrange(20, 500)
        draw.rectangle((x, y, x + side, y + side // 2), fill=tuple(dice.randrange(256) for _ in range(3)))
    for place in dice.sample(range(6), dice.randint(1, 6)):
        # The middle of LFW's pictures, which holds one face of about 60 % of its width, and no bystanders.
        side = dice.randrange(300, 1300)
        face = PIL.Image.open(dice.choice(people)).convert("RGB").crop((50, 50, 200, 200))
        face = face.resize((side, side), PIL.Image.Resampling.BICUBIC)
        x, y = place % 3 * 1333 + dice.randrange(1333 - side + 1), place // 3 * 1500 + dice.randrange(1500 - side + 1)
        photo.paste(face, (x, y))
    noisy = np.asarray(photo).astype(np.int16) + grain.normal(0, 5, (SIZE[1], SIZE[0], 1)).astype(np.int16)
    PIL.Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(Path(folder, f"{number:04}.jpg"), quality=85)


@dataclass(frozen=True)
class Round:
    """One round: seconds of the floor and of both indexes, the processor time of these, and peak memory in MB."""

    floor: float
    default: float
    better: float
    default_processor: float
    better_processor: float
    memory: float


@dataclass(frozen=True)
class Turns:
    """Floor, default index and index with the better engines, in turns; `engines`: the folder with these engines."""

    photos: Path
    folder: Path
    engines: Path
    count: int

    def index(self) -> dict[str, Value | Measured]:
        ratios = [one.default / one.floor for one in self._rounds]
        return {
            "index.seconds": median(one.default for one in self._rounds),
            "index.floor": median(one.floor for one in self._rounds),
            "index.ratio": Measured(median(ratios), min(ratios), max(ratios)),
            "index.memory": max(one.memory for one in self._rounds),
            "index.faces": faces(self.folder / "default 0.db"),
        }

    def better(self) -> dict[str, Value]:
        return {
            "better.ratio": median(one.better / one.default for one in self._rounds),
            "better.processor": median(one.better_processor / one.default_processor for one in self._rounds),
            "better.faces": faces(self.folder / "better 0.db"),
        }

    def write_ups(self) -> dict[str, Value]:
        photos = sorted(self.photos.iterdir())
        seconds = the_write_ups_way(photos[:10])
        default = median(one.default for one in self._rounds)
        return {"write-ups.seconds": seconds, "write-ups.ratio": seconds * len(photos) / default}

    @cached_property
    def _rounds(self) -> list[Round]:
        return [self._round(number) for number in range(self.count)]

    def _round(self, number: int) -> Round:
        floor = timed(lambda: decode_all(self.photos))
        began = processor_time()
        default, memory = index(self.photos, self.folder / f"default {number}.db", self.folder / "none")
        between = processor_time()
        better, _ = index(self.photos, self.folder / f"better {number}.db", self.engines)
        return Round(floor, default, better, between - began, processor_time() - between, memory)


def the_write_ups_way(photos: list[Path]) -> float:
    """Seconds a photo."""
    slow = subprocess.run(
        [sys.executable, "-c", WRITE_UPS_WAY, *map(str, photos)], check=True, capture_output=True, text=True, cwd="/"
    )
    return float(slow.stdout.split()[-1]) / len(photos)


def processor_time() -> float:
    """Seconds of all processes that were started here and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def timed(job: Callable[[], object]) -> float:
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


def decode_all(photos: Path) -> None:
    with multiprocessing.Pool(os.cpu_count()) as pool:
        pool.map(decode_one, sorted(map(str, photos.iterdir())), chunksize=1)


def decode_one(path: str) -> None:
    with PIL.Image.open(path) as photo:
        photo.load()


def index(photos: Path, db: Path, engines: Path) -> tuple[float, float]:
    """Seconds and peak memory in MB of `phototag index` into a new database."""
    return run_phototag("index", str(photos), "--db", str(db), PHOTOTAG_ENGINES=str(engines))


def faces(db: Path) -> int:
    from phototag.store.connect import open_reader
    from phototag.store.faces import count

    with open_reader(db) as store:
        return count(store)


#: mtcnn on the full photo, then one Keras `predict` a face (dlib's network, rebuilt).
WRITE_UPS_WAY = """
import sys, time
import numpy as np, PIL.Image
from mtcnn import MTCNN
from phototag.engines.formats.dlib_dat import read_network
from phototag.engines.embedders.dlib_resnet import WEIGHTS, _build
detector, embedder = MTCNN(), _build(read_network(WEIGHTS.load()))
def one(path):
    pixels = np.asarray(PIL.Image.open(path).convert('RGB'))
    for found in detector.detect_faces(pixels):
        x, y, w, h = found['box']
        x, y = abs(x), abs(y)
        face = np.asarray(PIL.Image.fromarray(pixels[y:y + h, x:x + w]).resize((150, 150)))
        embedder.predict(face[None].astype('float32'), verbose=0)
one(sys.argv[1])
began = time.perf_counter()
for path in sys.argv[1:]:
    one(path)
print(time.perf_counter() - began)
"""


if __name__ == "__main__":
    main()
