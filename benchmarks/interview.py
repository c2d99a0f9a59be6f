"""The interview: how many answers it takes until most faces have their right name, and how long the next one takes.

    python benchmarks/interview.py --data FOLDER --db FILE [--json]

FOLDER holds `lfw-dev` (a folder a person) and `album`. FILE is a phototag database of its own, in which their faces
are kept from one run to the next; the first run fills it with the default engines. What is asked and answered is
saved in copies of it.

Somebody who knows everybody answers. Each key decision is an answer: a name, typed or chosen, a yes or no, each face
that is picked out of a grid, and that a group is of several people. They see what a question shows, and no more.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from clustering import lfw, text
from simulated_people import Population, album, library, scattered

from phototag import config
from phototag.imaging.quality import WORTH_GROUPING
from phototag.interview.questions import AreTheyOne, IsItAlso, Question, WhoIsIt
from phototag.progress import Silent
from phototag.store import decisions, engines, groups, libraries, models, people
from phototag.store.connect import Store, open_store
from phototag.types import EngineInfo, Vectors
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.library.index import index
from phototag.workflows.naming.interview import InterviewSession
from phototag.workflows.naming.name import name_group
from phototag.workflows.recognition.cluster import cluster_faces
from phototag.workflows.recognition.tag import try_names

Rows = npt.NDArray[np.int64]

#: The machine tags anew after so many questions; in the product whenever it has the time.
EVERY = 5
#: A group is called mixed when so large a share of the faces shown, and two at least, would have to be picked out.
MIXED = 0.25


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--db", type=Path, required=True)
    arguments.add_argument("--only", choices=["lfw", "album", "time"], help="only these figures")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    data = options.data.resolve()
    with open_store(options.db, create=True) as store:
        index(store, [data / "lfw-dev", data / "album"], replace(config.load(), db=options.db), Silent())
        vectors, names, ids = lfw(store, data)
        used = current_embedder(store)
        embedder = EngineInfo(
            "embedder", "simulated", "", dim=vectors.shape[1], thresholds=engines.thresholds(store, used)
        )
    truth = dict(zip(ids, names, strict=True))
    population = Population.of(vectors, names)
    parts: dict[str, Callable[[], dict[str, object]]] = {
        "lfw": lambda: on_lfw(options.db, truth),
        "album": lambda: on_album(population, embedder),
        "time": lambda: times(population, embedder),
    }
    figures: dict[str, object] = {"machine": {"cores": os.cpu_count(), "python": sys.version.split()[0]}}
    for part, job in parts.items():
        if options.only in (None, part):
            figures |= job()
    print(json.dumps(figures, indent=2, ensure_ascii=False) if options.json else text(figures))


# --- somebody who knows everybody ---


@dataclass
class Answerer:
    """Answers a session's questions by the truth, and counts.

    `truth`: face → name; `wanted`: the faces that count; `strangers`: whom they don't know. `taken`: seconds from a key
    to the next question.
    """

    session: InterviewSession
    truth: Mapping[int, str]
    wanted: frozenset[int]
    strangers: frozenset[str] = frozenset()
    answers: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    taken: list[float] = field(default_factory=list)

    def until(self, share: float, most: int, *, every: int = EVERY, look: int = 1) -> Answerer:
        """Answer until so many of the faces that count have the right name, or so many answers were given.

        `every`: questions between two taggings, `look`: and between two looks at how far it is.
        """
        question = self.session.next()
        asked = 0
        while question is not None and self.answers < most:
            began = time.perf_counter()
            self._answer(question)
            question = self.session.next()
            self.taken.append(time.perf_counter() - began)
            asked += 1
            if asked % every == 0:
                self.session.retag(Silent())
                question = self.session.next()
            if asked % look == 0 and self.score()[0] >= share:
                break
        return self

    def score(self) -> tuple[float, float]:
        """The share of the faces that count with the right name, and of all names that are wrong."""
        return scored(self.session.store, self.truth, self.wanted)

    def _answer(self, question: Question) -> None:
        kind = type(question).__name__
        if isinstance(question, AreTheyOne):
            first, second = ({self.truth[face] for face in side.faces} for side in question.sides)
            yes = first == second
            self._count(f"{kind}: {'yes' if yes else 'no'}")
            (self.session.yes if yes else self.session.no)(question)
            return
        seen = Counter(self.truth[face] for face in question.shown)
        name, most = seen.most_common(1)[0]
        if not isinstance(question, WhoIsIt):
            name = self.session.name(question.person)
        others = [face for face in question.shown if self.truth[face] != name]
        if isinstance(question, WhoIsIt):
            if most == 1 and len(question.shown) == 2:
                self._count("put off: two people")
                self.session.skip(question)
            elif len(others) >= 2 and len(others) >= MIXED * len(question.shown):
                self._count("mixed")
                self.session.mixed(question)
            elif name in self.strangers:
                self._count("don't care")
                self.session.dismiss(question, "dont-care")
            else:
                self._count(f"{kind}: name")
                self._count(f"{kind}: picked out", len(others))
                self.session.call(question, name, others)
        elif len(others) == len(question.shown):
            self._count(f"{kind}: none")
            self.session.no(question)
        elif isinstance(question, IsItAlso) and len(others) > len(question.shown) / 2 > 3:
            self._count("mixed")
            self.session.mixed(question)
        else:
            self._count(f"{kind}: yes" if isinstance(question, IsItAlso) else f"{kind}: looked through")
            self._count(f"{kind}: picked out", len(others))
            self.session.yes(question, others)

    def _count(self, kind: str, times: int = 1) -> None:
        self.answers += times
        self.kinds[kind] += times


def scored(store: Store, truth: Mapping[int, str], wanted: frozenset[int]) -> tuple[float, float]:
    """The share of the faces that count with the right name, by a human or the machine, and of all names the wrong."""
    found = _names(store)
    names = {person: people.get(store, person).name for person in set(found.values())}
    named = {face: names[person] for face, person in found.items() if face in truth}
    right = sum(truth[face] == name for face, name in named.items() if face in wanted)
    wrong = sum(name != truth[face] for face, name in named.items())
    return right / len(wanted), wrong / max(len(named), 1)


def _names(store: Store) -> dict[int, int]:
    human = {face: person for face, (_, person) in decisions.labels(store).items() if person is not None}
    return {**models.tagged(store), **human}


# --- lfw-dev ---


def on_lfw(db: Path, truth: Mapping[int, str], share: float = 0.8) -> dict[str, object]:
    """Answers until 80 % of the faces of people with two photos or more are named rightly, beside the least possible
    and groups named one by one; the people with one photo are strangers among them."""
    sizes = Counter(truth.values())
    several = frozenset(face for face, name in truth.items() if sizes[name] > 1)
    figures: dict[str, object] = {"least possible": _least(sizes, share)}
    for title, faces in (("", frozenset(truth)), (", without people who have one photo", several)):
        with copied(db, faces) as store:
            done = Answerer(InterviewSession.open(store), truth, several).until(share, 1000)
            figures["phototag" + title] = _told(done, _least(sizes, share))
        with copied(db, faces) as store:
            figures["groups named one by one" + title] = one_by_one(store, truth, several, share)
    return {f"answers until {share:.0%} of {len(several):,} faces of lfw-dev are named rightly": figures}


def _least(sizes: Counter[str], share: float) -> int:
    """One name for each person, those with the most faces first."""
    counts = sorted((size for size in sizes.values() if size > 1), reverse=True)
    return int(np.searchsorted(np.cumsum(counts), share * sum(counts))) + 1


def _told(done: Answerer, least: int | None = None) -> dict[str, object]:
    right, wrong = done.score()
    return {
        "answers": done.answers,
        **({"times the least": round(done.answers / least, 3)} if least else {}),
        "named rightly": round(right, 4),
        "wrong names": round(wrong, 5),
        "by kind": dict(done.kinds),
    }


def one_by_one(store: Store, truth: Mapping[int, str], wanted: frozenset[int], share: float) -> dict[str, object]:
    """Group by group: who was met most often first, each group named after most of its faces."""
    answers = 0
    while (group := next(groups.unnamed(store, clear=WORTH_GROUPING), None)) is not None:
        name = Counter(truth[face] for face in group.face_ids).most_common(1)[0][0]
        name_group(store, group.face_ids, name)
        answers += 1
        if answers % EVERY == 0:
            try_names(store, Silent())
        if scored(store, truth, wanted)[0] >= share:
            break
    right, wrong = scored(store, truth, wanted)
    return {"answers": answers, "named rightly": round(right, 4), "wrong names": round(wrong, 5)}


# --- a family album, simulated ---


def on_album(population: Population, embedder: EngineInfo, share: float = 0.95) -> dict[str, object]:
    """60,000 photos of 40 people who are in them regularly and 2,000 strangers, whom nobody can name: of people who
    aren't related, of ten families of four, and of such with two children each who grow up."""
    regulars, photos = 40, 60_000
    figures: dict[str, object] = {}
    kinds = {"not related": (0, False), "ten families": (10, False), "ten families, children growing up": (10, True)}
    for title, (families, growing) in kinds.items():
        vectors, people = population.draw(album(photos, regulars, 2000), 7, families, growing)
        with simulated(vectors, scattered(people, photos), embedder) as (store, ids):
            truth = {face: f"person {person}" for face, person in zip(ids, people.tolist(), strict=True)}
            wanted = frozenset(face for face, person in zip(ids, people.tolist(), strict=True) if person < regulars)
            strangers = frozenset(f"person {person}" for person in range(regulars, int(people.max()) + 1))
            done = Answerer(InterviewSession.open(store), truth, wanted, strangers).until(share, 400, every=10, look=2)
            of_all = round(scored(store, truth, frozenset(truth))[0], 4)
            figures[title] = {**_told(done), "of all faces named rightly": of_all, "seconds": _spread(done.taken)}
    return {f"answers until {share:.0%} of the faces of {regulars} people in {photos:,} photos are named": figures}


# --- time ---


def times(population: Population, embedder: EngineInfo) -> dict[str, object]:
    """From a key to the next question, the answer saved: 50,000 faces, of 500 people and of strangers."""
    sizes = library(50_000)
    vectors, who = population.draw(sizes, 8)
    with simulated(vectors, np.arange(len(who)), embedder) as (store, ids):
        truth = {face: f"person {person}" for face, person in zip(ids, who.tolist(), strict=True)}
        began = time.perf_counter()
        session = InterviewSession.open(store)
        opened = time.perf_counter() - began
        done = Answerer(session, truth, frozenset(truth)).until(1, 300, every=100, look=1000)
        tagged = [_retagged(session)]
        done.until(1, done.answers + 1, every=100)
        tagged.append(_retagged(session))
        return {
            f"{len(truth):,} faces": {
                "from a key to the next question, seconds": _spread(done.taken),
                "open, seconds": round(opened, 2),
                "tag anew after all these answers; after one more, seconds": [round(one, 2) for one in tagged],
                "standing": str(session.progress()),
            }
        }


def _retagged(session: InterviewSession) -> float:
    began = time.perf_counter()
    session.retag(Silent())
    return time.perf_counter() - began


def _spread(taken: list[float]) -> dict[str, float]:
    return {"median": round(float(np.median(taken)), 3), "most": round(max(taken), 3)}


@contextmanager
def simulated(vectors: Vectors, photo: Rows, embedder: EngineInfo) -> Iterator[tuple[Store, list[int]]]:
    """A grouped library of faces without pictures, and their ids; `photo`: the number of each one's photo."""
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "simulated.db", create=True) as store:
        root = libraries.add(store, b"/simulated").id
        seen = engines.register(store, embedder)
        with store.write():
            store.connection.executemany(
                "INSERT INTO photo (id, sha256) VALUES (?, ?)",
                [(int(one) + 1, f"{one:064}") for one in np.unique(photo)],
            )
            store.connection.executemany(
                "INSERT INTO file (library, path, path_text, size, mtime_ns, photo, state)"
                " VALUES (?, ?, ?, 1, 1, ?, 'done')",
                [(root, b"%d.jpg" % one, f"{one}.jpg", int(one) + 1) for one in np.unique(photo)],
            )
            store.connection.executemany(
                "INSERT INTO face (id, subject, photo, x, y, w, h, score, quality)"
                " VALUES (?, ?, ?, ?, 10, 90, 90, 1, 0.8)",
                [(face + 1, face + 1, int(one) + 1, 100 * (face % 50)) for face, one in enumerate(photo)],
            )
            store.connection.executemany(
                "INSERT INTO embedding (face, engine, dim, vector) VALUES (?, ?, ?, ?)",
                [(face + 1, seen, vector.size, vector.astype("<f4").tobytes()) for face, vector in enumerate(vectors)],
            )
        cluster_faces(store, Silent())
        yield store, list(range(1, len(vectors) + 1))


@contextmanager
def copied(db: Path, faces: frozenset[int]) -> Iterator[Store]:
    """A copy of a database with these faces alone, grouped anew, and nothing said."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        with open_store(db) as store, store.write():
            shutil.copyfile(db, copy)
        with open_store(copy) as store:
            with store.write():
                store.run("CREATE TEMP TABLE here (face INTEGER PRIMARY KEY)")
                store.connection.executemany("INSERT INTO here VALUES (?)", [(face,) for face in faces])
                store.run("UPDATE face SET present = id IN (SELECT face FROM here)")
            cluster_faces(store, Silent(), from_scratch=True)
            yield store


if __name__ == "__main__":
    main()
