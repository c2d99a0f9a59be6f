"""The pages of the interview: one question at a time with its faces, and its answer."""

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
from phototag.web.guard import incomplete
from phototag.web.request_context import RequestContext
from phototag.workflows.naming.interview import InterviewSession
from phototag.workflows.naming.name import Named, left_out_sentence

_KINDS = {WhoIsIt: "who", IsItAlso: "also", AreTheyOne: "one", WhoIsNot: "not"}


@dataclass(frozen=True, slots=True)
class ShownFace:
    """A face (id), its photo (id), and when that was taken (ISO 8601), if known."""

    id: int
    photo: int
    taken_at: str | None


@dataclass(frozen=True, slots=True)
class ShownSide:
    """One of two sides that may be the same person.

    `name`: empty for an unknown group. `total`: how many faces there are, shown or not.
    """

    name: str
    faces: list[ShownFace]
    total: int


def question(context: RequestContext) -> Response:
    """The open question."""
    interview = context.state.interview
    with interview.session() as session:
        current = interview.current()
        progress = str(session.progress())
        if current is None:
            lost, away = len(unplaced.unplaced(context.store)), photos.count_away(context.store)
            return context.page("finished.html", progress=progress, lost=lost, away=away)
        asked = current.question
        likely = [(person, session.name(person)) for person in asked.likely] if isinstance(asked, WhoIsIt) else []
        sides = list(_sides(context.store, session, asked)) if isinstance(asked, AreTheyOne) else []
        person = session.name(asked.person) if isinstance(asked, IsItAlso | WhoIsNot) else ""
        names = session.names()
    return context.page(
        "question.html",
        progress=progress,
        kind=_KINDS[type(asked)],
        number=current.number,
        person=person,
        likely=likely,
        sides=sides,
        faces=[] if sides else _shown(context.store, asked.shown),
        total=0 if isinstance(asked, AreTheyOne) else len(asked.faces),
        names=names,
    )


def _sides(store: Store, session: InterviewSession, asked: AreTheyOne) -> Iterator[ShownSide]:
    shown = set(asked.shown)
    for side in asked.sides:
        name = session.name(side.person) if side.person is not None else ""
        yield ShownSide(name, _shown(store, [face for face in side.faces if face in shown]), len(side.faces))


def _shown(store: Store, ids: Iterable[int]) -> list[ShownFace]:
    return [ShownFace(face, *faces.photo_and_date(store, face)) for face in ids]


def progress(context: RequestContext) -> Response:
    """How many faces are named, as JSON, for a page that waits until background tagging is done."""
    busy = context.state.tagger.busy
    with context.state.interview.session() as session:
        return JSONResponse({"busy": busy, "progress": str(session.progress())})


def answer(context: RequestContext) -> Response:
    """Save the answer to the open question, or undo the last answer."""
    form, interview = context.form, context.state.interview
    if form.text("say") == "name" and (page := did_you_mean.ask_if_near(context)):
        return page  # the question stays open
    name = did_you_mean.chosen_name(context)
    with interview.session() as session:
        if form.text("say") == "undo":
            undone = session.undo()
            interview.drop()
            return context.back(undone or "There is nothing to undo.", "/")
        asked = interview.take(form.number("question"))
        try:
            return context.back(_save(session, asked, form.text("say"), set(form.numbers("face")), name), "/")
        except PhototagError:
            interview.reopen(asked)
            raise


def _save(session: InterviewSession, asked: Question, say: str, picked: set[int], name: str) -> str:
    """Save an answer (`picked`: the faces that it is about), and return it as a sentence."""
    if say == "skip":
        session.skip(asked)
        return "Skipped: this question comes again at the end."
    if isinstance(asked, AreTheyOne):
        return _save_one_or_two(session, asked, say)
    without = [face for face in asked.shown if face not in picked]
    if say == "name" or say.startswith("likely-"):
        if isinstance(asked, WhoIsNot):
            raise UsageError("that question can only be answered with yes or no")
        if len(without) == len(asked.shown):
            raise UsageError("no face is picked: pick the faces that are this person, or answer another way")
        return _named(session.name_as(asked, name if say == "name" else session.name(_likely(asked, say)), without))
    if say in ("yes", "no") and not isinstance(asked, WhoIsIt):
        return _save_yes_or_no(session, asked, say == "yes", without)
    if isinstance(asked, WhoIsIt | IsItAlso):
        return _save_nobody(session, asked, say)
    raise incomplete()


def _save_one_or_two(session: InterviewSession, asked: AreTheyOne, say: str) -> str:
    if say == "yes":
        session.yes(asked)
        return "They are the same person."
    if say == "no":
        session.no(asked)
        return "They are different people."
    raise UsageError("that question can only be answered with yes or no")


def _save_yes_or_no(session: InterviewSession, asked: IsItAlso | WhoIsNot, yes: bool, without: list[int]) -> str:
    who = printable(session.name(asked.person))
    if yes and len(without) < len(asked.shown):
        session.yes(asked, without)
        return _are(len(asked.shown) - len(without) if without else len(asked.faces), who)
    session.no(asked)
    return _are(len(asked.faces), f"not {who}")


def _save_nobody(session: InterviewSession, asked: WhoIsIt | IsItAlso, say: str) -> str:
    if say == "mixed":
        session.mixed(asked)
        return "Several people: you are asked about each part of the group."
    if say == "not-a-face":
        session.dismiss(asked, "not-a-face")
        return f"{counted(len(asked.faces), 'face')} marked as not a face."
    if say == "dont-care":
        session.dismiss(asked, "dont-care")
        return f"{counted(len(asked.faces), 'face')} ignored."
    if say == "yes":
        raise UsageError("that question needs a name")
    raise incomplete()


def _likely(asked: Question, say: str) -> int:
    """The person (id) whose button was pressed."""
    for person in asked.likely if isinstance(asked, WhoIsIt) else ():
        if say == f"likely-{person}":
            return person
    raise incomplete()


def _named(named: Named) -> str:
    return f"{_are(named.faces, printable(named.person.name))} {left_out_sentence(named)}".rstrip()


def _are(count: int, what: str) -> str:
    return f"{counted(count, 'face')} {'is' if count == 1 else 'are'} {what}."
