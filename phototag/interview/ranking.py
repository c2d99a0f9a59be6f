"""Which question comes next: the one whose answer resolves most faces for what it costs.

An answer is a name, a yes or no, or a face that is picked out. A question resolves, by expectation, the faces that get
a name and haven't the machine's tag for it already; it costs one answer, and one for each face to be picked out.
"""

from __future__ import annotations

import numpy as np

from phototag.interview.library import Rows, Values
from phototag.interview.odds import TWO_NAMES, log_odds, probability
from phototag.interview.questions import SHOWN, AreTheyOne, IsItAlso, Question, Side, WhoIsIt, WhoIsNot
from phototag.interview.state import InterviewState

#: A group that so surely is somebody named is asked for by a yes or no: that takes one key instead of a name.
_SURE = 0.9
#: Faces are asked for as somebody's if that is at least so likely.
_LIKELY = 0.5
#: People offered first for a group.
_OFFERED = 5
#: Pairs that are tried until one is found of which nothing was said.
_ALIKE = 50
#: A face resolves at least so much: of a group that hardly anybody fits the parts can be asked about.
_APART = 0.1
#: Faces that a question has to resolve, by expectation, to be worth asking.
_LEAST = 0.25


def next_question(state: InterviewState) -> Question | None:
    """The next question; None if there is none, or all were put off."""
    found = [
        question
        for question in (_who_is_it(state), _is_it_also(state), _are_they_one(state), _who_is_not(state))
        if question
    ]
    return max(found, key=lambda question: question.resolves / question.answers, default=None)


def _worth(state: InterviewState) -> Values:
    """(n,) what naming each face resolves: all of an open one, of a tagged one only the doubt about it."""
    return np.where(state.open, np.where(state.tagged, 1 - state.guess_probability, 1.0), 0.0)


def _per_unit(state: InterviewState, values: Values) -> Values:
    return np.asarray(np.bincount(state.unit, values, len(state.sizes)), np.float64)


def _who_is_it(state: InterviewState) -> Question | None:
    if not len(state.sizes):
        return None
    sizes = state.sizes
    strays = _per_unit(state, np.where(state.open, 1 - state.fits, 0)) * (1 - 1 / np.maximum(sizes, 1))
    resolves = _per_unit(state, _worth(state) * np.maximum(state.fits, _APART)) * _known(state)
    answers = 1 + np.minimum(strays, SHOWN)
    wanted = (sizes > 1) & (_per_unit(state, (state.open & state.later).astype(float)) == 0)
    rate = np.where(wanted & (resolves >= _LEAST), resolves / answers, 0)
    unit = int(rate.argmax())
    if rate[unit] <= 0:
        return None
    rows = state.members(unit)
    faces = _ids(state, rows[np.argsort(-state.fits[rows], kind="stable")])
    if probability(state.odds[unit]) >= _SURE:
        return IsItAlso(int(state.whom[unit]), faces[::-1], float(resolves[unit]), float(answers[unit]))
    return WhoIsIt(state.number(unit), faces, _likely(state, unit), float(resolves[unit]), float(answers[unit]))


def _known(state: InterviewState) -> Values:
    """How probably somebody can say who a unit is: those who were met more often, rather."""
    met = state.sizes.astype(np.float64)
    groups = state.numbers.tolist()
    met[: len(groups)] = np.minimum(met[: len(groups)], [state.faces.met.get(group, np.inf) for group in groups])
    return np.asarray(met / (met + 1))


def _likely(state: InterviewState, unit: int) -> tuple[int, ...]:
    if not state.people:
        return ()
    similar = state.people_sums @ state.sums[unit] / np.maximum(state.counts, 1)
    best = np.argsort(-similar, kind="stable")[:_OFFERED]
    return tuple(state.people[place] for place in best.tolist() if state.counts[place])


def _is_it_also(state: InterviewState) -> Question | None:
    """The best question of this kind: the surest of a person's candidates, as many as raise what an answer resolves.

    No group and no lone face is asked about unseen: of each at least one face is shown. Its others lie with that one
    for a reason that was measured, how pure groups are; there is none for a face that nobody sees.
    """
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
    place = np.arange(len(units)) - np.repeat(first, np.diff(np.append(first, len(units))))
    best = int(np.where(place < SHOWN, resolves / answers, 0).argmax())
    if resolves[best] < _LEAST:
        return None
    start = int(first[np.searchsorted(first, best, "right") - 1])
    chosen = units[start : best + 1]
    rows = np.flatnonzero(np.isin(state.unit, chosen) & state.open)
    rows = rows[np.lexsort((state.fits[rows], chance[state.unit[rows]]))]
    if len(rows) > SHOWN:
        again = np.ones(len(rows), np.bool_)
        again[np.unique(state.unit[rows], return_index=True)[1]] = False
        rows = rows[np.argsort(again, kind="stable")]
    return IsItAlso(int(whom[best]), _ids(state, rows), float(resolves[best]), float(answers[best]))


def _running(values: Values, first: Rows) -> Values:
    """Sums up to each value, from the last of the starts in `first`."""
    sums = np.cumsum(values)
    before = np.concatenate([[0.0], sums])[first]
    return np.asarray(sums - np.repeat(before, np.diff(np.append(first, len(values)))))


def _are_they_one(state: InterviewState) -> Question | None:
    """Two people who look alike, or two groups whose names nobody knew: each with whom it looks like most."""
    pairs = [pair for pair in (_two_people(state), _two_groups(state)) if pair]
    return max(pairs, key=lambda pair: pair.resolves, default=None)


def _two_people(state: InterviewState) -> AreTheyOne | None:
    """If they are one, the faces of the one who has fewer have the wrong name."""
    here = np.flatnonzero(state.counts > 0)
    if len(here) < 2:
        return None
    people, counts = [state.people[place] for place in here.tolist()], state.counts[here]
    means = state.people_sums[here] / counts[:, None]
    odds = log_odds(means @ means.T, state.thresholds) - TWO_NAMES - np.log(len(people))
    np.fill_diagonal(odds, -np.inf)
    gain = probability(odds) * np.minimum(counts, counts[:, None])
    for flat in np.argsort(-gain, axis=None, kind="stable")[:_ALIKE].tolist():
        first, second = np.unravel_index(flat, gain.shape)
        if gain[first, second] < _LEAST:
            break
        pair = people[int(first)], people[int(second)]
        if counts[first] >= counts[second] and not state.two_people(*pair):
            sides = (
                Side(pair[0], None, _typical(state, state.named(pair[0]))),
                Side(pair[1], None, _typical(state, state.named(pair[1]))),
            )
            if not state.later[state.rows(sides[1].faces)].any():
                return AreTheyOne(sides, float(gain[first, second]), 1.0)
    return None


def _two_groups(state: InterviewState) -> AreTheyOne | None:
    """Groups that were put off: one name would do for both."""
    put_off = np.unique(state.unit[state.open & state.later])
    put_off = put_off[state.sizes[put_off] > 1]
    if len(put_off) < 2:
        return None
    sizes = state.sizes[put_off]
    means = state.sums[put_off] / sizes[:, None]
    chance = probability(log_odds(means @ means.T, state.thresholds))
    np.fill_diagonal(chance, 0)
    gain = chance * np.minimum(sizes, sizes[:, None])
    for flat in np.argsort(-gain, axis=None, kind="stable")[:_ALIKE].tolist():
        first, second = (put_off[place] for place in np.unravel_index(flat, gain.shape))
        if gain.flat[flat] < 1:
            break
        rows = [state.members(int(unit)) for unit in (first, second)]
        if not state.two_groups(*rows):
            sides = tuple(
                Side(None, state.number(int(unit)), _typical(state, members))
                for unit, members in zip((first, second), rows, strict=True)
            )
            return AreTheyOne((sides[0], sides[1]), float(gain.flat[flat]), 1.0)
    return None


def _typical(state: InterviewState, rows: Rows) -> tuple[int, ...]:
    return _ids(state, rows[np.argsort(-state.fits[rows], kind="stable")])


def _who_is_not(state: InterviewState) -> Question | None:
    """Of the person with most doubtful names the faces that fit least: the machine's tags, and what nobody looked at
    when it was named."""
    tags = state.tagged & state.open
    person = np.where(tags, state.guess, state.person)
    doubt = np.where(tags, 1 - state.guess_probability, np.where(state.person >= 0, 1 - state.fits, 0.0))
    rows = np.flatnonzero((person >= 0) & ~state.seen & ~state.later & (doubt > 0))
    rows = rows[np.lexsort((-doubt[rows], person[rows]))]
    if not len(rows):
        return None
    first = np.flatnonzero(np.diff(person[rows], prepend=-1))
    rank = np.arange(len(rows)) - np.repeat(first, np.diff(np.append(first, len(rows))))
    wrong = np.add.reduceat(np.where(rank < SHOWN, doubt[rows], 0), first)
    best = int(wrong.argmax())
    if wrong[best] < _LEAST:
        return None
    chosen = rows[first[best] : first[best] + SHOWN]
    chosen = chosen[person[chosen] == person[rows[first[best]]]]
    return WhoIsNot(int(person[chosen[0]]), _ids(state, chosen), float(wrong[best]), float(1 + wrong[best]))


def _ids(state: InterviewState, rows: Rows) -> tuple[int, ...]:
    return tuple(state.faces.ids[rows].tolist())
