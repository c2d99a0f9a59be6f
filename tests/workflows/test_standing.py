"""What holds follows from the answers that stand: what was said and undone, merged and split leaves no trace."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phototag.errors import UsageError
from phototag.interop.names_file import NamesFile
from phototag.interview.questions import AreTheyOne, Question, WhoIsIt
from phototag.progress import Silent
from phototag.store import engines, face_places, faces, files, libraries, models, people, photos
from phototag.store.connect import Store, open_store
from phototag.types import Box, EngineInfo, NewFace, PhotoFile, Vectors
from phototag.workflows.naming.export_names import export_names
from phototag.workflows.naming.history import undo
from phototag.workflows.naming.import_names import import_names
from phototag.workflows.naming.interview import InterviewSession
from phototag.workflows.naming.name import compare, dismiss, name_faces
from phototag.workflows.naming.people import different, hide, merge, reject_faces, rename, split
from phototag.workflows.recognition.cluster import cluster_faces
from phototag.workflows.recognition.refresh import refresh
from phototag.workflows.recognition.tag import train_and_tag
from tests.support import fakes
from tests.support import simulated_people as simulated
from tests.support.databases import clean, decoded

DETECTOR = EngineInfo("detector", "simulated", "d" * 64)
EMBEDDER = EngineInfo("embedder", "simulated", "e" * 64, dim=128, alignment="cut", thresholds=simulated.THRESHOLDS)
WATCHED = Silent()
NAMES = [f"Person {number}" for number in range(14)]
_BOXES = (Box(10, 10, 50, 50), Box(200, 10, 50, 50))


def looks() -> tuple[Vectors, np.ndarray]:
    """The faces of 12 people, of some few and of some many, two of whom look alike, and of five strangers."""
    centres = np.concatenate([simulated.centres(15, 3), simulated.centres(2, 4, apart=0.42)])
    sizes = [9, 8, 7, 6, 6, 5, 5, 4, 4, 3, 1, 1, 1, 1, 1, 5, 4]
    vectors = [
        simulated.faces(centre, size, seed) for seed, (centre, size) in enumerate(zip(centres, sizes, strict=True))
    ]
    return np.concatenate(vectors), np.repeat(np.arange(len(sizes)), sizes)


VECTORS, WHO = looks()


def _photos() -> list[list[int]]:
    """Which faces each photo shows: most of them one, some two."""
    order = np.random.default_rng(7).permutation(len(VECTORS)).tolist()
    found: list[list[int]] = []
    while order:
        count = 2 if len(order) > 1 and len(found) % 4 == 0 and WHO[order[-1]] != WHO[order[-2]] else 1
        found.append([order.pop() for _ in range(count)])
    return found


def add(store: Store, number: int, shown: list[int]) -> None:
    """A photo, as `index` would look at it; again, as if it were indexed anew."""
    library = libraries.add(store, b"/photos")
    detector, embedder = engines.register(store, DETECTOR), engines.register(store, EMBEDDER)
    file = PhotoFile(b"%d.jpg" % number, 1000, 5)
    with store.write():
        [place] = files.begin(store, library.id, [file])
        photo = photos.add(store, decoded(b"%d" % number))
        new = [
            NewFace(box, (), 0.9, 0.5, b"crop", box, VECTORS[face]) for face, box in zip(shown, _BOXES, strict=False)
        ]
        face_places.replace(store, photo, detector, embedder, new, b"small")
        files.finish(store, place, file, photo)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the photos, nothing said of them."""
    path = tmp_path_factory.mktemp("library") / "phototag.db"
    with open_store(path, create=True) as store:
        for number, shown in enumerate(_photos()):
            add(store, number, shown)
        cluster_faces(store, WATCHED)
    return path


@cache
def told() -> NamesFile:
    """What somebody else said of these photos, as a names file."""
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder, "other.db"), create=True) as store:
        for number, shown in enumerate(_photos()):
            add(store, number, shown)
        name_faces(store, _all_of(2, store), "Person 2")
        name_faces(store, _all_of(5, store)[:3], "Person 5")
        name_faces(store, _all_of(6, store)[:2], "Somebody else")
        reject_faces(store, "Person 2", _all_of(9, store)[:1])
        merge(store, "Somebody else", "Person 5")
        return export_names(store).names


# --- what can happen ---

_face = st.integers(0, len(VECTORS) - 1)
_faces = st.lists(_face, min_size=1, max_size=12, unique=True)
_name = st.sampled_from(NAMES)


def _all_of(who: int, store: Store) -> list[int]:
    ids = [row[0] for row in store.rows("SELECT id FROM face ORDER BY id")]
    order = [face for shown in _photos() for face in shown]
    return [face for face, look in zip(ids, order, strict=True) if WHO[look] == who]


def _ids(store: Store, picked: list[int]) -> list[int]:
    ids = [row[0] for row in store.rows("SELECT id FROM face ORDER BY id")]
    return [ids[place] for place in picked]


Step = Callable[[Store], object]

_STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(lambda who: lambda s: name_faces(s, _all_of(who, s), f"Person {who}"), st.integers(0, 16)),
    st.builds(lambda who, n: lambda s: name_faces(s, _all_of(who, s)[:n], f"Person {who}"), st.integers(0, 16),
              st.integers(1, 3)),
    st.builds(lambda most: lambda s: [name_faces(s, _all_of(who, s)[:most], f"Person {who}") for who in range(10)],
              st.integers(3, 5)),  # enough to learn from
    st.builds(lambda picked, name: lambda s: name_faces(s, _ids(s, picked), name), _faces, _name),
    st.builds(lambda picked, name: lambda s: reject_faces(s, name, _ids(s, picked[:2])), _faces, _name),
    st.builds(lambda verb, one, two: lambda s: compare(s, verb, *_ids(s, [one, two])),
              st.sampled_from(["same", "different"]), _face, _face),
    st.builds(lambda verb, picked: lambda s: dismiss(s, _ids(s, picked[:3]), verb),
              st.sampled_from(["not-a-face", "dont-care"]), _faces),
    st.builds(lambda one, two: lambda s: merge(s, one, two), _name, _name),
    st.builds(lambda one, picked, two: lambda s: split(s, one, _ids(s, picked[:3]), two), _name, _faces, _name),
    st.builds(lambda one, two: lambda s: different(s, one, two), _name, _name),
    st.builds(lambda name, new: lambda s: rename(s, name, f"New {new}"), _name, st.integers(0, 2)),
    st.builds(lambda name: lambda s: hide(s, name), _name),
    st.builds(lambda answer: lambda s: undo(s, answer), st.integers(1, 12)),
    st.builds(lambda: lambda s: undo(s)),
    st.builds(lambda number: lambda s: add(s, number, _photos()[number]), st.integers(0, 20)),
    st.builds(lambda overrule: lambda s: import_names(s, told(), fakes.settings(), WATCHED, overrule=overrule),
              st.booleans()),
    st.builds(lambda: lambda s: refresh(s, WATCHED)),
    st.builds(lambda: lambda s: cluster_faces(s, WATCHED)),
    st.builds(lambda: lambda s: train_and_tag(s, WATCHED)),
)  # fmt: skip


def taken(store: Store, step: Step) -> None:
    """Take a step; one that can't be is refused with a sentence, and nothing happens."""
    with contextlib.suppress(UsageError):
        step(store)


def said_anew(store: Store, fresh: Store) -> None:
    """Say in a database where nothing was said what stands in another."""
    who, last = people.resolve_merges(store), {one.person.id: one.person.name for one in people.summaries(store)}

    def name(person: int) -> str:
        return last.get(who.get(person, person), f"Nobody {person}")

    for verb, face, other, person, other_person in store.rows(
        "SELECT verb, face, other_face, person, other_person FROM standing ORDER BY id"
    ):
        if verb == "is":
            name_faces(fresh, [face], name(person))
        elif verb == "is-not":
            with fresh.write():
                people.ensure(fresh, name(person))
            taken(fresh, lambda s, p=person, f=face: reject_faces(s, name(p), [f]))  # type: ignore[misc]
        elif verb in ("not-a-face", "dont-care"):
            dismiss(fresh, [face], verb)
        elif face is not None:
            compare(fresh, verb, face, other)
        elif verb in ("different", "split") and other_person is not None:
            taken(fresh, lambda s, p=person, o=other_person: different(s, name(p), name(o)))  # type: ignore[misc]
        elif verb == "hide":
            taken(fresh, lambda s, p=person: hide(s, name(p)))  # type: ignore[misc]


# --- what holds ---


def held(store: Store) -> tuple[dict[str, Any], dict[Any, float]]:
    """Names, tags, the model, the groups and the next question, by names instead of numbers; and how sure, how far, how
    much of all this, which depends a little on the order in which it is summed up: people are numbered as they were
    named."""
    session = InterviewSession.open(store)
    names = {one.person.id: one.person.name for one in people.summaries(store)}
    model, question, claims = models.latest(store), session.next(), list(models.best_guesses(store))
    groups: dict[int, set[int]] = {}
    for face in faces.identified(store):
        if face.cluster is not None and face.person is None:
            groups.setdefault(face.cluster, set()).add(face.id)
    curve = model.params["calibration"] if model else {}
    numbers: dict[Any, float] = {key: value for key, value in curve.items() if isinstance(value, float | int)}
    numbers |= {face: sure for face, _, sure, _ in claims}
    numbers |= {names[one]: far or 0 for one, far in zip(model.people, model.radius, strict=True)} if model else {}
    numbers["resolves"] = question.resolves if question else 0
    return {
        "who": {face.id: (face.person, face.source) for face in faces.identified(store)},
        "guesses": {face: (names.get(person), accepted) for face, person, _, accepted in claims},
        "people": sorted(names.values()),
        "model": model and model.faces,
        "groups": sorted(map(sorted, groups.values())),
        "question": _question(question, names),
    }, numbers


def _question(question: Question | None, names: dict[int, str]) -> Any:
    if question is None:
        return None
    if isinstance(question, AreTheyOne):
        sides = [(names.get(side.person or 0), sorted(side.faces)) for side in question.sides]
        return type(question).__name__, sorted(sides, key=str)
    who = None if isinstance(question, WhoIsIt) else names[question.person]
    return type(question).__name__, who, sorted(question.faces)


def same_as_fresh(library: Path, steps: list[Step]) -> None:
    """Take steps, and say what stands then in a database where nothing was said: both hold the same."""
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "past.db"), Path(folder, "fresh.db")
        for path in paths:
            shutil.copy(library, path)
        with open_store(paths[0]) as past, open_store(paths[1]) as fresh:
            for step in steps:
                taken(past, step)
            said_anew(past, fresh)
            (one, numbers), (other, expected) = held(past), held(fresh)
            assert one == other
            assert numbers == pytest.approx(expected, rel=1e-3, abs=1e-4)
            assert clean(past)


_SEQUENCES = given(steps=st.lists(_STEPS, min_size=1, max_size=12))
_SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(_SLOW, max_examples=25)
@_SEQUENCES
def test_the_past_leaves_no_trace(library: Path, steps: list[Step]) -> None:
    same_as_fresh(library, steps)


@pytest.mark.full
@pytest.mark.timeout(3600)
@settings(_SLOW, max_examples=2000)
@_SEQUENCES
def test_many_pasts_leave_no_trace(library: Path, steps: list[Step]) -> None:
    same_as_fresh(library, steps)
