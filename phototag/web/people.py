"""The people, and a person: all their faces, and what can be said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from starlette.responses import RedirectResponse, Response

from phototag.display import counted, printable
from phototag.errors import UsageError
from phototag.report.paging import Pager
from phototag.store import faces, people, photos, unplaced
from phototag.store.faces import Identified
from phototag.store.people import PersonSummary
from phototag.types import Person
from phototag.web import did_you_mean
from phototag.web.app_state import RequestContext
from phototag.workflows.naming import name as naming
from phototag.workflows.naming import people as jobs

T = TypeVar("T")

CARDS = 96
FACES = 120
#: Faces that are shown of each part of a person.
_OF_A_PART = 18


@dataclass(frozen=True, slots=True)
class Card:
    """A person as listed, and the face that shows them best."""

    entry: PersonSummary
    cover: int | None


@dataclass(frozen=True, slots=True)
class Cut:
    """Page `number` of `total` of a list."""

    number: int
    total: int

    @property
    def window(self) -> list[int | None]:
        """The numbers to offer, None for what is left out."""
        return Pager("", self.number, self.total).window


def cut(items: list[T], size: int, wanted: str) -> tuple[list[T], Cut]:
    """One page of a list: the one that is wanted, or the nearest that there is."""
    total = max(1, -(-len(items) // size))
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 9 else 1
    number = min(max(1, number), total)
    return items[(number - 1) * size : number * size], Cut(number, total)


def everybody(context: RequestContext) -> Response:
    """Everybody, most faces first; hidden ones on demand."""
    listed = people.summaries(context.store)
    hidden = context.query("hidden") == "1"
    shown, pager = cut([one for one in listed if one.person.hidden == hidden], CARDS, context.query("page"))
    return context.page(
        "people.html",
        cards=[Card(one, people.cover(context.store, one.person.id)) for one in shown],
        hidden=hidden,
        visible=sum(not one.person.hidden for one in listed),
        others=sum(one.person.hidden for one in listed),
        lost=len(unplaced.unplaced(context.store)),
        away=photos.count_away(context.store),
        pager=pager,
    )


def person(context: RequestContext) -> Response:
    """One person: the faces that a human named, or those that the machine did."""
    who = _who(context)
    if who.id != context.id("person"):
        return RedirectResponse(f"/people/{who.id}", 303)
    own = list(faces.identified(context.store, person=who.id))
    tagged = [face for face in own if face.source == "machine"]
    confirmed = [face for face in own if face.source == "human"]
    asked = context.query("show")
    show = asked if asked in ("tagged", "confirmed") else "tagged" if tagged else "confirmed"
    least = context.query("order") == "least" and show == "tagged"
    chosen = tagged if show == "tagged" else confirmed
    shown, pager = cut(sorted(chosen, key=_sure) if least else chosen, FACES, context.query("page"))
    return context.page(
        "person.html",
        person=who,
        cover=people.cover(context.store, who.id),
        tagged=len(tagged),
        confirmed=len(confirmed),
        show=show,
        least=least,
        faces=shown,
        pager=pager,
        names=people.names(context.store),
    )


def _sure(face: Identified) -> float:
    return face.probability or 0.0


def rename(context: RequestContext) -> Response:
    """They are called otherwise from now on."""
    who = _who(context)
    with context.answering(who):
        named = jobs.rename(context.store, who.name, context.form.text("name"), "reviewed")
    return context.back(f"{printable(who.name)} is called {printable(named.name)} from now on.")


def hide(context: RequestContext) -> Response:
    """The album has no page of them any more, or has one again."""
    who = _who(context)
    with context.answering(who):
        jobs.hide(context.store, who.name, shown=who.hidden, origin="reviewed")
    done = "is shown again" if who.hidden else "is hidden: the album has no page of them, and their faces keep the name"
    return context.back(f"{printable(who.name)} {done}.")


def merging(context: RequestContext) -> Response:
    """What a merge would join, before it does."""
    who = _who(context)
    told = jobs.joined(context.store, who.name, context.query("into"))
    sides = [
        (one, people.cover(context.store, one.id), number)
        for one, number in ((told.other, told.other_faces), (told.person, told.faces))
    ]
    return context.page("merge.html", person=told.other, into=told.person, sides=sides, photos=told.photos)


def merge(context: RequestContext) -> Response:
    """The two are one, and keep the second one's name."""
    who, into = _who(context), _into(context)
    with context.answering(who, into):
        told = jobs.merge(context.store, who.name, into.name, "reviewed")
    context.state.tagger.request()
    text = f"{printable(told.other.name)} is {printable(told.person.name)}: {counted(told.other_faces, 'face')} joined."
    return context.back(text, f"/people/{told.person.id}")


def different(context: RequestContext) -> Response:
    """The two are two."""
    who, other = _who(context), _into(context)
    with context.answering(who, other):
        jobs.different(context.store, who.name, other.name)
    return context.back(f"{printable(who.name)} and {printable(other.name)} are two people.", f"/people/{who.id}")


def parts(context: RequestContext) -> Response:
    """The groups that a person's faces would be without their name: proposals for a split."""
    who = _who(context)
    found = jobs.parts(context.store, who.name)
    shown, pager = cut(found, CARDS, context.query("page"))
    return context.page(
        "split.html",
        person=who,
        groups=[(part, part[:_OF_A_PART]) for part in shown],
        total=len(found),
        pager=pager,
        names=people.names(context.store),
    )


def faces_are(context: RequestContext) -> Response:
    """Of the picked faces: they are this person, aren't, are somebody else, or are no faces."""
    store, form, who = context.store, context.form, _who(context)
    if form.text("say") == "split" and form.numbers("face") and (page := did_you_mean.ask_if_near(context)):
        return page
    with store.write():
        text = _said_of(context, who)
    context.state.tagger.request()
    here = f"/people/{who.id}" if people.resolve(store, who.id) else "/people"
    return context.back(text, None if faces.of_person(store, who.id) else here)


def _said_of(context: RequestContext, who: Person) -> str:
    """Save what was said of the picked faces that are still theirs; returns it as a sentence."""
    store, form = context.store, context.form
    picked = form.numbers("face")
    if not picked:
        raise UsageError("no face was picked: click some, or draw over them, then say what they are")
    own = set(faces.of_person(store, who.id))
    picked = [face for face in picked if face in own]
    if not picked:
        raise UsageError(f"none of these faces is {printable(who.name)}'s any more: nothing was changed")
    some, are = counted(len(picked), "face"), "is" if len(picked) == 1 else "are"
    say = form.text("say")
    if say == "yes":
        naming.name_faces(store, picked, who.name, "reviewed")
        text = f"{some} confirmed as {printable(who.name)}."
    elif say == "not":
        jobs.not_them(store, who.name, picked, "reviewed")
        text = f"{some} {are} not {printable(who.name)}."
    elif say == "not-a-face":
        naming.dismiss(store, picked, "not-a-face", "reviewed")
        text = f"{some} {are} no face" + ("." if len(picked) == 1 else "s.")
    elif say in ("split", "split-unknown"):
        done = jobs.split(
            store, who.name, picked, did_you_mean.chosen_name(context) if say == "split" else None, "reviewed"
        )
        text = f"{some} {are} {printable(done.other.name) if done.other else 'somebody yet to be named'}."
    else:
        raise UsageError("that answer was incomplete: nothing was changed; load the page again")
    return text


def _who(context: RequestContext) -> Person:
    """The person that a page is about. Raises UsageError if there is nobody (any more)."""
    who = people.resolve(context.store, context.id("person"))
    if who is None:
        raise UsageError("there is nobody here (any more): the list of people shows who there is")
    return who


def _into(context: RequestContext) -> Person:
    other = people.resolve(context.store, context.form.number("into"))
    if other is None:
        raise UsageError("the other one is not there any more: nothing was changed")
    return other
