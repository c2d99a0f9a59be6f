"""Placing: say that a person is no longer on a photo, after an edit in which their face was lost."""

from __future__ import annotations

from phototag.display import printable
from phototag.errors import UsageError
from phototag.store import decisions, faces, models, unplaced
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.types import Origin, Person
from phototag.workflows.naming.people import require_person


def mark_absent(store: Store, photo: int, name: str, origin: Origin = "typed") -> Person:
    """Save that the person called `name` isn't on a photo: it is no longer listed as unplaced, and tags are rejected.

    Decisions about their face on an earlier version stay: if that version comes back, so does the name. This is one
    answer, undone at once. Raises UsageError if nobody is called `name`, or if a human gave a face of the photo this
    name.
    """
    with store.write():
        person = require_person(store, name)
        theirs = [face for face in faces.identified(store, photo=photo) if face.person_id == person.id]
        for face in theirs:
            if face.source == "human":
                raise UsageError(
                    f"you said that face {face.id} of this photo is {printable(person.name)}: nothing was saved"
                )
        places = [unplaced.absence_place(store, photo), *(face.id for face in theirs)]
        decisions.record(store, [Decision("is-not", place, person.id) for place in places], origin)
        models.drop_stale_guesses(store)
    return person
