"""The interview: how many answers it takes until most faces have their right name, and how long the next one takes.

    python -m benchmarks.interview --data FOLDER [--db FILE]

FOLDER holds `lfw-dev` (a folder a person) and `album`. FILE is a phototag database of its own, in which their faces
are kept from one run to the next; the first run fills it with the default engines. What is asked and answered is
saved in copies of it.

Somebody who knows everybody answers. Each key decision is an answer: a name, typed or chosen, a yes or no, each face
that is picked out of a grid, and that a group is of several people. They see what a question shows, and no more.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from benchmarks.command import Benchmark
from benchmarks.figures import Measure, Measured, Value, at_most
from benchmarks.libraries import copied, indexed, lfw_dev, simulated
from benchmarks.simulated_people import Population, album, library, scattered
from phototag.imaging.quality import WORTH_GROUPING
from phototag.interview.questions import AreTheyOne, IsItAlso, Question, WhoIsIt
from phototag.progress import Silent
from phototag.store import decisions, groups, models, people
from phototag.store.connect import Store
from phototag.types import Thresholds
from phototag.workflows.naming.interview import InterviewSession
from phototag.workflows.naming.name import name_group
from phototag.workflows.recognition.cluster import cluster_faces
from phototag.workflows.recognition.tag import train_and_tag

#: The machine tags anew after so many questions; in the product whenever it has the time.
EVERY = 5
#: A group is called mixed when so large a share of the faces shown, and two at least, would have to be picked out.
MIXED = 0.25

_LFW = "lfw-dev: until 80 % of the 2,001 faces of people with two photos or more are named rightly"
_LIBRARIES = {"everybody": "lfw-dev", "several": "lfw-dev without the 500 people who have one photo"}
_ALBUM = "60,000 simulated photos of 40 people and 2,000 strangers: until 95 % of the 40's faces are named rightly"
_FAMILIES = {
    "unrelated": "people who aren't related",
    "families": "ten families of four who look alike",
    "growing": "ten families of four, two children of each growing up",
}
_FAST = "50,000 simulated faces of 500 people and of strangers"
_KINDS = {"names": "names", "picked": "faces picked out", "yes": "yes or no", "mixed": "*several people*"}


def _on_lfw() -> Iterable[Measure]:
    for name, title in _LIBRARIES.items():
        for way, label in (("interview", "the interview"), ("one-by-one", "groups named one by one, as they come")):
            wanted = {"answers": at_most(300), "wrong": at_most(0.5)} if name + way == "everybodyinterview" else {}
            row, key = f"{title}: {label}", f"lfw.{name}.{way}"
            yield Measure(f"{key}.answers", row, _LFW, wanted=wanted.get("answers"), column="answers")
            yield Measure(f"{key}.wrong", row, _LFW, "%", 1, wanted.get("wrong"), "wrong names")


def _on_album() -> Iterable[Measure]:
    for key, title in _FAMILIES.items():
        wanted = at_most(200) if key == "unrelated" else None
        yield Measure(f"album.{key}.answers", title, _ALBUM, wanted=wanted, column="answers")
        yield Measure(f"album.{key}.wrong", title, _ALBUM, "%", 1, column="wrong names")
        yield Measure(
            f"album.{key}.all", title, _ALBUM, digits=3, column="of all faces, strangers included, named rightly"
        )


MEASURES = (
    *_on_lfw(),
    Measure("least.possible", "the least possible: one name a person, the largest first", _LFW),
    Measure("least.times", "answers of the interview, times the least possible", _LFW, digits=3, wanted=at_most(1.25)),
    *(Measure(f"least.{key}", f"… of them: {label}", _LFW) for key, label in _KINDS.items()),
    *_on_album(),
    Measure("time.median", "from a key to the next question, the answer saved: median", _FAST, "s", 3, at_most(0.5)),
    Measure("time.most", "… longest", _FAST, "s", 3),
    Measure("time.open", "opening the interview", _FAST, "s", 1),
    Measure("time.tag-all", "tagging anew after all these answers at once", _FAST, "s", 1),
    Measure("time.tag-one", "tagging anew after one more answer, in the background", _FAST, "s", 1, at_most(1)),
)


def main() -> None:
    benchmark = Benchmark("interview", __doc__, MEASURES, db=True)
    options = benchmark.parse()
    with indexed(options.data / "lfw-dev", options.data / "album", db=options.db) as store:
        found = lfw_dev(store, options.data)
        lfw = OnLfw(store, dict(zip(found.ids, found.names, strict=True)))
        population = Population.of(found.vectors, found.names)
        benchmark.run({
            "lfw": lfw.answers,
            "least": lfw.beside_the_least,
            "album": lambda: on_album(population, found.thresholds),
            "time": lambda: times(population, found.thresholds),
        })  # fmt: skip


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
                self.session.name_as(question, name, others)
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


class OnLfw:
    """Answers until 80 % of the faces of people with two photos or more are named rightly, beside groups named one by
    one; the people with one photo are strangers among them, or left out."""

    def __init__(self, store: Store, truth: Mapping[int, str], share: float = 0.8) -> None:
        self.store, self.truth, self.share = store, truth, share
        self.sizes = Counter(truth.values())
        self.several = frozenset(face for face, name in truth.items() if self.sizes[name] > 1)

    def answers(self) -> dict[str, Value]:
        told: dict[str, Value] = {}
        for name, faces in (("everybody", frozenset(self.truth)), ("several", self.several)):
            done, wrong = self._interviewed if name == "everybody" else self._interview(faces)
            told |= {f"lfw.{name}.interview.answers": done.answers, f"lfw.{name}.interview.wrong": 100 * wrong}
            with only(self.store, faces) as store:
                answers, wrong = one_by_one(store, self.truth, self.several, self.share)
            told |= {f"lfw.{name}.one-by-one.answers": answers, f"lfw.{name}.one-by-one.wrong": 100 * wrong}
        return told

    def beside_the_least(self) -> dict[str, Value]:
        done, _ = self._interviewed
        least = _least(self.sizes, self.share)
        kinds = Counter[str]()
        for kind, count in done.kinds.items():
            what = kind.rpartition(": ")[2]
            kinds[{"name": "names", "picked out": "picked", "mixed": "mixed"}.get(what, "yes")] += count
        return {
            "least.possible": least,
            "least.times": done.answers / least,
            **{f"least.{key}": kinds[key] for key in _KINDS},
        }

    @cached_property
    def _interviewed(self) -> tuple[Answerer, float]:
        return self._interview(frozenset(self.truth))

    def _interview(self, faces: frozenset[int]) -> tuple[Answerer, float]:
        """Who answered, and the share of wrong names."""
        with only(self.store, faces) as store:
            done = Answerer(InterviewSession.open(store), self.truth, self.several).until(self.share, 1000)
            return done, done.score()[1]


def _least(sizes: Counter[str], share: float) -> int:
    """One name for each person, those with the most faces first."""
    counts = sorted((size for size in sizes.values() if size > 1), reverse=True)
    return int(np.searchsorted(np.cumsum(counts), share * sum(counts))) + 1


def one_by_one(store: Store, truth: Mapping[int, str], wanted: frozenset[int], share: float) -> tuple[int, float]:
    """Answers and the share of wrong names, group by group: who was met most often first, each group named after most
    of its faces."""
    answers = 0
    while (group := next(groups.unnamed(store, clear=WORTH_GROUPING), None)) is not None:
        name = Counter(truth[face] for face in group.face_ids).most_common(1)[0][0]
        name_group(store, group.face_ids, name)
        answers += 1
        if answers % EVERY == 0:
            train_and_tag(store, Silent())
        if scored(store, truth, wanted)[0] >= share:
            break
    return answers, scored(store, truth, wanted)[1]


@contextmanager
def only(store: Store, faces: frozenset[int]) -> Iterator[Store]:
    """A copy of a library with these faces alone, grouped anew, and without answers."""
    with copied(store) as copy:
        with copy.write():
            copy.run("CREATE TEMP TABLE here (face INTEGER PRIMARY KEY)")
            copy.connection.executemany("INSERT INTO here VALUES (?)", [(face,) for face in faces])
            copy.run("UPDATE face SET present = id IN (SELECT face FROM here)")
        cluster_faces(copy, Silent(), from_scratch=True)
        yield copy


# --- a family album, simulated ---


def on_album(population: Population, thresholds: Thresholds, share: float = 0.95) -> dict[str, Value]:
    """60,000 photos of 40 people who are in them regularly and 2,000 strangers, whom nobody can name: of people who
    aren't related, of ten families of four, and of such with two children each who grow up."""
    regulars, photos = 40, 60_000
    told: dict[str, Value] = {}
    for key, (families, growing) in {"unrelated": (0, False), "families": (10, False), "growing": (10, True)}.items():
        vectors, people = population.draw(album(photos, regulars, 2000), 7, families, growing)
        with simulated(vectors, scattered(people, photos), thresholds) as (store, ids):
            cluster_faces(store, Silent())
            truth = {face: f"person {person}" for face, person in zip(ids, people.tolist(), strict=True)}
            wanted = frozenset(face for face, person in zip(ids, people.tolist(), strict=True) if person < regulars)
            strangers = frozenset(f"person {person}" for person in range(regulars, int(people.max()) + 1))
            done = Answerer(InterviewSession.open(store), truth, wanted, strangers).until(share, 400, every=10, look=2)
            told |= {
                f"album.{key}.answers": done.answers,
                f"album.{key}.wrong": 100 * done.score()[1],
                f"album.{key}.all": scored(store, truth, frozenset(truth))[0],
            }
    return told


# --- time ---


def times(population: Population, thresholds: Thresholds) -> dict[str, Value | Measured]:
    """From a key to the next question, the answer saved: 50,000 faces, of 500 people and of strangers."""
    vectors, who = population.draw(library(50_000), 8)
    with simulated(vectors, np.arange(len(who)), thresholds) as (store, ids):
        cluster_faces(store, Silent())
        truth = {face: f"person {person}" for face, person in zip(ids, who.tolist(), strict=True)}
        began = time.perf_counter()
        session = InterviewSession.open(store)
        opened = time.perf_counter() - began
        done = Answerer(session, truth, frozenset(truth)).until(1, 300, every=100, look=1000)
        tag_all = _retagged(session)
        done.until(1, done.answers + 1, every=100)
        return {
            "time.median": float(np.median(done.taken)),
            "time.most": max(done.taken),
            "time.open": opened,
            "time.tag-all": tag_all,
            "time.tag-one": _retagged(session),
        }


def _retagged(session: InterviewSession) -> float:
    """Seconds that tagging anew takes."""
    began = time.perf_counter()
    session.retag(Silent())
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
