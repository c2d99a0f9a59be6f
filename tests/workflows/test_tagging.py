"""Tags that can be trusted: precision, one name a photo, what humans said, tuning and auditing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.errors import TooLittleDataError
from phototag.progress import Silent
from phototag.remedies import IndexFolder, Train
from phototag.store import decisions, engines, face_places, faces, libraries, models, people, photos
from phototag.store import files as rows_of_files
from phototag.store.connect import Store, open_store
from phototag.store.decisions import Decision
from phototag.types import Box, EngineInfo, PhotoFile, Vectors
from phototag.workflows.naming.history import undo
from phototag.workflows.naming.name import compare, name_faces
from phototag.workflows.naming.people import reject_faces
from phototag.workflows.recognition import tag
from phototag.workflows.recognition.audit import audit
from phototag.workflows.recognition.predictions import predict
from phototag.workflows.recognition.tag import tag_faces, train_and_tag
from phototag.workflows.recognition.tagging_input import TaggingInput
from phototag.workflows.recognition.train import fit_model, train_people
from phototag.workflows.recognition.trained_model import PRECISION, usable_model
from phototag.workflows.recognition.tune import tune
from tests.support import simulated_people as simulated
from tests.support.databases import (
    DETECTOR,
    EMBEDDER,
    add_face,
    add_photo,
    decoded,
    new_face,
    say,
    step_back,
    unit,
    who,
)

WATCHED = Silent()
_WIDE = EngineInfo("embedder", "wide", "f" * 64, dim=128, alignment="cut", thresholds=simulated.THRESHOLDS)


def fill(store: Store, vectors: Vectors) -> list[int]:
    """A photo for each of these faces; returns the faces' ids."""
    library = libraries.add(store, b"/photos")
    detector, embedder = engines.register(store, DETECTOR), engines.register(store, _WIDE)
    files = [PhotoFile(f"{number:05}.jpg".encode(), 1000, 5) for number in range(len(vectors))]
    with store.write():
        places = rows_of_files.begin(store, library.id, files)
        for place, file, vector in zip(places, files, vectors, strict=True):
            number = photos.add(store, decoded(file.path))
            face_places.replace(store, number, detector, embedder, [new_face(Box(10, 10, 50, 50), vector)], b"small")
            rows_of_files.finish(store, place, file, number)
    return [row[0] for row in store.rows("SELECT id FROM face ORDER BY photo")]


def name(store: Store, ids: list[int], who: np.ndarray) -> None:
    with store.write():
        for person in sorted(set(who.tolist())):
            known = people.ensure(store, f"P{person}").id
            own = [face for face, owner in zip(ids, who.tolist(), strict=True) if owner == person]
            decisions.record(store, [Decision("is", face, known) for face in own], "typed")


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, int]]:
    """30 people with 6 named faces and 10 others each, and 300 strangers; and who is who."""
    vectors, who = simulated.faces_of_people([16] * 30 + [1] * 300, seed=21)
    path = tmp_path_factory.mktemp("simulation") / "phototag.db"
    with open_store(path, create=True) as store:
        ids = fill(store, vectors)
        shown = np.flatnonzero((np.arange(480) % 16) < 6)
        name(store, [ids[row] for row in shown], who[shown])
        train_people(store, WATCHED)
    return path, dict(zip(ids, who.tolist(), strict=True))


def test_what_tune_foretells_comes_true(simulation: tuple[Path, dict[int, int]]) -> None:
    path, truth = simulation
    with open_store(path) as store:
        before = list(store.rows("SELECT * FROM guess"))
        tuned = tune(store, WATCHED, [0.8, 0.95])
        assert list(store.rows("SELECT * FROM guess")) == before
        assert (tuned.faces, tuned.precision) == (600, PRECISION)
        assert tuned.calibrated_on > 100
        assert tuned.known is not None
        assert abs(tuned.known - 300) < 40
        assert [choice.precision for choice in tuned.choices] == [0.8, 0.95, 0.99]
        for choice in tuned.choices:
            done = tag_faces(store, WATCHED, precision=choice.precision)
            assert (done.named, done.wrong, done.sure_from) == (choice.tagged, choice.wrong, choice.sure_from)
            tagged = models.tagged(store)
            names = {person: people.get(store, person).name for person in set(tagged.values())}
            wrong = sum(names[person] != f"P{truth[face]}" for face, person in tagged.items())
            assert len(names) == choice.people
            assert choice.wrong is not None
            assert choice.wrong <= (1 - choice.precision) * choice.tagged + 1e-9
            assert abs(wrong - choice.wrong) <= 4 + 0.04 * choice.tagged
        assert [choice.tagged for choice in tuned.choices] == sorted(
            (choice.tagged for choice in tuned.choices), reverse=True
        )
        assert tuned.choices[1].tagged > 200


def test_a_precision_holds_until_another_is_said(simulation: tuple[Path, dict[int, int]], tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(simulation[0].read_bytes())
    with open_store(copy) as store:
        assert train_people(store, WATCHED).precision == PRECISION
        assert train_people(store, WATCHED, precision=0.8).precision == 0.8
        assert tag_faces(store, WATCHED).precision == 0.8
        assert tag_faces(store, WATCHED, precision=0.95).precision == 0.95
        assert train_people(store, WATCHED).precision == 0.8


def test_the_audit_finds_planted_mistakes(simulation: tuple[Path, dict[int, int]], tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(simulation[0].read_bytes())
    with open_store(copy) as store:
        clean = audit(store, WATCHED)
        labels = decisions.labels(store)
        by_name: dict[str, list[int]] = {}
        for face in sorted(labels):
            by_name.setdefault(f"P{simulation[1][face]}", []).append(face)
        say(store, "is", by_name["P0"][0], "P1")  # two mistakes,
        say(store, "is", by_name["P2"][1], "P3")
        name_faces(store, by_name["P4"][:3], "Somebody else")  # and one person under two names
        train_people(store, WATCHED)
        found = audit(store, WATCHED)
        assert {(d.place.face, d.person, d.looks_like) for d in found.doubts if d.source == "human"} >= {
            (by_name["P0"][0], "P1", "P0"),
            (by_name["P2"][1], "P3", "P2"),
        }
        for doubt in found.doubts:
            assert doubt.source == "machine" or doubt.probability <= 0.2
            assert doubt.evidence
            for witness in doubt.evidence:
                assert doubt.source == "machine" or witness.person in (doubt.person, doubt.looks_like)
                assert 0 < witness.distance < 1
        assert {"P4", "Somebody else"} in [set(pair.people) for pair in found.alike]
        assert len(clean.doubts) <= 6  # of 180; some people are very much alike
        assert {"P4", "Somebody else"} not in [set(pair.people) for pair in clean.alike]


def test_the_audit_doubts_tags_that_are_no_longer_so(store: Store) -> None:
    ada, ben = ([add_face(store, f"{axis}/{n}.jpg".encode(), _near(axis, n)) for n in range(4)] for axis in (0, 1))
    say(store, "is", ben[0], "Ada")  # by mistake
    train_and_tag(store, WATCHED)
    assert who(store)[ben[1]] == ("Ada", "machine")
    assert not [doubt for doubt in audit(store, WATCHED).doubts if doubt.source == "machine"]
    say(store, "is", ben[0], "Ben")
    say(store, "is", ada[0], "Ada")
    train_people(store, WATCHED)
    doubts = [doubt for doubt in audit(store, WATCHED).doubts if doubt.source == "machine"]
    assert {(doubt.place.face, doubt.person, doubt.looks_like) for doubt in doubts} == {
        (face, "Ada", "Ben") for face in ben[1:]
    }


def _near(axis: int, number: int = 0) -> Vectors:
    return unit(
        *[1.0 if place == axis else 0.02 * (1 + number) if place == 4 + number % 4 else 0 for place in range(8)]
    )


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=4),
            st.sampled_from(["", "", "is", "is-not", "same"]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_no_photo_gets_one_name_twice_and_what_humans_said_holds(
    shots: list[tuple[list[tuple[int, int]], str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "p.db", create=True) as store:
        for axis in (0, 1):
            for number in (0, 5):
                say(store, "is", add_face(store, f"{axis}{number}.jpg".encode(), _near(axis, number)), f"P{axis}")
        refused, same = set(), set()
        for index, (found, said) in enumerate(shots):
            boxes = [(Box(10 + 60 * place, 10, 50, 50), _near(*face)) for place, face in enumerate(found)]
            photo = add_photo(store, f"photo{index}.jpg".encode(), boxes)
            ids = [face.id for face in faces.identified(store, photo=photo)]
            if said in ("is", "is-not"):
                say(store, said, ids[0], "P0")
                refused |= {(ids[0], "P0")} if said == "is-not" else set()
            elif said == "same" and len(ids) > 1:
                compare(store, "same", *ids[:2])
                same |= {frozenset(ids[:2])}
        train_people(store, WATCHED)
        done = tag_faces(store, WATCHED)
        result = who(store)
        for index in range(len(shots)):
            here = [face for face in faces.identified(store) if face.path.endswith(f"photo{index}.jpg".encode())]
            for one in here:
                for two in here:
                    twice = one.id < two.id and one.person is not None and one.person == two.person
                    assert not twice or frozenset((one.id, two.id)) in same
        for face, person in refused:
            assert result[face][0] != person
        for face, (verb, named) in decisions.labels(store).items():
            assert verb == "is"
            assert result[face] == (people.get(store, named or 0).name, "human")
        for left in done.twice:
            assert result[left.face.face] == (None, None)
            assert result[left.kept.face][0] == left.person
            assert left.face.photo == left.kept.photo
            assert left.probability <= left.kept_probability


def test_the_better_claim_wins(store: Store) -> None:
    for number in (0, 1):
        say(store, "is", add_face(store, f"{number}.jpg".encode(), _near(0, number)), "Ada")
    add_photo(store, b"x.jpg", [(Box(10, 10, 50, 50), _near(0, 9)), (Box(100, 10, 50, 50), _near(0, 2))])
    worse, better = (face.id for face in faces.identified(store) if face.path == b"/photos/x.jpg")
    assert train_and_tag(store, WATCHED)
    assert (who(store)[worse], who(store)[better]) == ((None, None), ("Ada", "machine"))
    [left] = audit(store, WATCHED).twice
    assert (left.face.face, left.kept.face, left.person) == (worse, better, "Ada")
    compare(store, "same", worse, better)  # a mirror
    done = train_and_tag(store, WATCHED)
    assert done
    assert done.twice == ()
    assert who(store)[worse] == ("Ada", "machine")
    undo(store)
    say(store, "is", worse, "Ada")  # a human's claim is the better one
    done = train_and_tag(store, WATCHED)
    assert done
    assert [(one.face.face, one.kept.face, one.kept_probability) for one in done.twice] == [(better, worse, 1.0)]
    say(store, "is", better, "Ada")  # and humans may say so of both
    assert who(store)[better] == who(store)[worse] == ("Ada", "human")


def test_a_model_that_another_program_trained_meanwhile_is_used(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While faces were judged by the one before, which is gone with it."""
    ada = [add_face(store, b"ada%d" % number, _near(0, number)) for number in range(4)]
    ben = [add_face(store, b"ben%d" % number, _near(1, number)) for number in range(4)]
    name_faces(store, ada[:2], "Ada")
    train_people(store, Silent())
    times = []

    def slowly(*arguments: Any) -> Any:
        predictions = predict(*arguments)
        times.append(1)
        if len(times) == 1:
            with open_store(store.path) as other:
                name_faces(other, ben[:2], "Ben")
                train_and_tag(other, Silent())
        return predictions

    monkeypatch.setattr(tag, "predict", slowly)
    done = tag_faces(store, Silent())
    newest = usable_model(store)
    assert len(newest.people) == 2 and len(times) == 3
    assert done.faces == 4
    assert {row[0] for row in store.rows("SELECT model FROM guess")} == {newest.id}
    assert who(store)[ben[3]] == ("Ben", "machine")


def test_what_is_said_of_a_face_holds_for_one_that_is_the_same(store: Store) -> None:
    ada, ben = ([add_face(store, f"{axis}/{n}.jpg".encode(), _near(axis, n)) for n in range(4)] for axis in (0, 1))
    say(store, "is", ada[0], "Ada")
    say(store, "is", ben[0], "Ben")
    reject_faces(store, "Ada", [ada[1]])
    compare(store, "same", ada[1], ada[2])
    compare(store, "different", ada[3], ada[0])
    train_and_tag(store, WATCHED)
    assert [who(store)[face] for face in ada[1:]] == [(None, None)] * 3
    assert [who(store)[face] for face in ben[1:]] == [("Ben", "machine")] * 3


def test_what_is_learnt_has_no_memory(simulation: tuple[Path, dict[int, int]], tmp_path: Path) -> None:
    """What was learnt before saves time, and leaves nothing in what is learnt now."""
    copy = tmp_path / "copy.db"
    copy.write_bytes(simulation[0].read_bytes())
    with open_store(copy) as store:
        first = usable_model(store)
        stranger = next(face for face, person in simulation[1].items() if person >= 30)
        person = name_faces(store, [stranger], "A stranger")
        done = train_and_tag(store, WATCHED)
        assert done
        assert done.named > 100
        after, fresh = usable_model(store), fit_model(TaggingInput.read(store))
        assert set(after.people) == {*first.people, person.id}
        assert np.array_equal(after.coef, fresh.coef)
        assert np.array_equal(after.intercept, fresh.intercept)
        assert (after.radius, after.params) == (fresh.radius, json.loads(json.dumps(fresh.params)))
        assert not np.array_equal(after.coef[: len(first.people)], first.coef)
        undo(store)
        train_and_tag(store, WATCHED)
        again = usable_model(store)
        assert np.array_equal(again.coef, first.coef)
        assert np.array_equal(again.intercept, first.intercept)
        assert (again.people, again.radius, again.params) == (first.people, first.radius, first.params)


def test_nothing_is_left_once_nobody_is_named(simulation: tuple[Path, dict[int, int]], tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(simulation[0].read_bytes())
    with open_store(copy) as store:
        train_people(store, WATCHED, precision=0.95)
        assert train_and_tag(store, WATCHED)
        while step_back(store):
            pass
        for table in ("model", "model_class", "guess"):
            assert not store.value(f"SELECT count(*) FROM {table}")
        lone = next(face for face, person in simulation[1].items() if person == 0)
        name_faces(store, [lone], "Ada")
        done = train_and_tag(store, WATCHED)
        assert done
        assert (done.wrong, done.precision) == (None, 0.95)  # that was set by itself
        tagged = [face for face, (name, source) in who(store).items() if source == "machine"]
        assert len(tagged) == done.named > 0
        assert {simulation[1][face] for face in tagged} == {0}


def test_people_have_a_radius_of_their_own_where_faces_tell(simulation: tuple[Path, dict[int, int]]) -> None:
    with open_store(simulation[0]) as store:
        model = usable_model(store)
        assert len(set(model.radius)) > 1
        predictions = predict(store, TaggingInput.read(store), model)
        assert predictions.gallery.radius.tolist() == list(model.radius)


def test_a_model_of_before_reaches_and_curves_still_tags(store: Store) -> None:
    for axis, called in ((0, "Ada"), (1, "Ben")):
        ids = [add_face(store, f"{axis}/{n}.jpg".encode(), _near(axis, n)) for n in range(4)]
        say(store, "is", ids[0], called)
    train_people(store, WATCHED)
    with store.write():
        store.run("UPDATE model_class SET radius = NULL")
        store.run("""UPDATE model SET params = '{"C": 1.0, "classifier": "LinearSVC", "same": 0.4}'""")
    assert tag_faces(store, WATCHED).named == 6
    assert tune(store, WATCHED).calibrated_on == 0
    assert train_and_tag(store, WATCHED) is not None


def test_wrong_use_gets_a_sentence(store: Store) -> None:
    with pytest.raises(TooLittleDataError, match="no photo is indexed yet") as caught:
        TaggingInput.read(store)
    assert caught.value.remedy == IndexFolder()
    face = add_face(store, b"a.jpg", unit(1))
    for job in (tag_faces, tune, audit):
        with pytest.raises(TooLittleDataError, match="no trained model") as caught:
            job(store, WATCHED)
        assert caught.value.remedy == Train()
    assert train_and_tag(store, WATCHED) is None
    say(store, "is", face, "Ada")
    train_people(store, WATCHED)
    engines.register(store, EngineInfo("embedder", "other", "a" * 64, dim=8, thresholds=EMBEDDER.thresholds))
    with pytest.raises(TooLittleDataError, match="no named face was seen by the current embedder"):
        train_people(store, WATCHED)
    for job in (tag_faces, tune, audit):
        with pytest.raises(TooLittleDataError, match="embedder"):
            job(store, WATCHED)
