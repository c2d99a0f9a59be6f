"""The album of a large library: time, memory, and the size of its largest page.

    python -m benchmarks.report

Writes the album of 100,000 simulated photos with 300,000 faces, a third of them named, by `phototag report`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.command import Benchmark
from benchmarks.figures import Measure, Value
from benchmarks.large_library import large_library
from benchmarks.processes import run_phototag

_LIBRARY = "100,000 simulated photos, 300,000 faces, 100,000 of them of 300 named people"
MEASURES = (
    Measure("album.seconds", "writing the album", _LIBRARY, "s"),
    Measure("album.memory", "… peak memory", _LIBRARY, "MB"),
    Measure("album.page", "… largest page", _LIBRARY, "kB"),
    Measure("album.pages", "… pages", _LIBRARY),
)


def main() -> None:
    benchmark = Benchmark("report", __doc__, MEASURES, data=False)
    benchmark.size("--photos", 100_000, "photos, with three faces each")
    options = benchmark.parse()
    benchmark.run({"album": lambda: album(options.photos)})


def album(photos: int) -> dict[str, Value]:
    with large_library(photos, 3 * photos, photos) as store, tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "album"
        seconds, memory = run_phototag("report", str(out), "--db", str(store.path))
        sizes = [page.stat().st_size for page in out.rglob("*.html")]
    return {"album.seconds": seconds, "album.memory": memory, "album.page": max(sizes) / 1e3, "album.pages": len(sizes)}


if __name__ == "__main__":
    main()
