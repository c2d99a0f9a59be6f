"""Answers about a person: rename, hide, merge, different people, and who the picked faces are."""

from __future__ import annotations

from starlette.responses import Response

from phototag.display import counted, printable
from phototag.errors import UsageError
from phototag.store import faces, people
from phototag.types import Person
from phototag.web import did_you_mean
from phototag.web.guard import incomplete
from phototag.web.people import require_person
from phototag.web.request_context import RequestContext
from phototag.workflows.naming import name as naming
from phototag.workflows.naming import people as jobs


def rename(context: RequestContext) -> Response:
    """Rename the person."""
    who = require_person(context)
    with context.answering(who):
        named = jobs.rename(context.store, who.name, context.form.text("name"), "reviewed")
    return context.back(f"{printable(who.name)} is called {printable(named.name)} from now on.")


def hide(context: RequestContext) -> Response:
    """Leave the person out of the album, or show them again."""
    who = require_person(context)
    with context.answering(who):
        jobs.hide(context.store, who.name, shown=who.hidden, origin="reviewed")
    done = "is shown again" if who.hidden else "is hidden: the album has no page of them, and their faces keep the name"
    return context.back(f"{printable(who.name)} {done}.")


def merge(context: RequestContext) -> Response:
    """Save that both are the same person, with the second one's name."""
    who, into = require_person(context), _other_person(context)
    with context.answering(who, into):
        done = jobs.merge(context.store, who.name, into.name, "reviewed")
    context.state.tagger.request()
    text = f"{printable(done.other.name)} is {printable(done.person.name)}: {counted(done.other_faces, 'face')} joined."
    return context.back(text, f"/people/{done.person.id}")


def different(context: RequestContext) -> Response:
    """Save that they are different people."""
    who, other = require_person(context), _other_person(context)
    with context.answering(who, other):
        jobs.different(context.store, who.name, other.name)
    text = f"{printable(who.name)} and {printable(other.name)} are different people."
    return context.back(text, f"/people/{who.id}")


def faces_are(context: RequestContext) -> Response:
    """Confirm the picked faces, split them off, or say that they are not this person or not a face."""
    store, form, who = context.store, context.form, require_person(context)
    if form.text("say") == "split" and form.numbers("face") and (page := did_you_mean.ask_if_near(context)):
        return page
    with store.write():
        text = _save(context, who, _picked_faces(context, who))
    context.state.tagger.request()
    here = f"/people/{who.id}" if people.resolve(store, who.id) else "/people"
    return context.back(text, None if faces.of_person(store, who.id) else here)


def _picked_faces(context: RequestContext, who: Person) -> list[int]:
    """The picked faces (ids) that are still this person's. Raises UsageError if there are none."""
    picked = context.form.numbers("face")
    if not picked:
        raise UsageError("no face was picked: click faces, or draw over them, then press a button")
    own = set(faces.of_person(context.store, who.id))
    picked = [face for face in picked if face in own]
    if not picked:
        raise UsageError(f"none of these faces is {printable(who.name)}'s any more: nothing was changed")
    return picked


def _save(context: RequestContext, who: Person, picked: list[int]) -> str:
    """Save the answer about the picked faces; returns it as a sentence."""
    store, say = context.store, context.form.text("say")
    some, are = counted(len(picked), "face"), "is" if len(picked) == 1 else "are"
    match say:
        case "yes":
            naming.name_faces(store, picked, who.name, "reviewed")
            return f"{some} confirmed as {printable(who.name)}."
        case "not":
            jobs.reject_faces(store, who.name, picked, "reviewed")
            return f"{some} {are} not {printable(who.name)}."
        case "not-a-face":
            naming.dismiss(store, picked, "not-a-face", "reviewed")
            return f"{some} marked as not a face."
        case "split" | "split-unknown":
            name = did_you_mean.chosen_name(context) if say == "split" else None
            done = jobs.split(store, who.name, picked, name, "reviewed")
            return f"{some} {are} {printable(done.other.name) if done.other else 'unknown again'}."
    raise incomplete()


def _other_person(context: RequestContext) -> Person:
    other = people.resolve(context.store, context.form.number("into"))
    if other is None:
        raise UsageError("the other person does not exist any more: nothing was changed")
    return other
