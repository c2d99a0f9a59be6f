"""Questions that commands and pages ask of a large database: seconds until all rows are there.

python -m benchmarks.queries
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from statistics import median

from benchmarks.command import Benchmark
from benchmarks.figures import Measure, Value
from benchmarks.large_library import large_library
from phototag.store import engines, faces, files, groups, libraries, people
from phototag.types import EngineInfo
from phototag.workflows.library.engines_in_use import current_embedder

_LIBRARY = "50,000 photos, 100,000 faces, 30,000 of them named by hand; median of 5"
MEASURES = (
    Measure("rows.faces", "every face with its photo, group and person (`faces list`)", _LIBRARY, "s", 2),
    Measure("rows.people", "people with their counts (`people list`)", _LIBRARY, "s", 2),
    Measure("rows.groups", "groups without a name (`name`)", _LIBRARY, "s", 2),
    Measure("rows.files", "what `index` knows of each file", _LIBRARY, "s", 2),
)


def main() -> None:
    benchmark = Benchmark("queries", __doc__, MEASURES, data=False)
    benchmark.size("--photos", 50_000, "photos, with two faces each")
    options = benchmark.parse()
    benchmark.run({"rows": lambda: rows(options.photos)})


def rows(photos: int) -> dict[str, Value]:
    with large_library(photos, 2 * photos, photos * 3 // 5) as store:
        library = libraries.add(store, b"/simulated").id
        detector = engines.register(store, EngineInfo("detector", "simulated", ""))
        embedder = current_embedder(store)
        return {
            "rows.faces": _seconds(lambda: faces.identified(store)),
            "rows.people": _seconds(lambda: people.summaries(store)),
            "rows.groups": _seconds(lambda: groups.unnamed(store)),
            "rows.files": _seconds(lambda: files.known(store, library, detector, embedder)),
        }


def _seconds(ask: Callable[[], Iterable[object]], rounds: int = 5) -> float:
    """Median seconds until all rows are there."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        found = list(ask())
        taken.append(time.perf_counter() - began)
        assert found
    return median(taken)


if __name__ == "__main__":
    main()
