"""Which question comes next: the one whose answer resolves most faces for what it costs.

An answer is a name, a yes or no, or a face that is picked out. A question resolves, by expectation, the faces that get
a name and haven't the machine's tag for it already; it costs one answer, and one for each face to be picked out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from phototag.review.odds import TWO_NAMES, STRANGERS, log_odds, probability
from phototag.review.questions import SHOWN, AreTheyOne, IsItAlso, Question, Side, WhoIsIt, WhoIsNot
from phototag.review.state import Rows, State, Values

#: A group that so surely is somebody named is asked for by a yes or no: that takes one key instead of a name.
_SURE = 0.9
#: Faces are asked for as somebody's if that is at least so likely.
_LIKELY = 0.5
#: People offered first for a group.
_OFFERED = 5
#: Wrong names to be expected among those that a question shows, for it to be worth asking.
_DOUBTFUL = 0.25


def following(state: State) -> Question | None:
    """The next question; None if there is none, or all were put off."""
    found = [question for question in (_who_is_it(state), _is_it_also(state), _are_they_one(state), _who_is_not(state)) if question]
    return max(found, key=lambda question: question.resolves / question.answers, default=None)


def _worth(state: State) -> Values:
    """(n,) what naming each face resolves: all of an open one, of a tagged one only the doubt about it."""
    return np.where(state.open, np.where(state.accepted, 1 - state.sure, 1.0), 0.0)


def _per_unit(state: State, values: Values) -> Values:
    return np.bincount(state.unit, values, len(state.sizes))


def _who_is_it(state: State) -> Question | None:
    numbers = state.numbers
    if not len(state.sizes):
        return None
    sizes = state.sizes
    meant = state.open
    strays = _per_unit(state, np.where(meant, 1 - state.fits, 0)) * (1 - 1 / np.maximum(sizes, 1))
    resolves = _per_unit(state, np.where(meant, _worth(state) * state.fits, 0)) * _known(state)
    answers = 1 + np.minimum(strays, SHOWN)
    wanted = (sizes > 1) & (_per_unit(state, (state.open & state.later).astype(float)) == 0)
    rate = np.where(wanted, resolves / answers, 0)
    unit = int(rate.argmax())
    if rate[unit] <= 0:
        return None
    rows = state.members(unit)
    rows = rows[meant[rows]]
    faces = _ids(state, rows[np.argsort(-state.fits[rows], kind="stable")])
    if probability(state.odds[unit]) >= _SURE:
        return IsItAlso(int(state.whom[unit]), faces[::-1], float(resolves[unit]), float(answers[unit]))
    return WhoIsIt(state.number(unit), faces, _likely(state, unit), float(resolves[unit]), float(answers[unit]))


def _known(state: State) -> Values:
    """How probably somebody can say who a unit is: those who were met more often, rather."""
    met = np.ones(len(state.sizes))
    met[: len(state.numbers)] = [state.faces.met.get(number, 1) for number in state.numbers.tolist()]
    met[len(state.numbers) :] = np.maximum(state.sizes[len(state.numbers) :], 1)
    met = np.minimum(met, np.maximum(state.sizes, 1))
    return np.asarray(met / (met + 1))


def _likely(state: State, unit: int) -> tuple[int, ...]:
    if not state.people:
        return ()
    similar = state.people_sums @ state.sums[unit] / np.maximum(state.counts, 1)
    best = np.argsort(-similar, kind="stable")[:_OFFERED]
    return tuple(state.people[place] for place in best.tolist() if state.counts[place])


def _is_it_also(state: State) -> Question | None:
    """The best question of this kind: the surest of a person's candidates, as many as raise what an answer resolves."""
    chance = probability(state.odds)
    later = _per_unit(state, (state.open & state.later).astype(float)) > 0
    worth = _per_unit(state, _worth(state) * state.fits)
    strays = _per_unit(state, np.where(state.open, 1 - state.fits, 0)) * (1 - 1 / np.maximum(state.sizes, 1))
    units = np.flatnonzero((state.whom >= 0) & (chance >= _LIKELY) & ~later & (worth > 0))
    if not len(units):
        return None
    units = units[np.lexsort((-chance[units], state.whom[units]))]
    whom, sure, size = state.whom[units], chance[units], np.minimum(state.sizes[units], SHOWN)
    first = np.flatnonzero(np.diff(whom, prepend=-1))
    resolves = _running(worth[units] * sure, first)
    answers = 1 + _running((1 - sure) * size + strays[units], first)
    best = int((resolves / answers).argmax())
    start = int(first[np.searchsorted(first, best, "right") - 1])
    chosen = units[start : best + 1]
    rows = np.flatnonzero(np.isin(state.unit, chosen) & state.open)
    order = np.lexsort((state.fits[rows], chance[state.unit[rows]]))
    return IsItAlso(int(whom[best]), _ids(state, rows[order]), float(resolves[best]), float(answers[best]))


def _running(values: Values, first: Rows) -> Values:
    """Sums up to each value, from the last of the starts in `first`."""
    sums = np.cumsum(values)
    before = np.concatenate([[0.0], sums])[first]
    return np.asarray(sums - np.repeat(before, np.diff(np.append(first, len(values)))))


def _are_they_one(state: State) -> Question | None:
    return None


def _who_is_not(state: State) -> Question | None:
    return None


def _ids(state: State, rows: Rows) -> tuple[int, ...]:
    return tuple(state.faces.ids[rows].tolist())
