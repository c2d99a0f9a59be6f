"""Indexing against the floor: decoding every photo in full with Pillow on as many processes.

    python benchmarks/pipeline.py --data FOLDER [--photos 200] [--rounds 3] [--json]

FOLDER holds `lfw-dev`, and `models` with YuNet and MobileFaceNet. The photos are made here: twelve megapixels each,
one to six faces of 200 to 800 pixels on a background of grain and shapes, about 2 MB as JPEG, the same at every run.
Each round times the floor, a whole `phototag index` with the engines that come with phototag, and one with YuNet and
MobileFaceNet, each into a new database; then (once, on ten photos) the way of the write-ups that phototag descends
from: mtcnn on the full photo, one `predict` a face. Figures are medians of the rounds' ratios.
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
from collections.abc import Callable, Sequence
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
    figures = measure(options.data, options.photos, options.rounds, options.seed_way, options.index.split())
    print(json.dumps(figures, indent=2) if options.json else "\n".join(f"{k}: {v}" for k, v in figures.items()))


def measure(
    data: Path, count: int = 200, rounds: int = 3, seed_way: int = 10, flags: Sequence[str] = ()
) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder, "photos")
        size = make_library(data / "lfw-dev", photos, count)
        figures = in_turns(photos, Path(folder), data / "models", rounds, flags)
        if seed_way:
            per_photo = the_old_way(sorted(photos.iterdir())[:seed_way])
            figures["the old way, s a photo"] = round(per_photo, 2)
            figures["the old way ÷ index"] = round(per_photo * count / float(str(figures["index, s"])), 1)
    return {**figures, "mean JPEG, MB": round(size / count / 1e6, 2)}


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


def in_turns(photos: Path, folder: Path, models: Path, rounds: int, flags: Sequence[str]) -> dict[str, object]:
    shelf = folder / "engines"
    shelve(models, shelf)
    floors, wholes, others, peaks, shares = [], [], [], [], []
    for number in range(rounds):
        floors.append(timed(lambda: decode_all(photos)))
        began = processor_time()
        seconds, peak = index(photos, folder / f"{number}.db", flags, folder / "none")
        wholes.append(seconds)
        peaks.append(peak)
        between = processor_time()
        others.append(index(photos, folder / f"{number} better.db", flags, shelf)[0])
        shares.append((processor_time() - between) / (between - began))
    ratios = [whole / floor for whole, floor in zip(wholes, floors, strict=True)]
    better = [other / whole for other, whole in zip(others, wholes, strict=True)]
    return {
        "cores": os.cpu_count(),
        "photos": len(list(photos.iterdir())),
        "faces found": faces(folder / "0.db"),
        "faces found by YuNet": faces(folder / "0 better.db"),
        "decoding in full, s": round(median(floors), 2),
        "index, s": round(median(wholes), 2),
        "index ÷ decoding": round(median(ratios), 2),
        "each round": [round(ratio, 2) for ratio in ratios],
        "index with YuNet and MobileFaceNet ÷ index": round(median(better), 2),
        "the same in processor time": round(median(shares), 2),
        "peak memory of all processes, MB": round(max(peaks)),
    }


def the_old_way(photos: list[Path]) -> float:
    """Seconds a photo."""
    slow = subprocess.run(
        [sys.executable, "-c", SEED_WAY, *map(str, photos)], check=True, capture_output=True, text=True, cwd="/"
    )
    return float(slow.stdout.split()[-1]) / len(photos)


def shelve(models: Path, shelf: Path) -> None:
    """Register the catalogue's two engines from files that are here."""
    for name, file in (("yunet", "yunet_n_dynamic.onnx"), ("mobilefacenet", "mobilefacenet.onnx")):
        subprocess.run(
            [sys.executable, "-m", "phototag", "engines", "add", name, str(models / file)],
            check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PHOTOTAG_ENGINES": str(shelf)},
        )  # fmt: skip


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


def index(photos: Path, db: Path, flags: Sequence[str], shelf: Path) -> tuple[float, float]:
    """Seconds, and the most memory in MB (proportional set size, so that shared pages count once)."""
    began = time.perf_counter()
    run = subprocess.Popen(
        [sys.executable, "-m", "phototag", "index", str(photos), "--db", str(db), *flags],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PHOTOTAG_ENGINES": str(shelf)},
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
