"""Tags: how many are found and how few are wrong, what their probabilities are worth, and how long it takes.

    python benchmarks/tagging.py --data FOLDER --db FILE [--json]

FOLDER holds `lfw-dev` (a folder a person) and `album`. FILE is a phototag database of its own, in which their faces
are kept from one run to the next; the first run fills it with the default engines. Times are the least of three, all
in memory but for that of a new name, which is tried in a database.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from clustering import lfw
from simulated_people import Population

from phototag import config
from phototag.learn.calibration import (
    Calibration,
    bar,
    binned,
    calibrate,
    calibration_error,
    probabilities,
    supported,
)
from phototag.learn.claims import Claims, Gallery, claims, gallery, with_reach
from phototag.learn.classify import LinearModel, train
from phototag.progress import Silent
from phototag.store import engines, faces, libraries, models
from phototag.store.connect import Store, open_store
from phototag.store.files import begin, finish
from phototag.store.photos import add
from phototag.types import Box, DecodedPhoto, EngineInfo, Image, NewFace, PhotoFile, Thresholds, Vectors
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.library.index import index
from phototag.workflows.naming.name import name_faces
from phototag.workflows.recognition.tag import try_names

Rows = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: Splits that are reported; how to judge was chosen on those numbered 0 to 15.
SPLITS = range(100, 110)
PRECISIONS = (0.95, 0.99, 0.995)
_NOT_THEM = np.zeros(0, np.int64)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--db", type=Path, required=True)
    arguments.add_argument("--only", choices=["right", "time"], help="only these figures")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    data = options.data.resolve()
    with open_store(options.db, create=True) as store:
        index(store, [data / "lfw-dev", data / "album"], replace(config.load(), db=options.db), Silent())
        thresholds = engines.thresholds(store, current_embedder(store))
        vectors, names, _ = lfw(store, data)
    figures: dict[str, object] = {"machine": {"cores": os.cpu_count(), "python": sys.version.split()[0]}}
    if options.only in (None, "right"):
        figures |= right(vectors, names, thresholds)
    if options.only in (None, "time"):
        figures |= times(vectors, names, thresholds) | new_names(vectors, names, thresholds)
    print(json.dumps(figures, indent=2) if options.json else _text(figures))


# --- right ---


def right(vectors: Vectors, names: Sequence[str], thresholds: Thresholds) -> dict[str, object]:
    """Open set: 100 people with four faces or more, half of them to learn; all other faces are to be tagged."""
    who = np.unique(np.array(names), return_inverse=True)[1]
    rows = [_one_split(vectors, who, thresholds, number) for number in SPLITS]
    mean = {key: round(float(np.mean([row[key] for row in rows])), 4) for key in rows[0]}
    return {
        f"open set on lfw-dev, mean of {len(rows)} splits": mean,
        "least and most of all splits": {
            key: [round(float(pick(row[key] for row in rows)), 4) for pick in (min, max)]
            for key in ("identified at FPIR 1 %: phototag", "calibration error, 15 bins")
        },
    }


def _one_split(vectors: Vectors, who: Rows, thresholds: Thresholds, number: int) -> dict[str, float]:
    learn, theirs, strangers = split(who, number)
    shown, queries = vectors[learn], vectors[np.concatenate([theirs, strangers])]
    truth = np.concatenate([who[theirs], np.full(len(strangers), -1)])
    known, model, curve = learnt(shown, who[learn], vectors, thresholds)
    found = claims(queries, known, model)
    sure = probabilities(found, curve, thresholds)
    stands = supported(found, known)
    correct = known.people[found.person] == truth
    result = {
        "identified at FPIR 1 %: phototag": identified(np.where(stands, sure, 0), correct, truth),
        "without asking for evidence within reach": identified(sure, correct, truth),
    }
    for name, (person, score) in rivals(queries, shown, who[learn]).items():
        result[f"identified at FPIR 1 %: {name}"] = identified(score, person == truth, truth)
    result["calibration error, 15 bins"] = calibration_error(binned(sure, correct, 15))
    result["calibration error, the embedder's curve"] = calibration_error(
        binned(probabilities(found, Calibration(people=len(known.people)), thresholds), correct, 15)
    )
    for precision in PRECISIONS:
        accepted = stands & (sure >= bar(sure[stands], precision))
        result |= {
            f"at {precision}: of known people's faces tagged rightly": float((accepted & correct).sum() / len(theirs)),
            f"at {precision}: tags that are right": float(correct[accepted].mean()),
            f"at {precision}: wrong tags": float((accepted & ~correct).sum()),
            f"at {precision}: wrong tags foretold": float((1 - sure[accepted]).sum()),
        }
    return result


def split(who: Rows, number: int, people: int = 100, least: int = 4) -> tuple[Rows, Rows, Rows]:
    """Rows to learn from, known people's others, and everybody else's."""
    random = np.random.default_rng(number)
    chosen = random.permutation(np.flatnonzero(np.bincount(who) >= least))[:people]
    learn, theirs = [], []
    for person in chosen:
        rows = random.permutation(np.flatnonzero(who == person))
        learn.append(rows[: len(rows) // 2])
        theirs.append(rows[len(rows) // 2 :])
    return np.concatenate(learn), np.concatenate(theirs), np.flatnonzero(~np.isin(who, chosen))


def learnt(
    shown: Vectors, people: Rows, everybody: Vectors, thresholds: Thresholds
) -> tuple[Gallery, LinearModel, Calibration]:
    """All that `phototag train` learns."""
    known = with_reach(gallery(shown, people.tolist(), thresholds, everybody), shown[:0], _NOT_THEM)
    return known, train(shown, people.tolist()), calibrate(known)


def identified(score: Values, correct: Flags, truth: Rows, share: float = 0.01) -> float:
    """Detection and identification rate: known faces with the right person first, and a score that no more than
    `share` of the strangers exceed."""
    strangers = np.sort(score[truth < 0])[::-1]
    return float((correct & (score > strangers[int(share * len(strangers))]))[truth >= 0].mean())


def rivals(queries: Vectors, shown: Vectors, people: Rows) -> dict[str, tuple[Rows, Values]]:
    """Other rules: whom they take each face for, and how surely."""
    from sklearn.svm import LinearSVC

    similar = queries @ shown.T
    names, place = np.unique(people, return_inverse=True)
    first = similar.argmax(axis=1)
    five = np.argsort(-similar, axis=1)[:, :5]
    votes = np.array([np.bincount(row, minlength=len(names)).argmax() for row in place[five]])
    of_winner = np.where(place[five] == votes[:, None], np.take_along_axis(similar, five, axis=1), -1).max(axis=1)
    plain = LinearSVC(C=1.0, random_state=0).fit(shown, place)
    margins = queries @ plain.coef_.T + plain.intercept_
    own = train(shown, people.tolist())
    mine = queries @ own.coef.T + own.intercept
    return {
        "nearest face + τ": (people[first], similar.max(axis=1)),
        "KNN (5) + τ": (names[votes], of_winner),
        "plain SVM (LinearSVC)": (names[margins.argmax(axis=1)], margins.max(axis=1)),
        "our SVM alone": (names[mine.argmax(axis=1)], mine.max(axis=1)),
    }


# --- time ---


def times(vectors: Vectors, names: Sequence[str], thresholds: Thresholds) -> dict[str, object]:
    """Simulated people: 500 with 100 labelled faces each, and 100,000 faces to tag, four in ten of them strangers'."""
    population = Population.of(vectors, names)
    everybody, who = population.draw([220] * 500 + [1] * 40_000, 1)
    place = np.zeros(len(who), np.int64)
    order = np.argsort(who, kind="stable")
    counts = np.bincount(who)
    place[order] = np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts)
    labelled = (who < 500) & (place < 100)
    shown, people = everybody[labelled], who[labelled]
    queries, truth = everybody[~labelled], np.where(who[~labelled] < 500, who[~labelled], -1)
    known, model, curve = learnt(shown, people, everybody, thresholds)

    def tag() -> tuple[Claims, Values]:
        again = replace(gallery(shown, people.tolist(), thresholds, everybody), reach=known.reach)
        found = claims(queries, again, model)
        return found, probabilities(found, curve, thresholds)

    found, sure = tag()
    accepted = supported(found, known) & (sure >= bar(sure[supported(found, known)], 0.99))
    correct = known.people[found.person] == truth
    return {
        f"{len(shown):,} faces of {len(known.people)} people, {len(queries):,} to tag": {
            "train, seconds": _least(lambda: learnt(shown, people, everybody, thresholds)),
            "train again, from that model, seconds": _least(lambda: train(shown, people.tolist(), model)),
            "tag, seconds": _least(tag),
            "tags that are right at 0.99": round(float(correct[accepted].mean()), 4),
            "of known people's faces": round(float((accepted & correct).sum() / (truth >= 0).sum()), 4),
            "calibration error, 15 bins": round(calibration_error(binned(sure, correct, 15)), 4),
        }
    }


def new_names(vectors: Vectors, names: Sequence[str], thresholds: Thresholds) -> dict[str, object]:
    """A new name for some faces of a simulated library, tried on all others: from the answer to the tags in the
    database. 500 people have 20 named faces and 60 others each; three more get names."""
    sizes = [80] * 500 + [40] * 3 + [1] * 19_880
    looks, who = Population.of(vectors, names).draw(sizes, 2)
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder, "new.db"), create=True) as store:
        ids = np.array(_filled(store, looks, thresholds))
        for person in range(500):
            name_faces(store, ids[who == person][:20].tolist(), f"Person {person}")
        try_names(store, Silent())
        unnamed = len(ids) - 10_000
        newcomers, found = iter(range(500, 503)), []

        def one_more() -> None:
            person = next(newcomers)
            named = name_faces(store, ids[who == person][:20].tolist(), f"Person {person}")
            try_names(store, Silent())
            found.append(sum(guess == named.id for guess in models.tagged(store).values()))

        return {
            f"a new name tried on {unnamed:,} unnamed faces beside 10,000 named ones": {
                "seconds": _least(one_more),
                "tagged of 20 others of each": found,
            }
        }


def _filled(store: Store, looks: Vectors, thresholds: Thresholds) -> list[int]:
    """Photos with two faces each; returns the faces' ids, in the order of their looks."""
    library = libraries.add(store, b"/nowhere")
    detector = engines.register(store, EngineInfo("detector", "simulated", "0"))
    info = EngineInfo("embedder", "simulated", "0", dim=looks.shape[1], thresholds=thresholds)
    embedder = engines.register(store, info)
    photos = [looks[at : at + 2] for at in range(0, len(looks), 2)]
    files = [PhotoFile(b"%06d.jpg" % number, 1, 1) for number in range(len(photos))]
    with store.write():
        for place, file, pair in zip(begin(store, library.id, files), files, photos, strict=True):
            nothing = Image(np.zeros((0, 0, 3), np.uint8), 1.0)
            photo = add(store, DecodedPhoto(f"{place:064}", 400, 300, None, nothing))
            boxes = [Box(100.0 * place, 10, 50, 50) for place in range(len(pair))]
            faces.replace(
                store, photo, detector, embedder,
                [NewFace(box, (), 1, 1, b"", box, look) for box, look in zip(boxes, pair, strict=True)], None,
            )  # fmt: skip
            finish(store, place, file, photo)
    return [face for (face,) in store.rows("SELECT id FROM face ORDER BY id")]


def _least(job: Callable[[], object], rounds: int = 3) -> float:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        job()
        taken.append(time.perf_counter() - began)
    return round(min(taken), 2)


def _text(figures: dict[str, object]) -> str:
    lines: list[str] = []
    for name, part in figures.items():
        lines.append(name)
        items: Iterable[tuple[str, object]] = part.items() if isinstance(part, dict) else ()
        lines += [f"    {key}: {value}" for key, value in items]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
