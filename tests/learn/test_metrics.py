"""Figures of merit against hand-made sums and against their definitions."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phototag.learn.metrics import PrecisionRecall as Score
from phototag.learn.metrics import b_cubed, pairwise

TRUTH = ["a", "a", "a", "b", "b", "c"]


@pytest.mark.parametrize(
    ("labels", "pairs", "cubed"),
    [
        ([0, 0, 0, 1, 1, 2], Score(1, 1), Score(1, 1)),
        ([0, 0, 0, 0, 0, 0], Score(4 / 15, 1), Score((3 * 3 / 6 + 2 * 2 / 6 + 1 / 6) / 6, 1)),
        ([-1] * 6, Score(1, 0), Score(1, (3 * 1 / 3 + 2 * 1 / 2 + 1) / 6)),
        (
            [0, 0, 1, 1, 1, -1],
            Score(2 / 4, 2 / 4),
            Score((2 + 1 / 3 + 4 / 3 + 1) / 6, (4 / 3 + 1 / 3 + 2 + 1) / 6),
        ),
    ],
)
def test_examples(labels: list[int], pairs: Score, cubed: Score) -> None:
    for found, right in ((pairwise(TRUTH, labels), pairs), (b_cubed(TRUTH, labels), cubed)):
        assert found.precision == pytest.approx(right.precision)
        assert found.recall == pytest.approx(right.recall)


def test_nothing_at_all() -> None:
    for score in (pairwise([], []), b_cubed([], [])):
        assert (score.precision, score.recall, score.f1) == (1, 1, 1)
    assert Score(0, 0).f1 == 0
    assert Score(0.5, 1).f1 == pytest.approx(2 / 3)


FACES = st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 4)), min_size=1, max_size=25)


@given(FACES)
def test_definitions(faces: list[tuple[int, int]]) -> None:
    truth, labels = [who for who, _ in faces], [label for _, label in faces]
    alone = itertools.count(1000)
    group = [label if label >= 0 else next(alone) for label in labels]
    n = range(len(faces))
    cubed = b_cubed(truth, labels)
    both = [sum(truth[i] == truth[j] and group[i] == group[j] for j in n) for i in n]
    assert cubed.precision == pytest.approx(sum(both[i] / group.count(group[i]) for i in n) / len(faces))
    assert cubed.recall == pytest.approx(sum(both[i] / truth.count(truth[i]) for i in n) / len(faces))
    found = [(i, j) for i, j in itertools.combinations(n, 2) if group[i] == group[j]]
    real = [(i, j) for i, j in itertools.combinations(n, 2) if truth[i] == truth[j]]
    hits = len(set(found) & set(real))
    pairs = pairwise(truth, labels)
    assert pairs.precision == pytest.approx(hits / len(found) if found else 1)
    assert pairs.recall == pytest.approx(hits / len(real) if real else 1)
