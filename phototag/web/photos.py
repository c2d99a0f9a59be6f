"""A photo with its faces, each of which can be named there; and faces that were missed, or names that lost theirs."""

from __future__ import annotations

from starlette.responses import Response

from phototag.display import printable
from phototag.errors import UsageError
from phototag.report.album import PhotoEntry
from phototag.report.marks import marks
from phototag.store import faces, people, photos
from phototag.store.connect import Store
from phototag.store.faces import Identified
from phototag.store.unplaced import unplaced as names_without_face
from phototag.types import Box
from phototag.web import did_you_mean
from phototag.web.app_state import RequestContext
from phototag.web.guard import Form
from phototag.web.people import CARDS, cut
from phototag.workflows.naming import name as naming
from phototag.workflows.naming.add_face import add_face_on
from phototag.workflows.naming.people import not_them, require_face
from phototag.workflows.naming.placing import not_on
from phototag.workflows.report import face_entry

#: Fields of a form that say where a face is: in pixels of the upright full-size photo.
_SIDES = ("x", "y", "w", "h")


def photo(context: RequestContext) -> Response:
    """The photo, its faces marked; `large`: the photo itself in place of its preview."""
    stored = photos.get(context.store, context.id("photo"))
    if stored is None:
        raise UsageError("there is no such photo, or it is away or deleted: it is shown again when its file is back")
    found = tuple(
        sorted(
            map(face_entry, faces.identified(context.store, photo=stored.id)), key=lambda face: (face.box.x, face.id)
        )
    )
    lost = names_without_face(context.store, stored.id)
    entry = PhotoEntry(stored.id, stored.path, stored.root, stored.width, stored.height, stored.taken_at, found)
    focus = context.query("face")
    place = context.query("place")
    return context.page(
        "photo.html",
        photo=entry,
        marks=marks(entry, found),
        large=context.query("large") == "1" or photos.preview(context.store, stored.id) is None,
        lost=lost,
        placing=next((one for one in lost if str(one.face) == place), None),
        focus=int(focus) if focus.isascii() and focus.isdigit() and len(focus) < 19 else None,
        names=people.names(context.store),
    )


def unplaced(context: RequestContext) -> Response:
    """Names without a face since their photos were edited."""
    lost = names_without_face(context.store)
    shown, pager = cut(lost, CARDS, context.query("page"))
    return context.page(
        "unplaced.html",
        lost=[(one, faces.crop(context.store, one.face) is not None) for one in shown],
        total=len(lost),
        pager=pager,
    )


def place(context: RequestContext) -> Response:
    """Which face a name belongs to since its photo was edited: a known one, one in a box, or none."""
    store, form, photo = context.store, context.form, context.id("photo")
    lost = next((one for one in names_without_face(store, photo) if one.face == form.number("name")), None)
    if lost is None:
        raise UsageError("that name has its face by now: nothing was changed")
    if form.text("is"):
        face = form.number("is")
        if face not in {one.id for one in faces.of_photo(store, photo)}:
            raise UsageError("that face is not there any more: nothing was changed")
        named = naming.name_faces(store, [face], lost.person, "reviewed")
        text = f"The face is {printable(named.name)}."
    elif form.text("say") == "absent":
        absent = not_on(store, photo, lost.person, "reviewed")
        text = f"{printable(absent.name)} is not on this photo."
    else:
        text = _added(context, photo, lost.person)
    context.state.tagger.request()
    left = names_without_face(store, photo)
    return context.back(text, f"/photos/{photo}?place={left[0].face}" if left else f"/photos/{photo}")


def add(context: RequestContext) -> Response:
    """There is a face in a box, which no detector found; and who it is, if that is said."""
    photo, name = context.id("photo"), context.form.text("name")
    if name.strip() and (page := did_you_mean.ask_if_near(context)):
        return page
    text = _added(context, photo, did_you_mean.chosen_name(context) if name.strip() else None)
    context.state.tagger.request()
    return context.back(text)


def _added(context: RequestContext, photo: int, name: str | None) -> str:
    """Add the face in the form's box; returns what came of it."""
    form, where = context.form, photos.locate(context.store, photo)
    if where is None:
        raise UsageError("there is no such photo")
    if not all(form.text(side) for side in _SIDES):
        raise UsageError("no box was drawn: draw one around the face, from the brows to the chin")
    box = Box(*map(form.number, _SIDES))
    done = add_face_on(context.store, where, box, name, context.state.settings, origin="reviewed")
    is_who = f" It is {printable(done.person.name)}." if done.person else ""
    return f"The face was {'known already' if done.known else 'added'}.{is_who}"


def face_is(context: RequestContext) -> Response:
    """Who a single face is, that it isn't whoever it is taken for, or that it is none."""
    store, form, face = context.store, context.form, context.id("face")
    say = form.text("say")
    if say == "name" and (page := did_you_mean.ask_if_near(context)):
        return page
    with store.write():
        before = _as_shown(store, face, form)
        if say == "name":
            person = naming.name_faces(store, [face], did_you_mean.chosen_name(context), "reviewed")
            text = f"The face is {printable(person.name)}."
        elif say == "not" and before.person is not None:
            not_them(store, before.person, [face], "reviewed")
            text = f"The face is not {printable(before.person)}."
        elif say == "not-a-face":
            naming.dismiss(store, [face], "not-a-face", "reviewed")
            text = "It is no face."
        elif say == "dont-care":
            naming.dismiss(store, [face], "dont-care", "reviewed")
            text = "The face is put aside."
        else:
            raise UsageError("that answer was incomplete: nothing was changed; load the page again")
    context.state.tagger.request()
    return context.back(text)


def _as_shown(store: Store, face: int, form: Form) -> Identified:
    """The face as it is, if that is how the form's page showed it. Raises UsageError if others said who it is since.

    `known`: the person (id) whose face it was on the page, empty for nobody's.
    """
    require_face(store, face)
    found = {entry.id: entry for entry in faces.identified(store, photo=faces.photo_and_date(store, face)[0])}.get(face)
    if found is None:
        raise UsageError("somebody said meanwhile that this is no face: nothing was changed; look again")
    shown, now = form.get("known"), "" if found.person_id is None else str(found.person_id)
    # What the machine thinks by now changes nothing in what a human sees, but in whom "not them" means.
    if shown not in (None, now) and (found.source == "human" or form.text("say") == "not"):
        who = f"is {printable(found.person)}" if found.person else "is nobody's"
        raise UsageError(f"meanwhile this face {who}: nothing was changed; look again")
    return found
