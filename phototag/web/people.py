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
from phototag.store.people import Listed
from phototag.types import Person
from phototag.web import doubts
from phototag.web.desk import Visit
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

    entry: Listed
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


def everybody(visit: Visit) -> Response:
    """Everybody, most faces first; hidden ones on demand."""
    listed = people.listed(visit.store)
    hidden = visit.query("hidden") == "1"
    shown, pager = cut([one for one in listed if one.person.hidden == hidden], CARDS, visit.query("page"))
    return visit.page(
        "people.html",
        cards=[Card(one, people.cover(visit.store, one.person.id)) for one in shown],
        hidden=hidden,
        visible=sum(not one.person.hidden for one in listed),
        others=sum(one.person.hidden for one in listed),
        lost=len(unplaced.unplaced(visit.store)),
        away=photos.count_away(visit.store),
        pager=pager,
    )


def person(visit: Visit) -> Response:
    """One person: the faces that a human named, or those that the machine did."""
    who = _who(visit)
    if who.id != visit.id("person"):
        return RedirectResponse(f"/people/{who.id}", 303)
    own = list(faces.identified(visit.store, person=who.id))
    tagged = [face for face in own if face.source == "machine"]
    confirmed = [face for face in own if face.source == "human"]
    asked = visit.query("show")
    show = asked if asked in ("tagged", "confirmed") else "tagged" if tagged else "confirmed"
    least = visit.query("order") == "least" and show == "tagged"
    chosen = tagged if show == "tagged" else confirmed
    shown, pager = cut(sorted(chosen, key=_sure) if least else chosen, FACES, visit.query("page"))
    return visit.page(
        "person.html",
        person=who,
        cover=people.cover(visit.store, who.id),
        tagged=len(tagged),
        confirmed=len(confirmed),
        show=show,
        least=least,
        faces=shown,
        pager=pager,
        names=people.names(visit.store),
    )


def _sure(face: Identified) -> float:
    return face.probability or 0.0


def rename(visit: Visit) -> Response:
    """They are called otherwise from now on."""
    who = _who(visit)
    with visit.answering(who):
        named = jobs.rename(visit.store, who.name, visit.form.text("name"), "reviewed")
    return visit.back(f"{printable(who.name)} is called {printable(named.name)} from now on.")


def hide(visit: Visit) -> Response:
    """The album has no page of them any more, or has one again."""
    who = _who(visit)
    with visit.answering(who):
        jobs.hide(visit.store, who.name, shown=who.hidden, origin="reviewed")
    done = "is shown again" if who.hidden else "is hidden: the album has no page of them, and their faces keep the name"
    return visit.back(f"{printable(who.name)} {done}.")


def merging(visit: Visit) -> Response:
    """What a merge would join, before it does."""
    who = _who(visit)
    told = jobs.joined(visit.store, who.name, visit.query("into"))
    sides = [
        (one, people.cover(visit.store, one.id), number)
        for one, number in ((told.other, told.other_faces), (told.person, told.faces))
    ]
    return visit.page("merge.html", person=told.other, into=told.person, sides=sides, photos=told.photos)


def merge(visit: Visit) -> Response:
    """The two are one, and keep the second one's name."""
    who, into = _who(visit), _into(visit)
    with visit.answering(who, into):
        told = jobs.merge(visit.store, who.name, into.name, "reviewed")
    visit.desk.tagger.learn()
    text = f"{printable(told.other.name)} is {printable(told.person.name)}: {counted(told.other_faces, 'face')} joined."
    return visit.back(text, f"/people/{told.person.id}")


def different(visit: Visit) -> Response:
    """The two are two."""
    who, other = _who(visit), _into(visit)
    with visit.answering(who, other):
        jobs.different(visit.store, who.name, other.name)
    return visit.back(f"{printable(who.name)} and {printable(other.name)} are two people.", f"/people/{who.id}")


def parts(visit: Visit) -> Response:
    """The groups that a person's faces would be without their name: proposals for a split."""
    who = _who(visit)
    found = jobs.parts(visit.store, who.name)
    shown, pager = cut(found, CARDS, visit.query("page"))
    return visit.page(
        "divide.html",
        person=who,
        groups=[(part, part[:_OF_A_PART]) for part in shown],
        total=len(found),
        pager=pager,
        names=people.names(visit.store),
    )


def faces_are(visit: Visit) -> Response:
    """Of the picked faces: they are this person, aren't, are somebody else, or are no faces."""
    store, form, who = visit.store, visit.form, _who(visit)
    if form.text("say") == "split" and form.numbers("face") and (page := doubts.doubt(visit)):
        return page
    with store.write():
        text = _said_of(visit, who)
    visit.desk.tagger.learn()
    here = f"/people/{who.id}" if people.now(store, who.id) else "/people"
    return visit.back(text, None if faces.of_person(store, who.id) else here)


def _said_of(visit: Visit, who: Person) -> str:
    """Save what was said of the picked faces that are still theirs; returns it as a sentence."""
    store, form = visit.store, visit.form
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
        done = jobs.split(store, who.name, picked, doubts.name(visit) if say == "split" else None, "reviewed")
        text = f"{some} {are} {printable(done.other.name) if done.other else 'somebody yet to be named'}."
    else:
        raise UsageError("that answer was incomplete: nothing was changed; load the page again")
    return text


def _who(visit: Visit) -> Person:
    """The person that a page is about. Raises UsageError if there is nobody (any more)."""
    who = people.now(visit.store, visit.id("person"))
    if who is None:
        raise UsageError("there is nobody here (any more): the list of people shows who there is")
    return who


def _into(visit: Visit) -> Person:
    other = people.now(visit.store, visit.form.number("into"))
    if other is None:
        raise UsageError("the other one is not there any more: nothing was changed")
    return other
