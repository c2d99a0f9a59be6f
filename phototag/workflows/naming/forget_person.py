"""Forget a person: delete their names and what their faces look like for good."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.store import forget_people, people
from phototag.store.connect import Store
from phototag.workflows.library.forget import Left
from phototag.workflows.naming.people import require_person


@dataclass(frozen=True, slots=True)
class ForgottenPerson:
    """A person who was forgotten, or would be in a dry run; only their `number` stays.

    `also`: their other names. `faces`: how many a human named, on how many `photos`. `tagged`: how many faces the
    machine named; they become unknown unless they are forgotten, too. `paths`: how many files and folders have their
    name. `left`: None in a dry run.
    """

    number: int
    name: str
    also: tuple[str, ...]
    faces: int
    photos: int
    tagged: int
    paths: int
    left: Left | None


def forget_person(store: Store, name: str, *, tagged: bool = False, dry_run: bool = False) -> ForgottenPerson:
    """Delete a person's names, the decisions about them, and the crops and embeddings of their faces.

    These are the faces that a human named, and with `tagged` also those that the machine did. Their photos stay; from
    now on the faces on them are skipped.

    Raises UsageError if there is nobody of that name.
    """
    with store.write():
        person = require_person(store, name)
        also = tuple(people.aliases(store, person.id))
        paths = forget_people.paths_with(store, [person.name, *also])
        known = (
            forget_people.person_data(store, person.id)
            if dry_run
            else forget_people.drop_person(store, person.id, tagged=tagged)
        )
    left = None if dry_run else Left.after_wiping(store)
    return ForgottenPerson(
        person.id, person.name, also, len(known.named), len(known.photos), len(known.tagged), paths, left
    )
