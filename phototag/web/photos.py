"""A photo with its faces, each of which can be named there."""

from __future__ import annotations

from starlette.responses import Response

from phototag.display import printable
from phototag.errors import UsageError
from phototag.report.marks import marks
from phototag.report.pages import PhotoEntry
from phototag.store import faces, people, photos
from phototag.web import doubts
from phototag.web.desk import Visit
from phototag.workflows import name as naming
from phototag.workflows.people import not_them, require_face
from phototag.workflows.report import face_entry


def photo(visit: Visit) -> Response:
    """The photo, its faces marked; `large`: the photo itself in place of its preview."""
    stored = photos.get(visit.store, visit.id("photo"))
    if stored is None:
        raise UsageError("there is no such photo, or it is away or deleted: it is shown again when its file is back")
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
    require_face(store, face)
    before = {entry.id: entry for entry in faces.identified(store, photo=faces.seen(store, face)[0])}[face]
    if say == "name":
        if page := doubts.doubt(visit):
            return page
        person = naming.name_faces(store, [face], doubts.name(visit), "reviewed")
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
    visit.desk.tagger.learn()
    return visit.back(text)
