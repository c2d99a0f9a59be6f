"""History: what was answered, and how it is undone and redone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from phototag.display import counted, first_of, printable
from phototag.errors import UsageError
from phototag.remedies import Show
from phototag.store import changes, history
from phototag.store.changes import FaceState, PersonState
from phototag.store.connect import Store
from phototag.store.history import Answer, Part
from phototag.types import Origin

#: How many answers' numbers are listed.
_NUMBERS = 8


@dataclass(frozen=True, slots=True)
class Change:
    """What an undo changes, as a sentence, and the faces (subjects) that it changes it for, if it is about faces."""

    text: str
    faces: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did, or would do.

    `number`: of the undo itself, None if nothing stood. `answers`: those that are undone, or redone; of a single one,
    `what` it said, in words. `decisions`: how many decisions that were. `redone`: it undid an undo. `changes`: which
    faces are whose now, and who comes and goes. If nothing stood: `undone_by` is the undo that had undone it, and
    `forgotten` whether it was about a person who was forgotten for good.
    """

    number: int | None
    answers: tuple[int, ...] = ()
    what: str = ""
    decisions: int = 0
    redone: bool = False
    changes: tuple[Change, ...] = ()
    undone_by: int | None = None
    forgotten: bool = False

    def __str__(self) -> str:
        """`Undid answer 12: 24 faces are Ada.`"""
        if self.number is None:
            if not self.answers:
                return "There is nothing to undo."
            if self.forgotten:
                return f"Answer {self.answers[0]} spoke of somebody who was forgotten: nothing brings that back."
            return f"Answer {self.answers[0]} is undone already, by answer {self.undone_by}: undo that to redo it."
        return f"{'Redid' if self.redone else 'Undid'} {self.which}."

    @property
    def in_full(self) -> str:
        """What was undone, and all that it changed."""
        return " ".join([str(self), *map(str, self.changes)])

    @property
    def which(self) -> str:
        """`answer 12: 24 faces are Ada`."""
        numbers = first_of(list(map(str, self.answers)), _NUMBERS)
        return f"answer{'s' if len(self.answers) > 1 else ''} {numbers}" + (f": {self.what}" if self.what else "")


def undo(store: Store, answer: int | None = None, origin: Origin = "typed", *, try_only: bool = False) -> Undone:
    """Undo one answer, by default the last one; an undo is an answer, too, and undoing it is a redo.

    `try_only`: say what it would change, and change nothing. Raises UsageError if there is no such answer, or if
    somebody would get a name back that is another's by now.
    """
    with store.write():
        if answer is None:
            answer = history.last_undoable(store)
            if answer is None:
                return Undone(None)
        elif not history.exists(store, answer):
            raise UsageError(f"there is no answer {answer}", Show("answers"))
        if not history.stands(store, answer):
            return _undone_already(store, answer)
        return _undo(store, [answer], origin, try_only)


def undo_since(store: Store, when: datetime, origin: Origin = "typed", *, try_only: bool = False) -> Undone:
    """Undo, as one, all that was answered, undone and redone since a time (with its time zone).

    Raises UsageError if somebody would get a name back that is another's by now.
    """
    with store.write():
        answers = history.undoable_since(store, when)
        return _undo(store, answers, origin, try_only) if answers else Undone(None)


def _undo(store: Store, answers: Sequence[int], origin: Origin, try_only: bool) -> Undone:
    """Undo it twice: first only as an attempt, to know what to compare before and after."""
    with store.write():
        with store.attempt():
            history.undo(store, *answers, origin=origin)
            number = history.last_undoable(store) or 0
            affected = changes.affected(store, number)
            after = changes.state_of(store, affected)
        before = changes.state_of(store, affected)
        parts = [part for answer in answers for one in history.answers(store, number=answer) for part in one.parts]
        count = len(affected.rows) if try_only else history.undo(store, *answers, origin=origin)
    # Undoing an undo is about the answer that it had undone.
    roots = tuple(dict.fromkeys(part.of for part in parts if part.of is not None)) if len(answers) == 1 else ()
    roots = roots or tuple(answers)
    return Undone(
        number,
        answers=roots,
        what=describe(next(history.answers(store, number=roots[0]))) if len(roots) == 1 else "",
        decisions=count,
        redone=len(answers) == 1 and any(part.verb == "undo" and not part.redo for part in parts),
        changes=tuple(_changes(before, after)),
    )


def _changes(before: changes.AffectedState, after: changes.AffectedState) -> Iterator[Change]:
    """What differs before and after, as sentences that fit a dry run as well; those about most faces first."""
    moves: dict[str, list[int]] = defaultdict(list)
    for face, state in before.faces.items():
        old, new = _label(state), _label(after.faces[face])
        if old != new:
            moves[f"{new} instead of {old}"].append(face)
    rejected: dict[str, list[int]] = defaultdict(list)
    for face, name in sorted(after.rejected - before.rejected):
        rejected[f"not {printable(name)}"].append(face)
    for face, name in sorted(before.rejected - after.rejected):
        rejected[f"no longer said not to be {printable(name)}"].append(face)
    for changed in (moves, rejected):
        for what, found in sorted(changed.items(), key=lambda one: (-len(one[1]), one[0])):
            yield Change(f"{counted(len(found), 'face')}: {what}.", tuple(found))
    for person, old_person in before.people.items():
        yield from map(Change, _person(old_person, after.people[person]))
    for prefix, pairs in (("no longer said to be ", before.pairs - after.pairs), ("", after.pairs - before.pairs)):
        for verb, *two in sorted(pairs):
            yield Change(f"2 faces: {prefix}{'one person' if verb == 'same' else 'two people'}.", tuple(two))


def _label(state: FaceState) -> str:
    if not state.present:
        return "not in the photo"
    if state.person is not None:
        return printable(state.person)
    return {"not-a-face": "not a face", "dont-care": "ignored"}.get(state.verb or "", "unknown")


def _person(old: PersonState, new: PersonState) -> Iterator[str]:
    name, other = printable(old.name), printable(new.name)
    if old.there and not new.there:
        yield f"{name}: the same person as {printable(new.into)}." if new.into else f"{name}: the name goes."
    elif new.there and not old.there:
        yield f"{other}: somebody else than {printable(old.into)}." if old.into else f"{other}: the name comes back."
    elif old.into != new.into and new.into:
        yield f"{name}: the same person as {printable(new.into)}."
    if old.name != new.name:
        yield f"{name}: called {other}."
    if new.there and old.hidden != new.hidden:
        yield f"{other}: {'hidden' if new.hidden else 'shown again'}."


def describe_in_full(store: Store, answer: Answer) -> str:
    """What an answer said; of an undo, also what the answer said that it undid or redid."""
    of = {part.of for part in answer.parts if part.of is not None}
    if len(of) != 1 or _forgets(answer):
        return describe(answer)
    return f"{describe(answer)}: {describe(next(history.answers(store, number=of.pop())))}"


def _undone_already(store: Store, answer: int) -> Undone:
    """The result for an answer that is undone already."""
    by = next(history.answers(store, number=answer)).undone_by
    return Undone(
        None, (answer,), undone_by=by, forgotten=by is not None and _forgets(next(history.answers(store, number=by)))
    )


def _forgets(answer: Answer) -> bool:
    """Whether an answer says that somebody was forgotten for good."""
    return any(part.verb == "undo" and part.person is not None for part in answer.parts)


def describe(answer: Answer) -> str:
    """What an answer said: `24 faces are Ada, 2 faces are not Ada`."""
    # Beside a merge or a split, the other parts only repeat it for each face.
    main = [part for part in answer.parts if part.verb in ("merge", "split")]
    undos = dict.fromkeys((part.of, part.redo) for part in answer.parts if part.verb == "undo" and part.person is None)
    if undos:
        return _describe_undos(list(undos))
    return ", ".join(dict.fromkeys(map(_describe_part, main or answer.parts)))


def _describe_undos(of: Sequence[tuple[int | None, bool]]) -> str:
    phrases = []
    for redo in (False, True):
        numbers = [str(number) for number, again in of if again == redo]
        if numbers:
            answers = f"answer{'s' if len(numbers) > 1 else ''} {first_of(numbers, _NUMBERS)}"
            phrases.append(f"{answers} {'redone' if redo else 'undone'}")
    return ", ".join(phrases)


def _describe_part(part: Part) -> str:
    faces, are = counted(part.faces, "face"), "is" if part.faces == 1 else "are"
    who, other = printable(part.person or "somebody"), printable(part.other_person or "somebody else")
    if part.verb == "undo" and part.person is not None:
        return f"{who} was forgotten for good"
    if part.verb == "different":
        return f"{who} and {other} are two people" if part.person else "two faces are two people's"
    return {
        "is": f"{faces} {are} {who}",
        "is-not": f"{faces} {are} not {who}",
        "same": "two faces are one person's",
        "a-face": f"{faces} shown by hand",
        "not-a-face": f"{faces} {are} no face" + ("" if part.faces == 1 else "s"),
        "dont-care": f"{faces} ignored",
        "rename": f"{who} is called {printable(part.name or '')}",
        "merge": f"{who} is {other}",
        "split": f"some of {who}'s faces are {other}'s",
        "hide": f"{who} is hidden",
        "show": f"{who} is shown again",
        "undo": f"answer {part.of} {'redone' if part.redo else 'undone'}",
    }[part.verb]
