"""Placing: what becomes of a name whose face could not be found again when its photo was edited."""

from __future__ import annotations

from phototag.display import printable
from phototag.errors import UsageError
from phototag.store import decisions, faces, models, unplaced
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.types import Origin, Person
from phototag.workflows.naming.people import require_person


def mark_absent(store: Store, photo: int, name: str, origin: Origin = "typed") -> Person:
    """The person called `name` isn't on a photo (any more): their face isn't asked for, and tags of theirs are refused.

    Decisions about their face on an earlier version stay: should that version come back, it has its name. One answer,
    which can be undone. Raises UsageError if there is nobody of that name, or a human named a face of the photo so.
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
