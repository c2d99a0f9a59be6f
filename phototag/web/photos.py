"""The page of a photo: name its faces, add a missed one, and place names whose faces were lost in an edit."""

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
from phototag.web.guard import Form, incomplete
from phototag.web.paging import CARDS_A_PAGE, paginate
from phototag.web.request_context import RequestContext
from phototag.workflows.naming import name as naming
from phototag.workflows.naming.add_face import add_face_on
from phototag.workflows.naming.people import reject_faces, require_face
from phototag.workflows.naming.placing import mark_absent
from phototag.workflows.report import face_entry

#: Form fields of a face's box, in pixels of the upright full-size photo.
_SIDES = ("x", "y", "w", "h")


def photo(context: RequestContext) -> Response:
    """The photo with its faces marked; `?large=1`: at full size instead of its preview."""
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
    place = context.query_number("place")
    return context.page(
        "photo.html",
        photo=entry,
        marks=marks(entry, found),
        large=context.query("large") == "1" or photos.preview(context.store, stored.id) is None,
        lost=lost,
        placing=next((one for one in lost if one.face == place), None),
        focus=context.query_number("face"),
        names=people.names(context.store),
    )


def unplaced(context: RequestContext) -> Response:
    """The names whose faces were lost when their photos were edited."""
    lost = names_without_face(context.store)
    shown, pager = paginate(lost, CARDS_A_PAGE, context.page_number, "/photos/unplaced?")
    return context.page(
        "unplaced.html",
        lost=[(one, faces.crop(context.store, one.face) is not None) for one in shown],
        total=len(lost),
        pager=pager,
    )


def place(context: RequestContext) -> Response:
    """Place a name without a face: on a face of the photo, on a drawn box, or "not on this photo any more"."""
    store, form, photo = context.store, context.form, context.id("photo")
    lost = next((one for one in names_without_face(store, photo) if one.face == form.number("name")), None)
    if lost is None:
        raise UsageError("that name already has a face: nothing was changed")
    if form.text("is"):
        face = form.number("is")
        if face not in {one.id for one in faces.of_photo(store, photo)}:
            raise UsageError("that face does not exist any more: nothing was changed")
        named = naming.name_faces(store, [face], lost.person, "reviewed")
        text = f"The face is {printable(named.name)}."
    elif form.text("say") == "absent":
        absent = mark_absent(store, photo, lost.person, "reviewed")
        text = f"{printable(absent.name)} is not on this photo."
    else:
        text = _added(context, photo, lost.person)
    context.state.tagger.request()
    left = names_without_face(store, photo)
    return context.back(text, f"/photos/{photo}?place={left[0].face}" if left else f"/photos/{photo}")


def add(context: RequestContext) -> Response:
    """Add a missed face in the form's box; its name is optional."""
    photo, name = context.id("photo"), context.form.text("name")
    if name.strip() and (page := did_you_mean.ask_if_near(context)):
        return page
    text = _added(context, photo, did_you_mean.chosen_name(context) if name.strip() else None)
    context.state.tagger.request()
    return context.back(text)


def _added(context: RequestContext, photo: int, name: str | None) -> str:
    """Add the face in the form's box; returns the result as a sentence."""
    form, where = context.form, photos.locate(context.store, photo)
    if where is None:
        raise UsageError("there is no such photo")
    if not all(form.text(side) for side in _SIDES):
        raise UsageError("no box was drawn: draw one around the face, from the brows to the chin")
    box = Box(*map(form.number, _SIDES))
    state = context.state
    done = add_face_on(context.store, where, box, name, state.settings, origin="reviewed", engines=state.engines)
    is_who = f" It is {printable(done.person.name)}." if done.person else ""
    return f"The face was {'known already' if done.known else 'added'}.{is_who}"


def face_is(context: RequestContext) -> Response:
    """Name a single face, reject its name, or mark it as not a face or ignored."""
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
            reject_faces(store, before.person, [face], "reviewed")
            text = f"The face is not {printable(before.person)}."
        elif say == "not-a-face":
            naming.dismiss(store, [face], "not-a-face", "reviewed")
            text = "Marked as not a face."
        elif say == "dont-care":
            naming.dismiss(store, [face], "dont-care", "reviewed")
            text = "The face is ignored."
        else:
            raise incomplete()
    context.state.tagger.request()
    return context.back(text)


def _as_shown(store: Store, face: int, form: Form) -> Identified:
    """The face as it is now. Raises UsageError if it was answered after the form's page was rendered.

    The form's `known` is the person (id) that the page showed, empty for an unknown face.
    """
    require_face(store, face)
    found = {entry.id: entry for entry in faces.identified(store, photo=faces.photo_and_date(store, face)[0])}.get(face)
    if found is None:
        raise UsageError("this was marked as not a face in the meantime: nothing was changed; look again")
    shown, now = form.get("known"), "" if found.person_id is None else str(found.person_id)
    # A new tag doesn't matter to an answer that names the face, but it does to "not them".
    if shown not in (None, now) and (found.source == "human" or form.text("say") == "not"):
        who = printable(found.person) if found.person else "unknown"
        raise UsageError(f"meanwhile this face is {who}: nothing was changed; look again")
    return found
