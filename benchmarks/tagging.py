"""Tags: how many are found and how few are wrong, what their probabilities are worth, and how long it takes.

    python -m benchmarks.tagging --data FOLDER [--db FILE]

FOLDER holds `lfw-dev` (a folder a person) and `album`. FILE is a phototag database of its own, in which their faces
are kept from one run to the next; the first run fills it with the default engines. Times are the least of three, all
in memory but for that of a new name, which is tried in a database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from benchmarks.command import Benchmark
from benchmarks.figures import Measure, Measured, Value, at_least, at_most
from benchmarks.libraries import NamedFaces, indexed, lfw_dev, simulated
from benchmarks.simulated_people import Population
from phototag.learn.calibration import (
    Calibration,
    calibrate,
    expected_calibration_error,
    gate,
    probabilities,
    reliability_bins,
    supported,
)
from phototag.learn.candidates import Candidates, best_candidates
from phototag.learn.gallery import Gallery, build_gallery, with_radii
from phototag.learn.linear_svm import LinearModel, train_svm
from phototag.progress import Silent
from phototag.store import models
from phototag.types import Thresholds, Vectors
from phototag.workflows.naming.name import name_faces
from phototag.workflows.recognition.tag import train_and_tag

Rows = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: Splits that are reported; how to judge was chosen on those numbered 0 to 15.
SPLITS = range(100, 110)
PRECISIONS = (0.95, 0.99, 0.995)
_NOT_THEM = np.zeros(0, np.int64)

_SPLITS = "lfw-dev: 100 people with four faces or more, half to learn from; all others strangers; mean of ten splits"
_IDENTIFIED = {
    "phototag": "**phototag**",
    "nearest": "the nearest face and a threshold",
    "votes": "the vote of the five nearest and a threshold",
    "plain-svm": "plain linear SVM (LinearSVC on unit vectors), its margin as score",
    "own-svm": "phototag's SVM alone, its margin as score",
}
_LARGE = "simulated faces: 50,000 named ones of 500 people, 100,000 to tag, 60,000 of them theirs"
_NEW = "simulated faces: 50,000 unnamed ones beside 10,000 named ones of 500 people"


def _precisions() -> Iterable[Measure]:
    for precision in PRECISIONS:
        label = f"`--precision {precision}`"
        for key, column, digits in (
            ("found", "faces of known people tagged rightly", 3),
            ("right", "tags that are right", 3),
            ("wrong", "wrong tags", 1),
            ("foretold", "wrong tags foretold", 1),
        ):
            yield Measure(f"precision.{precision}.{key}", label, _SPLITS, digits=digits, column=column)


MEASURES = (
    *(
        Measure(
            f"identified.{key}",
            label,
            _SPLITS,
            digits=3,
            wanted=at_least(0.95) if key == "phototag" else None,
            column="identified at 1 % false identification",
        )
        for key, label in _IDENTIFIED.items()
    ),
    Measure(
        "calibration.fitted", "calibration error of the probabilities, 15 bins", _SPLITS, digits=3, wanted=at_most(0.03)
    ),
    Measure("calibration.embedder", "… by the embedder's own curve, as with few labels", _SPLITS, digits=3),
    *_precisions(),
    Measure("time.train", "train", _LARGE, "s", 1, at_most(30)),
    Measure("time.again", "train again, from that model", _LARGE, "s", 2),
    Measure("time.tag", "tag", _LARGE, "s", 1, at_most(5)),
    Measure("time.right", "… tags that are right at `--precision 0.99`", _LARGE, digits=3),
    Measure("time.found", "… faces of known people tagged rightly", _LARGE, digits=3),
    Measure("time.calibration", "… calibration error, 15 bins", _LARGE, digits=3),
    Measure("new-name.seconds", "a new name tried on all unnamed faces, database included", _NEW, "s", 1, at_most(2)),
    Measure("new-name.found", "… of 20 other faces of that person tagged", _NEW, digits=1),
)


def main() -> None:
    benchmark = Benchmark("tagging", __doc__, MEASURES, db=True)
    options = benchmark.parse()
    with indexed(options.data / "lfw-dev", options.data / "album", db=options.db) as store:
        found = lfw_dev(store, options.data)
    splits = Splits(found)
    benchmark.run({
        "identified": lambda: splits.figures("identified"),
        "calibration": lambda: splits.figures("calibration"),
        "precision": lambda: splits.figures("precision"),
        "time": lambda: times(found),
        "new-name": lambda: new_names(found),
    })  # fmt: skip


# --- right ---


class Splits:
    """Open set: 100 people with four faces or more, half of them to learn; all other faces are to be tagged."""

    def __init__(self, found: NamedFaces) -> None:
        self._found = found

    @cached_property
    def _rows(self) -> list[dict[str, float]]:
        who = np.unique(np.array(self._found.names), return_inverse=True)[1]
        return [_one_split(self._found.vectors, who, self._found.thresholds, number) for number in SPLITS]

    def figures(self, part: str) -> dict[str, Measured]:
        """The mean, the least and the most of the splits."""
        keys = [key for key in self._rows[0] if key.startswith(part + ".")]
        by_key = {key: [row[key] for row in self._rows] for key in keys}
        return {key: Measured(float(np.mean(values)), min(values), max(values)) for key, values in by_key.items()}


def _one_split(vectors: Vectors, who: Rows, thresholds: Thresholds, number: int) -> dict[str, float]:
    learn, theirs, strangers = split(who, number)
    shown, queries = vectors[learn], vectors[np.concatenate([theirs, strangers])]
    truth = np.concatenate([who[theirs], np.full(len(strangers), -1)])
    known, model, curve = learnt(shown, who[learn], vectors, thresholds)
    found = best_candidates(queries, known, model)
    sure = probabilities(found, curve, thresholds)
    by_embedder = probabilities(found, Calibration(people=len(known.people)), thresholds)
    stands = supported(found, known)
    correct = known.people[found.person] == truth
    result = {
        "identified.phototag": identified(np.where(stands, sure, 0), correct, truth),
        "calibration.fitted": expected_calibration_error(reliability_bins(sure, correct, 15)),
        "calibration.embedder": expected_calibration_error(reliability_bins(by_embedder, correct, 15)),
    }
    for name, (person, score) in rivals(queries, shown, who[learn]).items():
        result[f"identified.{name}"] = identified(score, person == truth, truth)
    for precision in PRECISIONS:
        accepted = stands & (sure >= gate(sure[stands], precision))
        result |= {
            f"precision.{precision}.found": float((accepted & correct).sum() / len(theirs)),
            f"precision.{precision}.right": float(correct[accepted].mean()),
            f"precision.{precision}.wrong": float((accepted & ~correct).sum()),
            f"precision.{precision}.foretold": float((1 - sure[accepted]).sum()),
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
    known = with_radii(build_gallery(shown, people.tolist(), thresholds, everybody), shown[:0], _NOT_THEM)
    return known, train_svm(shown, people.tolist()), calibrate(known)


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
    own = train_svm(shown, people.tolist())
    mine = queries @ own.coef.T + own.intercept
    return {
        "nearest": (people[first], similar.max(axis=1)),
        "votes": (names[votes], of_winner),
        "plain-svm": (names[margins.argmax(axis=1)], margins.max(axis=1)),
        "own-svm": (names[mine.argmax(axis=1)], mine.max(axis=1)),
    }


# --- time ---


def times(real: NamedFaces) -> dict[str, Value]:
    """Simulated people: 500 with 100 labelled faces each, and 100,000 faces to tag, four in ten of them strangers'."""
    everybody, who = Population.of(real.vectors, real.names).draw([220] * 500 + [1] * 40_000, 1)
    place = np.zeros(len(who), np.int64)
    order = np.argsort(who, kind="stable")
    counts = np.bincount(who)
    place[order] = np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts)
    labelled = (who < 500) & (place < 100)
    shown, people = everybody[labelled], who[labelled]
    queries, truth = everybody[~labelled], np.where(who[~labelled] < 500, who[~labelled], -1)
    known, model, curve = learnt(shown, people, everybody, real.thresholds)

    def tag() -> tuple[Candidates, Values]:
        again = replace(build_gallery(shown, people.tolist(), real.thresholds, everybody), radius=known.radius)
        found = best_candidates(queries, again, model)
        return found, probabilities(found, curve, real.thresholds)

    found, sure = tag()
    accepted = supported(found, known) & (sure >= gate(sure[supported(found, known)], 0.99))
    correct = known.people[found.person] == truth
    return {
        "time.train": _least(lambda: learnt(shown, people, everybody, real.thresholds)),
        "time.again": _least(lambda: train_svm(shown, people.tolist(), model)),
        "time.tag": _least(tag),
        "time.right": float(correct[accepted].mean()),
        "time.found": float((accepted & correct).sum() / (truth >= 0).sum()),
        "time.calibration": expected_calibration_error(reliability_bins(sure, correct, 15)),
    }


def new_names(real: NamedFaces) -> dict[str, Value | Measured]:
    """A new name for some faces of a simulated library, tried on all others: from the answer to the tags in the
    database. 500 people have 20 named faces and 60 others each; three more get names. Two faces a photo."""
    sizes = [80] * 500 + [40] * 3 + [1] * 19_880
    vectors, who = Population.of(real.vectors, real.names).draw(sizes, 2)
    with simulated(vectors, np.arange(len(vectors)) // 2, real.thresholds, quality=1) as (store, faces):
        ids = np.array(faces)
        for person in range(500):
            name_faces(store, ids[who == person][:20].tolist(), f"Person {person}")
        train_and_tag(store, Silent())
        newcomers, found = iter(range(500, 503)), []

        def one_more() -> None:
            person = next(newcomers)
            named = name_faces(store, ids[who == person][:20].tolist(), f"Person {person}")
            train_and_tag(store, Silent())
            found.append(sum(guess == named.id for guess in models.tagged(store).values()))

        seconds = _least(one_more)
        return {
            "new-name.seconds": seconds,
            "new-name.found": Measured(float(np.mean(found)), min(found), max(found)),
        }


def _least(job: Callable[[], object], rounds: int = 3) -> float:
    """The least seconds of some rounds."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        job()
        taken.append(time.perf_counter() - began)
    return min(taken)


if __name__ == "__main__":
    main()
