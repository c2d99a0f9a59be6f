"""Groups: how right, how fast, how large, how stable.

    python benchmarks/clustering.py --data FOLDER --db FILE [--json]
    python benchmarks/clustering.py --data FOLDER --db FILE --faces 1000000

FOLDER holds `lfw-dev` (a folder a person) and `album`. FILE is a phototag database of its own, in which their faces
are kept from one run to the next; the first run fills it with the default engines. With `--faces`, only so many
simulated faces are grouped, in one go, and timed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from simulated_people import Population, library

from phototag import config
from phototag.analysis.main_face import main_face
from phototag.learn.cluster import cluster
from phototag.learn.density import NEIGHBOURS, dense
from phototag.learn.graph import neighbours
from phototag.learn.metrics import b_cubed
from phototag.progress import Silent
from phototag.store import embeddings, engines, faces, groups
from phototag.store.connect import Store, open_store
from phototag.types import Thresholds, Vectors
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.library.index import index
from phototag.workflows.recognition.cluster import cluster_faces

Labels = npt.NDArray[np.int64]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--db", type=Path, required=True)
    arguments.add_argument("--faces", type=int, help="group so many simulated faces, and do nothing else")
    arguments.add_argument("--only", choices=["right", "time", "large", "stable"], help="only these figures")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    data = options.data.resolve()
    with open_store(options.db, create=True) as store:
        index(store, [data / "lfw-dev", data / "album"], replace(config.load(), db=options.db), Silent())
        thresholds = engines.thresholds(store, current_embedder(store))
        vectors, names, _ = lfw(store, data)
    if options.faces:
        print(json.dumps(simulated(vectors, names, thresholds, options.faces)))
        return
    parts: dict[str, Callable[[], dict[str, object]]] = {
        "right": lambda: right(vectors, names, thresholds),
        "time": lambda: against_hdbscan(vectors, names, thresholds),
        "large": lambda: large(options.data, options.db),
        "stable": lambda: stable(options.db, data),
    }
    figures: dict[str, object] = {"machine": {"cores": os.cpu_count(), "python": sys.version.split()[0]}}
    for part, job in parts.items():
        if options.only in (None, part):
            figures |= job()
    print(json.dumps(figures, indent=2) if options.json else text(figures))


def lfw(store: Store, data: Path) -> tuple[Vectors, list[str], list[int]]:
    """Vectors, names and ids of the main faces of lfw-dev."""
    ids, vectors = embeddings.vectors(store, current_embedder(store), where="all")
    row = {face: number for number, face in enumerate(ids)}
    names, chosen = [], []
    found = store.rows(
        "SELECT p.id, CAST(l.root || X'2F' || q.path AS BLOB), p.width, p.height FROM photo p"
        " JOIN file q ON q.photo = p.id JOIN library l ON l.id = q.library WHERE q.state = 'done' ORDER BY 2"
    )
    for photo, path, width, height in list(found):
        whole = Path(os.fsdecode(path))
        inside = faces.of_photo(store, photo)
        if data / "lfw-dev" in whole.parents and inside:
            names.append(whole.parent.name)
            chosen.append(main_face(inside, width, height).id)
    return vectors[[row[face] for face in chosen]], names, chosen


# --- right ---


def right(vectors: Vectors, names: Sequence[str], thresholds: Thresholds) -> dict[str, object]:
    """B³ beside other methods, each at the threshold that suits it best; ours at the embedder's."""
    who = np.array(names)
    people = np.unique(who)
    chosen = np.random.default_rng(1).permutation(len(people)) < len(people) // 2
    tuned = np.isin(who, people[chosen])
    return {
        "B³ on lfw-dev (precision, recall, F)": {
            "phototag": _cubed(who, cluster(vectors, thresholds)),
            **{name: _best(who, tries) for name, tries in rivals(vectors)},
            "phototag, the people that its constants were chosen on": _cubed(
                who[tuned], cluster(vectors[tuned], thresholds)
            ),
            "phototag, the other people": _cubed(who[~tuned], cluster(vectors[~tuned], thresholds)),
        }
    }


def rivals(vectors: Vectors) -> Iterable[tuple[str, Iterable[tuple[float, Labels]]]]:
    """Methods by name, each with what it makes of the faces at several thresholds."""
    import dlib
    from hdbscan import HDBSCAN
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist, squareform
    from sklearn.cluster import DBSCAN

    points = vectors.astype(np.float64)
    apart = squareform(pdist(points))
    for least, samples in ((2, 1), (2, 2)):
        yield (
            f"HDBSCAN {least}/{samples}",
            (
                (
                    epsilon,
                    HDBSCAN(
                        min_cluster_size=least,
                        min_samples=samples,
                        cluster_selection_epsilon=epsilon,
                        core_dist_n_jobs=1,
                    ).fit_predict(points),
                )
                for epsilon in (0.0, *np.arange(0.2, 0.405, 0.01).round(3).tolist())
            ),
        )
    yield (
        "DBSCAN",
        (
            (at, DBSCAN(eps=at, min_samples=2, metric="precomputed").fit_predict(apart))
            for at in np.arange(0.2, 0.4, 0.005).round(3).tolist()
        ),
    )
    tree = linkage(pdist(points, "sqeuclidean"), "average")
    yield (
        "average linkage",
        ((at, fcluster(tree, at**2, "distance")) for at in np.arange(0.3, 0.42, 0.0025).round(4).tolist()),
    )
    described = [dlib.vector(point.tolist()) for point in points]
    yield (
        "Chinese Whispers",
        (
            (at, np.array(dlib.chinese_whispers_clustering(described, at)))
            for at in np.arange(0.24, 0.4, 0.005).round(3).tolist()
        ),
    )


def _best(who: npt.NDArray[np.str_], tries: Iterable[tuple[float, Labels]]) -> dict[str, float]:
    scored = [{**_cubed(who, labels), "threshold": at} for at, labels in tries]
    return max(scored, key=lambda score: score["F"])


def _cubed(who: npt.NDArray[np.str_], labels: Labels) -> dict[str, float]:
    score = b_cubed(who.tolist(), labels.tolist())
    return {"precision": round(score.precision, 4), "recall": round(score.recall, 4), "F": round(score.f, 4)}


# --- time and size ---


def against_hdbscan(
    vectors: Vectors, names: Sequence[str], thresholds: Thresholds, count: int = 13_000
) -> dict[str, object]:
    """Our HDBSCAN against hdbscan's, on as many simulated faces as LFW has, in lfw-dev's proportions."""
    from hdbscan import HDBSCAN
    from sklearn.metrics import adjusted_rand_score

    sizes = np.bincount(np.unique(np.array(names), return_inverse=True)[1])
    population = Population.of(vectors, names)
    points, _ = population.draw(np.resize(sizes, round(len(sizes) * count / len(vectors))).tolist(), 2)
    began = time.perf_counter()
    theirs = HDBSCAN(min_cluster_size=2, min_samples=2).fit_predict(points.astype(np.float64))
    reference = time.perf_counter() - began
    began = time.perf_counter()
    ours = dense(points, neighbours(points, NEIGHBOURS)[0])
    graph = time.perf_counter() - began
    began = time.perf_counter()
    cluster(points, thresholds)
    whole = time.perf_counter() - began
    alone = [np.where(labels < 0, -1 - np.arange(len(labels)), labels) for labels in (theirs, ours)]
    return {
        f"against hdbscan.HDBSCAN.fit on {len(points):,} simulated faces": {
            "its seconds": round(reference, 1),
            "ours for the same": round(graph, 2),
            "times as fast": round(reference / graph, 1),
            "ours for everything": round(whole, 2),
            "adjusted Rand index, noise as one group": round(adjusted_rand_score(theirs, ours), 4),
            "adjusted Rand index, noise alone": round(adjusted_rand_score(*alone), 4),
        }
    }


def simulated(vectors: Vectors, names: Sequence[str], thresholds: Thresholds, count: int) -> dict[str, object]:
    """Time and memory of one clustering of simulated faces, all in this process."""
    points, who = Population.of(vectors, names).draw(library(count), 1)
    began, used = time.perf_counter(), time.process_time()
    labels = cluster(points, thresholds)
    seconds, busy = time.perf_counter() - began, time.process_time() - used
    score = b_cubed(who.tolist(), labels.tolist())
    return {
        "faces": count,
        "seconds": round(seconds, 1),
        "processor seconds": round(busy, 1),
        "GB at most": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        "B³ precision": round(score.precision, 4),
        "B³ F": round(score.f, 4),
    }


def large(data: Path, db: Path) -> dict[str, object]:
    """25,000 and 100,000 simulated faces, each in a process of its own."""
    runs = []
    for count in (25_000, 100_000):
        command = [sys.executable, __file__, "--data", str(data), "--db", str(db), "--faces", str(count)]
        runs.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    small, big = runs
    growth = {
        f"growth by {unit}, exponent of n": round(float(np.log(big[unit] / small[unit]) / np.log(4)), 2)
        for unit in ("seconds", "processor seconds")
    }
    return {"25,000 simulated faces": small, "100,000 simulated faces": {**big, **growth}}


# --- stable ---


def stable(db: Path, data: Path) -> dict[str, object]:
    """What more photos change, by the command's own job on a copy of the database."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        with open_store(db) as store, store.write():
            shutil.copyfile(db, copy)
        with open_store(copy) as store:
            return {
                "one more photo of lfw-dev, 20 times: share of other faces whose company changes": one_more(store),
                "all photos at once": in_runs(store, data, 1),
                "in halves": in_runs(store, data, 2),
                "in ten parts": in_runs(store, data, 10),
                "album: pairs of faces of one photo in one group": doubles(store),
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


def in_runs(store: Store, data: Path, runs: int) -> dict[str, object]:
    """Photos that come in so many parts: how right the groups are in the end, and how much each part moves."""
    photos = [row[0] for row in store.rows("SELECT id FROM photo ORDER BY id")]
    with store.write():
        store.run("CREATE TEMP TABLE IF NOT EXISTS arrival (photo INTEGER PRIMARY KEY, run INTEGER)")
        store.run("DELETE FROM arrival")
        for run, part in enumerate(np.array_split(np.random.default_rng(4).permutation(photos), runs)):
            store.connection.executemany("INSERT INTO arrival VALUES (?, ?)", [(int(photo), run) for photo in part])
    moved, faces_before = 0, 0
    for run in range(runs):
        _show(store, "photo IN (SELECT photo FROM arrival WHERE run <= ?)", run)
        before = _groups(store) if run else {}
        cluster_faces(store, Silent(), from_scratch=not run)
        moved, faces_before = moved + _other_company(before, _groups(store)), faces_before + len(before)
    share = round(moved / max(faces_before, 1), 4)
    return {"B³ F": _scored(store, data), "share of faces in other company after each part": share}


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
    _, names, ids = lfw(store, data)
    group = {face.id: face.cluster for face in faces.identified(store)}
    return round(b_cubed(names, [-1 if group[face] is None else int(group[face] or 0) for face in ids]).f, 4)


def text(figures: dict[str, object]) -> str:
    lines = []
    for name, part in figures.items():
        lines.append(name if isinstance(part, dict) else f"{name}: {part}")
        lines += [f"    {key}: {value}" for key, value in part.items()] if isinstance(part, dict) else []
    return "\n".join(lines)


if __name__ == "__main__":
    main()
