"""Which question comes next: the one that resolves most faces for the answers that it needs.

A question resolves, by expectation, the faces that get a name and haven't the machine's tag for it already. It needs
one answer (a name, a yes or a no), and one for each face that has to be picked out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from phototag.interview.library import Flags, Rows, Values
from phototag.interview.odds import TWO_NAMES_LOG_ODDS, log_odds, probability
from phototag.interview.questions import SHOWN, AreTheyOne, IsItAlso, Question, Side, WhoIsIt, WhoIsNot
from phototag.interview.state import InterviewState

#: From this probability of its best person on, a group is asked about by a yes or no, which takes one key, not a name.
_SURE = 0.9
#: Units with this probability of being a person's are candidates for "is it also".
_LIKELY = 0.5
#: People offered first for a group.
_OFFERED = 5
#: Pairs that are tried until one is found that no answer or photo rules out.
_PAIRS_TRIED = 50
#: The least that a face of a group counts, however badly it fits: a group of misfits can still be asked about.
_LEAST_FIT = 0.1
#: Faces that a question has to resolve, by expectation, to be worth asking.
_LEAST_GAIN = 0.25


def next_question(state: InterviewState) -> Question | None:
    """The next question; None if there is none, or all were skipped."""
    found = (_who_is_it(state), _is_it_also(state), _are_they_one(state), _who_is_not(state))
    questions: list[Question] = [question for question in found if question is not None]
    return max(questions, key=lambda question: question.resolves / question.answers, default=None)


# --- what is expected of faces and units ---


def _worth(state: InterviewState) -> Values:
    """(n,) what naming each face resolves: all of an open face, of a tagged one only the doubt about its tag."""
    faces = state.faces
    return np.where(faces.open, np.where(faces.tagged, 1 - faces.guess_probability, 1.0), 0.0)


def _per_unit(state: InterviewState, values: Values) -> Values:
    """Sums by unit of values (n,)."""
    return np.asarray(np.bincount(state.faces.unit, values, len(state.likeness.unit_sizes)), np.float64)


def _strays(state: InterviewState) -> Values:
    """By unit, how many of its faces probably belong to somebody else."""
    misfits = _per_unit(state, np.where(state.faces.open, 1 - state.likeness.fits, 0))
    return misfits * (1 - 1 / np.maximum(state.likeness.unit_sizes, 1))


def _skipped(state: InterviewState) -> Flags:
    """By unit, whether a question about one of its faces was skipped."""
    return np.asarray(_per_unit(state, (state.faces.open & state.faces.skipped).astype(float)) > 0)


def _known(state: InterviewState) -> Values:
    """By unit, the probability m/(m+1) that somebody can say who it is: m appearances, or faces if these are fewer."""
    appearances = state.likeness.unit_sizes.astype(np.float64)
    groups = state.faces.group_numbers.tolist()
    most = [state.faces.appearances.get(group, np.inf) for group in groups]
    appearances[: len(groups)] = np.minimum(appearances[: len(groups)], most)
    return np.asarray(appearances / (appearances + 1))


# --- one question of each kind ---


def _who_is_it(state: InterviewState) -> WhoIsIt | IsItAlso | None:
    """The best group to ask about as a whole."""
    likeness = state.likeness
    if not len(likeness.unit_sizes):
        return None
    resolves = _per_unit(state, _worth(state) * np.maximum(likeness.fits, _LEAST_FIT)) * _known(state)
    answers = 1 + np.minimum(_strays(state), SHOWN)
    wanted = (likeness.unit_sizes > 1) & ~_skipped(state)
    rate = np.where(wanted & (resolves >= _LEAST_GAIN), resolves / answers, 0)
    unit = int(rate.argmax())
    if rate[unit] <= 0:
        return None
    faces = _best_fitting_first(state, state.faces.members(unit))
    gain, cost = float(resolves[unit]), float(answers[unit])
    if probability(likeness.best_odds[unit]) >= _SURE:
        return IsItAlso(int(likeness.best_person[unit]), faces[::-1], gain, cost)
    return WhoIsIt(state.faces.group_number(unit), faces, _likely_people(state, unit), gain, cost)


def _likely_people(state: InterviewState, unit: int) -> tuple[int, ...]:
    """The people (ids) whom a unit resembles most, the most similar first."""
    likeness = state.likeness
    if not likeness.people:
        return ()
    similar = likeness.person_sums @ likeness.unit_sums[unit] / np.maximum(likeness.person_sizes, 1)
    best = np.argsort(-similar, kind="stable")[:_OFFERED]
    return tuple(likeness.people[place] for place in best.tolist() if likeness.person_sizes[place])


def _is_it_also(state: InterviewState) -> IsItAlso | None:
    """The best question about a person's candidates: the surest ones, as many as raise faces by answers.

    Of each group and each single face at least one face is shown, so that nothing is asked about unseen. The other
    faces of its group go with it: how pure groups are was measured.
    """
    likeness = state.likeness
    chance = probability(likeness.best_odds)
    worth = _per_unit(state, _worth(state) * likeness.fits)
    units = np.flatnonzero((likeness.best_person >= 0) & (chance >= _LIKELY) & ~_skipped(state) & (worth > 0))
    if not len(units):
        return None
    units = units[np.lexsort((-chance[units], likeness.best_person[units]))]  # by person, the surest first
    person, sure = likeness.best_person[units], chance[units]
    first = np.flatnonzero(np.diff(person, prepend=-1))
    resolves = _running_sums(worth[units] * sure, first)
    wrong = (1 - sure) * np.minimum(likeness.unit_sizes[units], SHOWN)
    answers = 1 + _running_sums(wrong + _strays(state)[units], first)
    place = np.arange(len(units)) - np.repeat(first, np.diff(np.append(first, len(units))))
    best = int(np.where(place < SHOWN, resolves / answers, 0).argmax())
    if resolves[best] < _LEAST_GAIN:
        return None
    start = int(first[np.searchsorted(first, best, "right") - 1])
    faces = _least_sure_first(state, units[start : best + 1], chance)
    return IsItAlso(int(person[best]), faces, float(resolves[best]), float(answers[best]))


def _least_sure_first(state: InterviewState, units: Rows, chance: Values) -> tuple[int, ...]:
    """The open faces (ids) of some units; if they can't all be shown, one of each unit comes first."""
    unit = state.faces.unit
    rows = np.flatnonzero(np.isin(unit, units) & state.faces.open)
    rows = rows[np.lexsort((state.likeness.fits[rows], chance[unit[rows]]))]
    if len(rows) > SHOWN:
        repeated = np.ones(len(rows), np.bool_)
        repeated[np.unique(unit[rows], return_index=True)[1]] = False
        rows = rows[np.argsort(repeated, kind="stable")]
    return _ids(state, rows)


def _are_they_one(state: InterviewState) -> AreTheyOne | None:
    """The best pair of two people who look alike, or of two skipped groups."""
    pairs = filter(None, (_two_people(state), _two_groups(state)))
    return max(pairs, key=lambda pair: pair.resolves, default=None)


def _two_people(state: InterviewState) -> AreTheyOne | None:
    """Two people who may be the same: then the faces of the one who has fewer have the wrong name."""
    faces, likeness = state.faces, state.likeness
    here = np.flatnonzero(likeness.person_sizes > 0)
    if len(here) < 2:
        return None
    people, sizes = [likeness.people[place] for place in here.tolist()], likeness.person_sizes[here]
    means = likeness.person_sums[here] / sizes[:, None]
    odds = log_odds(means @ means.T, state.thresholds) - TWO_NAMES_LOG_ODDS - np.log(len(people))
    np.fill_diagonal(odds, -np.inf)
    gain = probability(odds) * np.minimum(sizes, sizes[:, None])
    for first, second in _largest(gain, _LEAST_GAIN):
        pair = people[first], people[second]
        if sizes[first] >= sizes[second] and not state.constraints.two_people(*pair):
            one, other = (Side(who, None, _best_fitting_first(state, faces.named(who))) for who in pair)
            if not faces.skipped[faces.rows(other.faces)].any():
                return AreTheyOne((one, other), float(gain[first, second]), 1.0)
    return None


def _two_groups(state: InterviewState) -> AreTheyOne | None:
    """Two skipped groups that may be the same person: then one name does for both."""
    faces, likeness = state.faces, state.likeness
    skipped = np.unique(faces.unit[faces.open & faces.skipped])
    skipped = skipped[likeness.unit_sizes[skipped] > 1]
    if len(skipped) < 2:
        return None
    sizes = likeness.unit_sizes[skipped]
    means = likeness.unit_sums[skipped] / sizes[:, None]
    chance = probability(log_odds(means @ means.T, state.thresholds))
    np.fill_diagonal(chance, 0)
    gain = chance * np.minimum(sizes, sizes[:, None])
    for first, second in _largest(gain, 1):
        units = int(skipped[first]), int(skipped[second])
        if not state.constraints.two_groups(*(faces.members(unit) for unit in units)):
            one, other = (
                Side(None, faces.group_number(unit), _best_fitting_first(state, faces.members(unit))) for unit in units
            )
            return AreTheyOne((one, other), float(gain[first, second]), 1.0)
    return None


def _who_is_not(state: InterviewState) -> WhoIsNot | None:
    """The most doubtful names of the person who has most of them: tags, and labels that no human has looked at."""
    faces = state.faces
    tags = faces.tagged & faces.open
    person = np.where(tags, faces.guess, faces.person)
    labelled_doubt = np.where(faces.person >= 0, 1 - state.likeness.fits, 0.0)
    doubt = np.where(tags, 1 - faces.guess_probability, labelled_doubt)
    rows = np.flatnonzero((person >= 0) & ~faces.reviewed & ~faces.skipped & (doubt > 0))
    rows = rows[np.lexsort((-doubt[rows], person[rows]))]  # by person, the most doubtful first
    if not len(rows):
        return None
    first = np.flatnonzero(np.diff(person[rows], prepend=-1))
    rank = np.arange(len(rows)) - np.repeat(first, np.diff(np.append(first, len(rows))))
    wrong = np.add.reduceat(np.where(rank < SHOWN, doubt[rows], 0), first)
    best = int(wrong.argmax())
    if wrong[best] < _LEAST_GAIN:
        return None
    chosen = rows[first[best] : first[best] + SHOWN]
    chosen = chosen[person[chosen] == person[rows[first[best]]]]
    return WhoIsNot(int(person[chosen[0]]), _ids(state, chosen), float(wrong[best]), float(1 + wrong[best]))


# --- helpers ---


def _running_sums(values: Values, first: Rows) -> Values:
    """Cumulative sums that begin anew at each index in `first`."""
    sums = np.cumsum(values)
    before = np.concatenate([[0.0], sums])[first]
    return np.asarray(sums - np.repeat(before, np.diff(np.append(first, len(values)))))


def _largest(gain: Values, least: float) -> Iterator[tuple[int, int]]:
    """The indices of the largest values of a matrix, down to `least`, largest first."""
    for flat in np.argsort(-gain, axis=None, kind="stable")[:_PAIRS_TRIED].tolist():
        if gain.flat[flat] < least:
            return
        first, second = np.unravel_index(flat, gain.shape)
        yield int(first), int(second)


def _best_fitting_first(state: InterviewState, rows: Rows) -> tuple[int, ...]:
    return _ids(state, rows[np.argsort(-state.likeness.fits[rows], kind="stable")])


def _ids(state: InterviewState, rows: Rows) -> tuple[int, ...]:
    return tuple(state.faces.ids[rows].tolist())
