"""Indexing against the floor: decoding every photo in full with Pillow on as many processes.

    python benchmarks/pipeline.py --data FOLDER [--photos 200] [--rounds 3] [--json]

FOLDER holds `lfw-dev`. The photos are made here: twelve megapixels each, one to six faces of 200 to 800
pixels on a background of grain and shapes, about 2 MB as JPEG, the same at every run. Each round times the
floor, then a whole `phototag index` into a new database, then (once, on ten photos) the way of the
write-ups that phototag descends from: mtcnn on the full photo, one `predict` a face. Figures are ratios of
medians.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import PIL.Image
import PIL.ImageDraw

SIZE = (4000, 3000)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--photos", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seed-way", type=int, default=10, help="photos for the old way; 0 leaves it out")
    arguments.add_argument("--index", default="", help="more flags for `phototag index`, as one string")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder, "photos")
        size = make_library(options.data / "lfw-dev", photos, options.photos)
        figures = measure(photos, Path(folder), options)
        figures["mean JPEG, MB"] = round(size / options.photos / 1e6, 2)
    print(json.dumps(figures, indent=2) if options.json else "\n".join(f"{k}: {v}" for k, v in figures.items()))


def make_library(lfw: Path, folder: Path, count: int) -> int:
    """Write the photos; returns their bytes."""
    people = sorted(lfw.rglob("*.jpg"))
    folder.mkdir()
    jobs = [(number, [str(path) for path in people], str(folder)) for number in range(count)]
    with multiprocessing.Pool() as pool:
        return sum(pool.starmap(make_photo, jobs, chunksize=4))


def make_photo(number: int, people: list[str], folder: str) -> int:
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
    path = Path(folder, f"{number:04}.jpg")
    PIL.Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=85)
    return path.stat().st_size


def measure(photos: Path, folder: Path, options: argparse.Namespace) -> dict[str, object]:
    floors, wholes, peaks = [], [], []
    for number in range(options.rounds):
        floors.append(timed(lambda: decode_all(photos)))
        db = folder / f"{number}.db"
        seconds, peak = index(photos, db, options.index.split())
        wholes.append(seconds)
        peaks.append(peak)
    figures: dict[str, object] = {
        "cores": os.cpu_count(),
        "photos": options.photos,
        "faces found": faces(db),
        "decoding in full, s": round(median(floors), 2),
        "index, s": round(median(wholes), 2),
        "index ÷ decoding": round(median(w / f for w, f in zip(wholes, floors, strict=True)), 2),
        "each round": [round(w / f, 2) for w, f in zip(wholes, floors, strict=True)],
        "peak memory of all processes, MB": round(max(peaks)),
    }
    if options.seed_way:
        some = sorted(photos.iterdir())[: options.seed_way]
        slow = subprocess.run(
            [sys.executable, "-c", SEED_WAY, *map(str, some)], check=True, capture_output=True, text=True, cwd="/"
        )
        per_photo = float(slow.stdout.split()[-1]) / len(some)
        figures["the old way, s a photo"] = round(per_photo, 2)
        figures["the old way ÷ index"] = round(per_photo / (median(wholes) / options.photos), 1)
    return figures


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


def index(photos: Path, db: Path, flags: list[str]) -> tuple[float, float]:
    """Seconds, and the most memory in MB (proportional set size, so that shared pages count once)."""
    began = time.perf_counter()
    run = subprocess.Popen(
        [sys.executable, "-m", "phototag", "index", str(photos), "--db", str(db), *flags],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    peak = 0.0
    stop = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not stop.wait(0.5):
            peak = max(peak, sum(map(memory, family(run.pid))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = run.wait()
    seconds = time.perf_counter() - began
    stop.set()
    watcher.join()
    assert code == 0, code
    return seconds, peak


def family(pid: int) -> list[int]:
    """A process and its descendants (Linux)."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid] + [one for child in children for one in family(int(child))]


def memory(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def faces(db: Path) -> int:
    from phototag.store.connect import open_reader
    from phototag.store.faces import count

    with open_reader(db) as store:
        return count(store)


#: mtcnn on the full photo, then one Keras `predict` a face (dlib's network, rebuilt).
SEED_WAY = """
import sys, time
import numpy as np, PIL.Image
from mtcnn import MTCNN
from phototag.engines.dlib_format import read_network
from phototag.engines.dlib_resnet import WEIGHTS, _build
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
