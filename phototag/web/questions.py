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
from phototag.web import did_you_mean
from phototag.web.app_state import RequestContext
from phototag.web.guard import Form
from phototag.workflows.naming.interview import InterviewSession
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


def question(context: RequestContext) -> Response:
    """The question that waits for its answer."""
    state = context.state
    with state.interview.session() as session:
        asked = state.interview.asked(session)
        progress = str(session.progress())
        if asked is None:
            lost, away = len(unplaced.unplaced(context.store)), photos.count_away(context.store)
            return context.page("finished.html", progress=progress, lost=lost, away=away)
        it = asked.question
        likely = [(person, session.name(person)) for person in it.likely] if isinstance(it, WhoIsIt) else []
        sides = list(_sides(context.store, session, it)) if isinstance(it, AreTheyOne) else []
        person = session.name(it.person) if isinstance(it, IsItAlso | WhoIsNot) else ""
        names = session.names()
    return context.page(
        "question.html",
        progress=progress,
        kind=_KINDS[type(it)],
        number=asked.number,
        person=person,
        likely=likely,
        sides=sides,
        faces=[] if sides else _shown(context.store, it.shown),
        total=len(it.faces) if not isinstance(it, AreTheyOne) else 0,
        names=names,
    )


def _sides(store: Store, session: InterviewSession, it: AreTheyOne) -> Iterator[Side]:
    shown = set(it.shown)
    for side in it.sides:
        name = session.name(side.person) if side.person is not None else ""
        yield Side(name, _shown(store, [face for face in side.faces if face in shown]), len(side.faces))


def _shown(store: Store, ids: Iterable[int]) -> list[Shown]:
    return [Shown(face, *faces.photo_and_date(store, face)) for face in ids]


def progress(context: RequestContext) -> Response:
    """Where it stands, for the page that waits for new names to be tried."""
    busy = context.state.tagger.busy
    with context.state.interview.session() as session:
        return JSONResponse({"busy": busy, "progress": str(session.progress())})


def answer(context: RequestContext) -> Response:
    """An answer to the question that waits; or the last thing done is undone."""
    form, interview = context.form, context.state.interview
    if form.text("say") == "name" and (page := did_you_mean.ask_if_near(context)):
        return page  # the question waits
    name = did_you_mean.chosen_name(context)
    with interview.session() as session:
        if form.text("say") == "undo":
            undone = session.undo()
            interview.again()
            return context.back(undone or "There is nothing to undo.", "/")
        it = interview.answering(form.number("question"))
        try:
            return context.back(_answered(session, it, form, name), "/")
        except PhototagError:
            interview.reopen(it)
            raise


def _answered(session: InterviewSession, it: Question, form: Form, typed: str) -> str:
    """Hand on what was said (`typed`: the name that was), and return it as a sentence."""
    say = form.text("say")
    picked = set(form.numbers("face"))
    without = [] if isinstance(it, AreTheyOne) else [face for face in it.shown if face not in picked]
    if say == "skip":
        session.skip(it)
        return "Put off: it comes again at the end."
    if say == "name" or say.startswith("likely-"):
        if not isinstance(it, WhoIsIt | IsItAlso):
            raise UsageError("that question takes a yes or a no")
        name = typed if say == "name" else session.name(_likely(it, say))
        if len(without) == len(it.shown):
            raise UsageError("no face is picked that could be them: pick some, or say who it isn't another way")
        return _named(session.call(it, name, without))
    if say == "yes":
        if isinstance(it, WhoIsIt):
            raise UsageError("that question takes a name")
        if isinstance(it, AreTheyOne):
            session.yes(it)
            return "They are one person."
        if len(without) == len(it.shown):
            session.no(it)
            return _are(it, [], f"not {printable(session.name(it.person))}")
        session.yes(it, without)
        return _are(it, without, printable(session.name(it.person)))
    if say == "no" and not isinstance(it, WhoIsIt):
        session.no(it)
        if isinstance(it, AreTheyOne):
            return "They are two people."
        return _are(it, [], f"not {printable(session.name(it.person))}")
    if isinstance(it, WhoIsIt | IsItAlso):
        if say == "mixed":
            session.mixed(it)
            return "Several people: its parts are asked for one by one."
        if say in ("not-a-face", "dont-care"):
            session.dismiss(it, "not-a-face" if say == "not-a-face" else "dont-care")
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
