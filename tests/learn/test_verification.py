"""Thresholds found by counting, against sums made by hand and against scikit-learn's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from phototag.errors import UsageError
from phototag.interop.lfw_pairs import PhotoPair, parse
from phototag.learn import score_normalisation, verification
from phototag.learn.balanced_pairs import draw_balanced_pairs
from phototag.learn.score_normalisation import normalised_pairs
from phototag.learn.verification import (
    PairHistogram,
    all_pairs,
    cross_validated_accuracy,
    distances,
    hardest_pairs,
    listed_pairs,
    same_person_probability,
)
from phototag.types import Thresholds, Vectors
from tests.support.simulated_people import centres, faces

CURVE = Thresholds(same=0.5, split=0.5, join=0.5, midpoint=0.6, slope=20)


def faces_of_people(people: int, each: int, spread: float = 1.2) -> tuple[Vectors, list[str]]:
    """Faces that overlap: no threshold tells all of them apart."""
    vectors = np.concatenate([faces(centre, each, seed, spread) for seed, centre in enumerate(centres(people))])
    return vectors, [f"person {number // each}" for number in range(people * each)]


def every(vectors: Vectors, names: list[str]) -> tuple[list[float], list[bool]]:
    pairs = list(itertools.combinations(range(len(names)), 2))
    return (
        [float(np.linalg.norm(vectors[i] - vectors[j])) for i, j in pairs],
        [names[i] == names[j] for i, j in pairs],
    )


def test_each_pair_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "_BLOCK", 7)  # so that pairs lie within blocks, across them and in a rest
    vectors, names = faces_of_people(5, 6)
    apart, same = every(vectors, names)
    pairs = all_pairs(vectors, names)
    assert int(pairs.same.sum()) == sum(same) == 5 * 15
    assert int(pairs.different.sum()) == len(same) - sum(same) == 30 * 29 // 2 - 75
    for threshold in (0.7, 0.9, 1.1):
        point = pairs.sweep().near(threshold)
        assert point.tar == pytest.approx(np.mean([d < threshold for d, s in zip(apart, same, strict=True) if s]))
        assert point.far == pytest.approx(np.mean([d < threshold for d, s in zip(apart, same, strict=True) if not s]))


def test_f1_and_accuracy_are_those_of_the_field() -> None:
    vectors, names = faces_of_people(6, 5)
    apart, same = every(vectors, names)
    sweep = all_pairs(vectors, names).sweep()
    thresholds = np.arange(0.3, 1.4, 0.01)  # as the write-ups sweep
    scores = [f1_score(same, np.array(apart) < threshold) for threshold in thresholds]
    for threshold, score in zip(thresholds, scores, strict=True):
        point = sweep.near(float(threshold))
        assert point.f1 == pytest.approx(score, abs=1e-9)
        assert point.accuracy == pytest.approx(accuracy_score(same, np.array(apart) < threshold), abs=1e-9)
    best = sweep.best()
    assert best.f1 >= max(scores) and best.threshold == pytest.approx(float(thresholds[np.argmax(scores)]), abs=0.02)


def test_the_threshold_lies_in_the_middle_of_the_gap() -> None:
    pairs = listed_pairs(np.array([0.1, 0.3, 0.7, 0.9]), np.array([True, True, False, False]), np.zeros(4, np.int64))
    for figure in ("f1", "accuracy"):
        best = pairs.sweep().best(figure)
        assert best.threshold == pytest.approx(0.5, abs=0.001)
        assert (best.f1, best.accuracy, best.tar, best.far) == (1, 1, 1, 0)


def test_true_accepts_at_a_wanted_share_of_false_ones() -> None:
    apart = np.concatenate([np.linspace(0.2, 0.6, 100), np.linspace(0.5, 1.5, 1000)])
    sweep = listed_pairs(apart, np.arange(1100) < 100, np.zeros(1100, np.int64)).sweep()
    for wanted in (0.001, 0.01, 0.05):
        point = sweep.at_far(wanted)
        assert point.far <= wanted < sweep.near(point.threshold + verification.STEP).far
        assert point.tar == np.mean(apart[:100] < point.threshold)
    assert sweep.at_far(0).threshold == pytest.approx(0.5, abs=0.001)


def test_a_fold_is_judged_by_the_others() -> None:
    """Nine folds part at 0.5; the tenth, whose pairs part at 1.0, gets half of its pairs wrong all the same."""
    apart = np.array([0.4, 0.6] * 9 + [0.9, 1.1])
    same = np.array([True, False] * 10)
    found = cross_validated_accuracy(listed_pairs(apart, same, np.arange(20) // 2))
    assert found.mean == pytest.approx(0.95)
    assert found.error == pytest.approx(np.std([1] * 9 + [0.5], ddof=1) / np.sqrt(10))
    assert found.threshold == pytest.approx(0.5, abs=0.01)


def test_folds_have_people_of_their_own_where_pairs_are_balanced() -> None:
    names = [f"{number % 40}" for number in range(160)] + [f"alone {number}" for number in range(20)]
    rows, same, fold = draw_balanced_pairs(names, each=12)
    assert rows.shape == (240, 2) and same.sum() == 120
    assert [int((fold == number).sum()) for number in range(10)] == [24] * 10
    owners = np.array(names)[rows]
    assert ((owners[:, 0] == owners[:, 1]) == same).all() and (rows[:, 0] < rows[:, 1]).all()
    assert len({tuple(row) for row in rows.tolist()}) == 240
    of = [set(owners[fold == number].ravel()) for number in range(10)]
    assert all(not one & other for one, other in itertools.combinations(of, 2))
    assert (draw_balanced_pairs(names, each=12)[0] == rows).all()
    assert not (draw_balanced_pairs(names, each=12, seed=1)[0] == rows).all()


@pytest.mark.parametrize("names", [[], ["a"], ["a", "a"], ["a", "b"], ["a", "a", "b"], ["a", "a", "b", "b"]])
def test_too_few_people_for_balanced_pairs(names: list[str]) -> None:
    rows, same, fold = draw_balanced_pairs(names)
    assert len(rows) == len(same) == len(fold) and same.sum() * 2 == len(same)


def test_folds_of_all_pairs_hold_every_pair() -> None:
    vectors, names = faces_of_people(12, 4)
    pairs = all_pairs(vectors, names)
    assert pairs.same.shape == (10, 20_000)
    assert (pairs.same.sum(axis=1) > 0).all()  # every fold has people of its own
    one = all_pairs(vectors, names, folds=1)
    assert (pairs.same.sum(axis=0) == one.same[0]).all() and (pairs.different.sum(axis=0) == one.different[0]).all()
    assert 0.7 < cross_validated_accuracy(pairs, "f1").mean <= pairs.sweep().best("accuracy").accuracy


def test_a_handful_of_people_is_judged_by_pairs_of_both_kinds() -> None:
    """With folds of people, all pairs of two would lie in one, whose threshold nothing would bound."""
    vectors, names = faces_of_people(2, 4, spread=0.3)
    found = cross_validated_accuracy(all_pairs(vectors, names), "f1")
    assert found.mean == 1 and found.error == 0


def test_nothing_to_compare() -> None:
    empty = np.zeros((0, 8), np.float32)
    assert all_pairs(empty, []).same.sum() == 0
    assert hardest_pairs(empty, [], 3) == ([], [])
    assert np.isnan(
        cross_validated_accuracy(PairHistogram(np.zeros((2, 20_000), np.int64), np.zeros((2, 20_000), np.int64))).error
    )
    assert all_pairs(np.ones((1, 1), np.float32), ["a"]).sweep().best().f1 == 0


def test_equal_and_opposite_faces() -> None:
    vectors = np.array([[1, 0], [1, 0], [-1, 0]], np.float32)
    assert distances(vectors, vectors)[0].tolist() == [0, 0, 2]
    pairs = all_pairs(vectors, ["a", "a", "b"])
    assert pairs.same.sum(axis=0)[0] == 1 and pairs.different.sum(axis=0)[-1] == 2


def test_probability_is_even_at_the_midpoint() -> None:
    assert same_person_probability(0.6, CURVE) == pytest.approx(0.5)
    assert same_person_probability(0.5, CURVE) == pytest.approx(1 / (1 + np.exp(-2)))
    assert 0 <= same_person_probability(2, CURVE) < 1e-9 < 1 - 1e-4 < same_person_probability(0, CURVE) <= 1


def test_the_pairs_that_are_hardest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "_BLOCK", 7)
    vectors, names = faces_of_people(5, 6)
    pairs = list(itertools.combinations(range(30), 2))
    apart = {(i, j): float(np.linalg.norm(vectors[i] - vectors[j])) for i, j in pairs}
    alike, unlike = hardest_pairs(vectors, names, 4)
    strangers = sorted((pair for pair in pairs if names[pair[0]] != names[pair[1]]), key=apart.__getitem__)
    own = sorted((pair for pair in pairs if names[pair[0]] == names[pair[1]]), key=apart.__getitem__, reverse=True)
    assert [pair[:2] for pair in alike] == strangers[:4]
    assert [pair[:2] for pair in unlike] == own[:4]
    assert alike[0][2] == pytest.approx(apart[strangers[0]], abs=1e-5)


def test_faces_that_look_like_everybodys_are_weighed_by_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the faces are drawn towards one direction, as blurred ones are: strangers among them come near."""
    monkeypatch.setattr(score_normalisation, "_STRANGERS", 20)
    vectors, names = faces_of_people(60, 4, spread=1.0)
    vectors[::2] += 0.8 * centres(1, seed=5)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = normalised_pairs(vectors, names)
    assert found is not None
    again, plain = (pairs.sweep() for pairs in found)
    assert again.at_far(1e-3).tar > plain.at_far(1e-3).tar + 0.05
    assert again.same.sum() == plain.same.sum() == 60 * 6
    assert again.different.sum() == plain.different.sum() == 2 * (120 * 119 // 2) - 60 * 6
    assert normalised_pairs(vectors[:60], names[:60]) is None  # too few strangers in half of them


# --- LFW's list ---

LIST = "2\t1\nAda\t1\t4\nAda\t1\tBen\t2\nCy\t2\t3\nCy\t1\tDee\t1\n"


def test_pairs_as_lfw_lists_them() -> None:
    assert parse(LIST, "pairs.txt") == [
        PhotoPair(("Ada", 1), ("Ada", 4), 0),
        PhotoPair(("Ada", 1), ("Ben", 2), 0),
        PhotoPair(("Cy", 2), ("Cy", 3), 1),
        PhotoPair(("Cy", 1), ("Dee", 1), 1),
    ]
    assert [pair.same for pair in parse(LIST, "pairs.txt")] == [True, False, True, False]
    spaced = parse(LIST.replace("\t", " "), "pairs.txt")
    assert spaced == parse(LIST, "pairs.txt")


def test_a_list_without_folds_is_dealt_out() -> None:
    text = "15\n" + "Ada\t1\t4\n" * 15 + "Ada\t1\tBen\t2\n" * 15
    pairs = parse(text, "pairsDevTest.txt")
    assert len(pairs) == 30
    assert {pair.fold for pair in pairs} == set(range(10))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1"),
        ("ten\n", "line 1"),
        ("0\t3\n", "line 1"),
        ("1 2 3\n", "line 1"),
        ("1\t1\nAda\t1\t4\nAda\t1\n", "line 3"),
        ("1\t1\nAda\tone\t4\nAda\t1\tBen\t2\n", "line 2"),
        ("1\t1\nAda\t1\tBen\t2\tCy\t3\nAda\t1\t4\n", "line 2"),
        ("1\t2\nAda\t1\t4\nAda\t1\tBen\t2\n", "must list 4 pairs"),
    ],
)
def test_other_lists_are_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse(text, "pairs.txt")
