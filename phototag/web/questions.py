"""The interview: one question after the other, each with its faces, an answer a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from phototag.display import counted, printable
from phototag.errors import PhototagError, UsageError
from phototag.interview.questions import AreTheyOne, IsItAlso, Question, WhoIsIt, WhoIsNot
from phototag.store import faces, photos, unplaced
from phototag.store.connect import Store
from phototag.web import doubts
from phototag.web.desk import Visit
from phototag.web.guard import Form
from phototag.workflows.naming.interview import Sitting
from phototag.workflows.naming.name import Named, left_out

_KINDS = {WhoIsIt: "who", IsItAlso: "also", AreTheyOne: "one", WhoIsNot: "not"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A face to look at, the photo that it is on, and when that was taken, if known."""

    id: int
    photo: int
    taken_at: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """One of two that may be one person; `name`: empty for an unknown group."""

    name: str
    faces: list[Shown]
    total: int


def question(visit: Visit) -> Response:
    """The question that waits for its answer."""
    desk = visit.desk
    with desk.interview.sitting() as sitting:
        asked = desk.interview.asked(sitting)
        stands = str(sitting.standing())
        if asked is None:
            lost, away = len(unplaced.unplaced(visit.store)), photos.count_away(visit.store)
            return visit.page("finished.html", stands=stands, lost=lost, away=away)
        it = asked.question
        likely = [(person, sitting.name(person)) for person in it.likely] if isinstance(it, WhoIsIt) else []
        sides = list(_sides(visit.store, sitting, it)) if isinstance(it, AreTheyOne) else []
        person = sitting.name(it.person) if isinstance(it, IsItAlso | WhoIsNot) else ""
        names = sitting.names()
    return visit.page(
        "question.html",
        stands=stands,
        kind=_KINDS[type(it)],
        number=asked.number,
        person=person,
        likely=likely,
        sides=sides,
        faces=[] if sides else _shown(visit.store, it.shown),
        total=len(it.faces) if not isinstance(it, AreTheyOne) else 0,
        names=names,
    )


def _sides(store: Store, sitting: Sitting, it: AreTheyOne) -> Iterator[Side]:
    shown = set(it.shown)
    for side in it.sides:
        name = sitting.name(side.person) if side.person is not None else ""
        yield Side(name, _shown(store, [face for face in side.faces if face in shown]), len(side.faces))


def _shown(store: Store, ids: Iterable[int]) -> list[Shown]:
    return [Shown(face, *faces.seen(store, face)) for face in ids]


def standing(visit: Visit) -> Response:
    """Where it stands, for the page that waits for new names to be tried."""
    busy = visit.desk.tagger.busy
    with visit.desk.interview.sitting() as sitting:
        return JSONResponse({"busy": busy, "stands": str(sitting.standing())})


def answer(visit: Visit) -> Response:
    """An answer to the question that waits; or the last thing done is undone."""
    form, interview = visit.form, visit.desk.interview
    if form.text("say") == "name" and (page := doubts.doubt(visit)):
        return page  # the question waits
    name = doubts.name(visit)
    with interview.sitting() as sitting:
        if form.text("say") == "undo":
            undone = sitting.undo()
            interview.again()
            return visit.back(undone or "There is nothing to undo.", "/")
        it = interview.answering(form.number("question"))
        try:
            return visit.back(_answered(sitting, it, form, name), "/")
        except PhototagError:
            interview.reopen(it)
            raise


def _answered(sitting: Sitting, it: Question, form: Form, typed: str) -> str:
    """Hand on what was said (`typed`: the name that was), and return it as a sentence."""
    say = form.text("say")
    picked = set(form.numbers("face"))
    without = [] if isinstance(it, AreTheyOne) else [face for face in it.shown if face not in picked]
    if say == "skip":
        sitting.skip(it)
        return "Put off: it comes again at the end."
    if say == "name" or say.startswith("likely-"):
        if not isinstance(it, WhoIsIt | IsItAlso):
            raise UsageError("that question takes a yes or a no")
        name = typed if say == "name" else sitting.name(_likely(it, say))
        if len(without) == len(it.shown):
            raise UsageError("no face is picked that could be them: pick some, or say who it isn't another way")
        return _named(sitting.call(it, name, without))
    if say == "yes":
        if isinstance(it, WhoIsIt):
            raise UsageError("that question takes a name")
        if isinstance(it, AreTheyOne):
            sitting.yes(it)
            return "They are one person."
        if len(without) == len(it.shown):
            sitting.no(it)
            return _are(it, [], f"not {printable(sitting.name(it.person))}")
        sitting.yes(it, without)
        return _are(it, without, printable(sitting.name(it.person)))
    if say == "no" and not isinstance(it, WhoIsIt):
        sitting.no(it)
        if isinstance(it, AreTheyOne):
            return "They are two people."
        return _are(it, [], f"not {printable(sitting.name(it.person))}")
    if isinstance(it, WhoIsIt | IsItAlso):
        if say == "mixed":
            sitting.mixed(it)
            return "Several people: its parts are asked for one by one."
        if say in ("not-a-face", "dont-care"):
            sitting.dismiss(it, "not-a-face" if say == "not-a-face" else "dont-care")
            return _are(it, [], "no faces" if say == "not-a-face" else "put aside")
    raise UsageError("that answer was incomplete: nothing was changed; load the page again")


def _likely(it: Question, say: str) -> int:
    """The person (id) whose button was pressed."""
    for person in it.likely if isinstance(it, WhoIsIt) else ():
        if say == f"likely-{person}":
            return person
    raise UsageError("that answer was incomplete: nothing was changed; load the page again")


def _named(named: Named) -> str:
    are = "is" if named.faces == 1 else "are"
    return f"{counted(named.faces, 'face')} {are} {printable(named.person.name)}. {left_out(named)}".rstrip()


def _are(it: WhoIsIt | IsItAlso | WhoIsNot, without: list[int], what: str) -> str:
    meant = len(it.shown) - len(without) if without else len(it.faces)
    return f"{counted(meant, 'face')} {'is' if meant == 1 else 'are'} {what}."
