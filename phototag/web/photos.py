"""A photo with its faces, each of which can be named there."""

from __future__ import annotations

from starlette.responses import Response

from phototag.display import printable
from phototag.errors import UsageError
from phototag.report.marks import marks
from phototag.report.pages import PhotoEntry
from phototag.store import faces, people, photos
from phototag.store.connect import Store
from phototag.store.faces import Identified
from phototag.web import doubts
from phototag.web.desk import Visit
from phototag.web.guard import Form
from phototag.workflows import name as naming
from phototag.workflows.people import not_them, require_face
from phototag.workflows.report import face_entry


def photo(visit: Visit) -> Response:
    """The photo, its faces marked; `large`: the photo itself in place of its preview."""
    stored = photos.get(visit.store, visit.id("photo"))
    if stored is None:
        raise UsageError("there is no such photo")
    found = tuple(
        sorted(map(face_entry, faces.identified(visit.store, photo=stored.id)), key=lambda face: (face.box.x, face.id))
    )
    entry = PhotoEntry(stored.id, stored.path, stored.root, stored.width, stored.height, stored.taken_at, found)
    focus = visit.query("face")
    return visit.page(
        "photo.html",
        photo=entry,
        marks=marks(entry, found),
        large=visit.query("large") == "1",
        focus=int(focus) if focus.isascii() and focus.isdigit() and len(focus) < 19 else None,
        names=people.names(visit.store),
    )


def face_is(visit: Visit) -> Response:
    """Who a single face is, that it isn't whoever it is taken for, or that it is none."""
    store, form, face = visit.store, visit.form, visit.id("face")
    say = form.text("say")
    if say == "name" and (page := doubts.doubt(visit)):
        return page
    with store.write():
        before = _as_shown(store, face, form)
        touched = {before.person_id} if before.person_id is not None else set()
        if say == "name":
            person = naming.name_faces(store, [face], doubts.name(visit), "reviewed")
            touched.add(person.id)
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
    visit.desk.tagger.learn(touched)
    return visit.back(text)


def _as_shown(store: Store, face: int, form: Form) -> Identified:
    """The face as it is, if that is how the form's page showed it. Raises UsageError if others said who it is since.

    `known`: the person (id) whose face it was on the page, empty for nobody's.
    """
    require_face(store, face)
    found = {entry.id: entry for entry in faces.identified(store, photo=faces.seen(store, face)[0])}.get(face)
    if found is None:
        raise UsageError("somebody said meanwhile that this is no face: nothing was changed; look again")
    shown, now = form.get("known"), "" if found.person_id is None else str(found.person_id)
    # What the machine thinks by now changes nothing in what a human sees, but in whom "not them" means.
    if shown not in (None, now) and (found.source == "human" or form.text("say") == "not"):
        who = f"is {printable(found.person)}" if found.person else "is nobody's"
        raise UsageError(f"meanwhile this face {who}: nothing was changed; look again")
    return found
