"""Pages about people: the list, one person's faces, and previews of a merge or a split."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from phototag.errors import UsageError
from phototag.store import faces, people, photos, unplaced
from phototag.store.faces import Identified
from phototag.store.people import PersonSummary
from phototag.types import Person
from phototag.web.paging import CARDS_A_PAGE, paginate
from phototag.web.request_context import RequestContext
from phototag.workflows.naming import people as jobs

_FACES_A_PAGE = 120
#: Faces shown of each proposed part of a person, at most.
_FACES_A_PART = 18


@dataclass(frozen=True, slots=True)
class Card:
    """A person in the list; `cover`: the face (id) that represents them."""

    entry: PersonSummary
    cover: int | None


def everybody(context: RequestContext) -> Response:
    """All people, most faces first; hidden ones with `?hidden=1`."""
    listed = people.summaries(context.store)
    hidden = context.query("hidden") == "1"
    wanted = [one for one in listed if one.person.hidden == hidden]
    shown, pager = paginate(wanted, CARDS_A_PAGE, context.page_number, "/people?hidden=1&" if hidden else "/people?")
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
    """One person: the faces that are tagged as theirs, or those that a human confirmed."""
    who = require_person(context)
    if who.id != context.id("person"):
        return RedirectResponse(f"/people/{who.id}", 303)
    own = list(faces.identified(context.store, person=who.id))
    tagged = [face for face in own if face.source == "machine"]
    confirmed = [face for face in own if face.source == "human"]
    asked = context.query("show")
    show = asked if asked in ("tagged", "confirmed") else "tagged" if tagged else "confirmed"
    least = context.query("order") == "least" and show == "tagged"
    chosen = tagged if show == "tagged" else confirmed
    shown, pager = paginate(
        sorted(chosen, key=_probability) if least else chosen,
        _FACES_A_PAGE,
        context.page_number,
        f"/people/{who.id}?show={show}&{'order=least&' if least else ''}",
    )
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


def _probability(face: Identified) -> float:
    return face.probability or 0.0


def merging(context: RequestContext) -> Response:
    """Preview of a merge."""
    who = require_person(context)
    found = jobs.preview_merge(context.store, who.name, context.query("into"))
    sides = [
        (one, people.cover(context.store, one.id), number)
        for one, number in ((found.other, found.other_faces), (found.person, found.faces))
    ]
    return context.page("merge.html", person=found.other, into=found.person, sides=sides, photos=found.photos)


def parts(context: RequestContext) -> Response:
    """Proposals for a split: the groups that a person's faces would form without the name."""
    who = require_person(context)
    found = jobs.split_proposal(context.store, who.name)
    shown, pager = paginate(found, CARDS_A_PAGE, context.page_number, f"/people/{who.id}/parts?")
    return context.page(
        "split.html",
        person=who,
        groups=[(part, part[:_FACES_A_PART]) for part in shown],
        total=len(found),
        pager=pager,
        names=people.names(context.store),
    )


def require_person(context: RequestContext) -> Person:
    """The person whose number is in the address, or who they were merged into. Raises UsageError if there is none."""
    who = people.resolve(context.store, context.id("person"))
    if who is None:
        raise UsageError("there is no such person (any more): the list of people shows everybody")
    return who
