"""Groups: how right, how fast, how large, how stable.

    python -m benchmarks.clustering --data FOLDER [--db FILE]
    python -m benchmarks.clustering --data FOLDER [--db FILE] --only million

FOLDER holds `lfw-dev` (a folder a person) and `album`. FILE is a phototag database of its own, in which their faces
are kept from one run to the next; the first run fills it with the default engines. A million faces, which take most
of an hour and 6 GB, are grouped only when asked for.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.command import Benchmark
from benchmarks.figures import Measure, Value, Wanted, at_least, at_most, exactly
from benchmarks.libraries import NamedFaces, copied, indexed, lfw_dev
from benchmarks.simulated_people import Population, library
from phototag.learn.cluster import cluster
from phototag.learn.density import NEIGHBOURS, hdbscan_clusters
from phototag.learn.metrics import b_cubed
from phototag.learn.neighbours import neighbour_graph
from phototag.progress import Silent
from phototag.store import faces, groups
from phototag.store.connect import Store
from phototag.types import Thresholds, Vectors
from phototag.workflows.recognition.cluster import cluster_faces

Labels = npt.NDArray[np.int64]

_LFW = "lfw-dev: 2,501 faces of 940 people, default engines"
_METHODS = {
    "phototag": "**phototag**, at the embedder's threshold",
    "average": "average linkage, at its best threshold",
    "whispers": "Chinese Whispers (dlib), at its best threshold",
    "hdbscan-1": "HDBSCAN, clusters of 2, 1 sample, at its best ε",
    "dbscan": "DBSCAN, at its best ε",
    "hdbscan-2": "HDBSCAN, clusters of 2, 2 samples, at its best ε",
    "tuned": "phototag, the half of the people that its constants were chosen on",
    "other": "phototag, the other half",
}
_SIZES = {"25": 25_000, "100": 100_000, "1000": 1_000_000}
_WHOLE = "lfw-dev and album, whole photos with faces in their background"


def _right() -> Iterable[Measure]:
    bounds = {"phototag.precision": at_least(0.975), "phototag.f": at_least(0.965)}
    for method, label in _METHODS.items():
        for key, column in (("precision", "B³ precision"), ("recall", "B³ recall"), ("f", "B³ F")):
            name = f"{method}.{key}"
            yield Measure(f"right.{name}", label, _LFW, digits=4, wanted=bounds.get(name), column=column)
        if method not in ("phototag", "tuned", "other"):
            yield Measure(f"right.{method}.threshold", label, _LFW, digits=4, column="threshold")


def _large(part: str, size: str, seconds: Wanted | None, memory: Wanted | None) -> Iterable[Measure]:
    label, on = f"{_SIZES[size]:,} faces", "simulated faces"
    yield Measure(f"{part}.{size}.seconds", label, on, "s", 1, seconds, "time")
    yield Measure(f"{part}.{size}.processor", label, on, "s", 1, column="processor time")
    yield Measure(f"{part}.{size}.memory", label, on, "GB", 2, memory, "peak memory")
    yield Measure(f"{part}.{size}.precision", label, on, digits=3, column="B³ precision")
    yield Measure(f"{part}.{size}.f", label, on, digits=3, column="B³ F")


_HDBSCAN = "13,019 simulated faces in lfw-dev's proportions"
MEASURES = (
    *_right(),
    Measure("time.reference", "`hdbscan.HDBSCAN.fit`, 2 samples", _HDBSCAN, "s", 1),
    Measure("time.ours", "phototag's HDBSCAN", _HDBSCAN, "s", 2),
    Measure("time.ratio", "… times as fast", _HDBSCAN, digits=1, wanted=at_least(8)),
    Measure("time.rand", "… adjusted Rand index, noise as one group", _HDBSCAN, digits=3, wanted=at_least(0.99)),
    Measure(
        "time.rand-alone", "… adjusted Rand index, noise as groups of one", _HDBSCAN, digits=3, wanted=at_least(0.99)
    ),
    Measure("time.whole", "all of phototag's clustering", _HDBSCAN, "s", 2),
    *_large("large", "25", None, None),
    *_large("large", "100", at_most(180), at_most(4)),
    Measure(
        "large.growth-seconds",
        "growth of time from 25,000 to 100,000 faces: exponent of n",
        "simulated faces",
        digits=2,
        wanted=at_most(1.6),
    ),
    Measure("large.growth-processor", "… of processor time", "simulated faces", digits=2, wanted=at_most(1.6)),
    *_large("million", "1000", at_most(5400), at_most(16)),
    Measure(
        "stable.moved", "one more photo of lfw-dev, 20 times: faces whose company changes", _WHOLE, "%", 2, exactly(0)
    ),
    Measure("stable.at-once", "all photos grouped at once: B³ F", _WHOLE, digits=4),
    Measure("stable.halves", "half of the photos, then the other half: B³ F", _WHOLE, digits=4),
    Measure("stable.halves-loss", "… less than all at once", _WHOLE, digits=4, wanted=at_most(0.01)),
    Measure("stable.tenths", "in ten parts: B³ F", _WHOLE, digits=4),
    Measure("stable.doubles", "pairs of faces of one photo in one group", _WHOLE, wanted=exactly(0)),
)


def main() -> None:
    benchmark = Benchmark("clustering", __doc__, MEASURES, db=True)
    options = benchmark.parse()
    with indexed(options.data / "lfw-dev", options.data / "album", db=options.db) as store:
        found = lfw_dev(store, options.data)
        benchmark.run(
            {
                "right": lambda: right(found),
                "time": lambda: against_hdbscan(found),
                "large": lambda: large(found),
                "stable": lambda: stable(store, options.data),
                "million": lambda: simulated(found, "million", "1000"),
            },
            on_request=("million",),
        )


# --- right ---


def right(found: NamedFaces) -> dict[str, Value]:
    """B³ beside other methods, each at the threshold that suits it best; ours at the embedder's."""
    who, vectors, thresholds = np.array(found.names), found.vectors, found.thresholds
    people = np.unique(who)
    chosen = np.random.default_rng(1).permutation(len(people)) < len(people) // 2
    tuned = np.isin(who, people[chosen])
    scores = {
        "phototag": _cubed(who, cluster(vectors, thresholds)),
        **{name: _best(who, tries) for name, tries in rivals(vectors)},
        "tuned": _cubed(who[tuned], cluster(vectors[tuned], thresholds)),
        "other": _cubed(who[~tuned], cluster(vectors[~tuned], thresholds)),
    }
    return {f"right.{method}.{key}": value for method, score in scores.items() for key, value in score.items()}


def rivals(vectors: Vectors) -> Iterable[tuple[str, Iterable[tuple[float, Labels]]]]:
    """Methods by name, each with what it makes of the faces at several thresholds."""
    import dlib
    from hdbscan import HDBSCAN
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist, squareform
    from sklearn.cluster import DBSCAN

    points = vectors.astype(np.float64)
    apart = squareform(pdist(points))
    for samples in (1, 2):
        yield (
            f"hdbscan-{samples}",
            (
                (
                    epsilon,
                    HDBSCAN(
                        min_cluster_size=2,
                        min_samples=samples,
                        cluster_selection_epsilon=epsilon,
                        core_dist_n_jobs=1,
                    ).fit_predict(points),
                )
                for epsilon in (0.0, *np.arange(0.2, 0.405, 0.01).round(3).tolist())
            ),
        )
    yield (
        "dbscan",
        (
            (at, DBSCAN(eps=at, min_samples=2, metric="precomputed").fit_predict(apart))
            for at in np.arange(0.2, 0.4, 0.005).round(3).tolist()
        ),
    )
    tree = linkage(pdist(points, "sqeuclidean"), "average")
    yield (
        "average",
        ((at, fcluster(tree, at**2, "distance")) for at in np.arange(0.3, 0.42, 0.0025).round(4).tolist()),
    )
    described = [dlib.vector(point.tolist()) for point in points]
    yield (
        "whispers",
        (
            (at, np.array(dlib.chinese_whispers_clustering(described, at)))
            for at in np.arange(0.24, 0.4, 0.005).round(3).tolist()
        ),
    )


def _best(who: npt.NDArray[np.str_], tries: Iterable[tuple[float, Labels]]) -> dict[str, float]:
    scored = [{**_cubed(who, labels), "threshold": at} for at, labels in tries]
    return max(scored, key=lambda score: round(score["f"], 4))


def _cubed(who: npt.NDArray[np.str_], labels: Labels) -> dict[str, float]:
    """Scores; noise counts as groups of one."""
    score = b_cubed(who.tolist(), labels.tolist())
    return {"precision": score.precision, "recall": score.recall, "f": score.f1}


# --- time and size ---


def against_hdbscan(found: NamedFaces, count: int = 13_000) -> dict[str, Value]:
    """Our HDBSCAN against hdbscan's, on as many simulated faces as LFW has, in lfw-dev's proportions."""
    from hdbscan import HDBSCAN
    from sklearn.metrics import adjusted_rand_score

    sizes = np.bincount(np.unique(np.array(found.names), return_inverse=True)[1])
    population = Population.of(found.vectors, found.names)
    points, _ = population.draw(np.resize(sizes, round(len(sizes) * count / len(found.vectors))).tolist(), 2)
    began = time.perf_counter()
    theirs = HDBSCAN(min_cluster_size=2, min_samples=2).fit_predict(points.astype(np.float64))
    reference = time.perf_counter() - began
    began = time.perf_counter()
    ours = hdbscan_clusters(points, neighbour_graph(points, NEIGHBOURS)[0])
    graph = time.perf_counter() - began
    began = time.perf_counter()
    cluster(points, found.thresholds)
    whole = time.perf_counter() - began
    alone = [np.where(labels < 0, -1 - np.arange(len(labels)), labels) for labels in (theirs, ours)]
    return {
        "time.reference": reference,
        "time.ours": graph,
        "time.ratio": reference / graph,
        "time.rand": float(adjusted_rand_score(theirs, ours)),
        "time.rand-alone": float(adjusted_rand_score(*alone)),
        "time.whole": whole,
    }


def simulated(found: NamedFaces, part: str, size: str) -> dict[str, float]:
    """Time and memory of one clustering of simulated faces, in a process of its own."""
    arguments = (found.vectors, found.names, found.thresholds, _SIZES[size])
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        measured = process.submit(_simulated, *arguments).result()
    return {f"{part}.{size}.{key}": value for key, value in measured.items()}


def _simulated(vectors: Vectors, names: Sequence[str], thresholds: Thresholds, count: int) -> dict[str, float]:
    points, who = Population.of(vectors, names).draw(library(count), 1)
    began, used = time.perf_counter(), time.process_time()
    labels = cluster(points, thresholds)
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    score = b_cubed(who.tolist(), labels.tolist())
    return {
        "seconds": seconds,
        "processor": processor,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "precision": score.precision,
        "f": score.f1,
    }


def large(found: NamedFaces) -> dict[str, Value]:
    """25,000 and 100,000 simulated faces, and how time grows between them."""
    told = simulated(found, "large", "25") | simulated(found, "large", "100")
    growth = {
        f"large.growth-{kind}": float(np.log(told[f"large.100.{kind}"] / told[f"large.25.{kind}"]) / np.log(4))
        for kind in ("seconds", "processor")
    }
    return {**told, **growth}


# --- stable ---


def stable(store: Store, data: Path) -> dict[str, Value]:
    """What more photos change, by the command's own job on a copy of the database."""
    with copied(store) as copy:
        moved = one_more(copy)
        at_once, halves, tenths = (in_runs(copy, data, runs) for runs in (1, 2, 10))
        return {
            "stable.moved": 100 * moved,
            "stable.at-once": at_once,
            "stable.halves": halves,
            "stable.halves-loss": at_once - halves,
            "stable.tenths": tenths,
            "stable.doubles": doubles(copy),
        }


def one_more(store: Store) -> float:
    photos = [row[0] for row in store.rows("SELECT id FROM photo ORDER BY id")]
    moved = total = 0
    for photo in np.random.default_rng(3).permutation(photos)[:20].tolist():
        _show(store, "photo <> ?", photo)
        cluster_faces(store, Silent(), from_scratch=True)
        before = _groups(store)
        _show(store, "1")
        cluster_faces(store, Silent())
        moved, total = moved + _other_company(before, _groups(store)), total + len(before)
    return moved / total


def in_runs(store: Store, data: Path, runs: int) -> float:
    """B³ F of the groups once all photos have come, in so many parts."""
    photos = [row[0] for row in store.rows("SELECT id FROM photo ORDER BY id")]
    with store.write():
        store.run("CREATE TEMP TABLE IF NOT EXISTS arrival (photo INTEGER PRIMARY KEY, run INTEGER)")
        store.run("DELETE FROM arrival")
        for run, part in enumerate(np.array_split(np.random.default_rng(4).permutation(photos), runs)):
            store.connection.executemany("INSERT INTO arrival VALUES (?, ?)", [(int(photo), run) for photo in part])
    for run in range(runs):
        _show(store, "photo IN (SELECT photo FROM arrival WHERE run <= ?)", run)
        cluster_faces(store, Silent(), from_scratch=not run)
    return _scored(store, data)


def _groups(store: Store) -> dict[int, int]:
    """The group of each face; one that stands alone has a number of its own."""
    current = groups.current(store)
    assert current
    return {face: -face if group is None else group for face, group in current.groups.items()}


def _other_company(before: dict[int, int], after: dict[int, int]) -> int:
    """How many faces gained or lost another one among those that were there before."""
    pairs = [(then, after[face]) for face, then in before.items()]
    was, are, both = Counter(then for then, _ in pairs), Counter(here for _, here in pairs), Counter(pairs)
    return sum(kept for (then, here), kept in both.items() if not was[then] == are[here] == kept)


def doubles(store: Store) -> int:
    cluster_faces(store, Silent(), from_scratch=True)
    inside = Counter((face.photo_id, face.cluster) for face in faces.identified(store) if face.cluster is not None)
    return sum(count * (count - 1) // 2 for count in inside.values())


def _show(store: Store, condition: str, *values: object) -> None:
    """Let only the faces that meet a condition be present."""
    with store.write():
        store.run(f"UPDATE face SET present = ({condition})", values)


def _scored(store: Store, data: Path) -> float:
    found = lfw_dev(store, data)
    group = {face.id: face.cluster for face in faces.identified(store)}
    return b_cubed(found.names, [-1 if group[face] is None else int(group[face] or 0) for face in found.ids]).f1


if __name__ == "__main__":
    main()
