"""Read what an interview knows of a library from the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from phototag.imaging.quality import WORTH_GROUPING
from phototag.interview.library import OPEN, Guesses, LibraryFaces
from phototag.interview.state import InterviewState
from phototag.store import decisions, embeddings, groups, models
from phototag.store.connect import Store
from phototag.types import Thresholds
from phototag.workflows.library.engines_in_use import current_embedder


def read_state(store: Store, thresholds: Thresholds) -> InterviewState:
    """All present faces of the current embedder, except those that are ignored or not a face."""
    ids, vectors = embeddings.vectors(store, current_embedder(store), where="all")
    seen = groups.sightings(store)
    present = np.array([face in seen for face in ids], np.bool_)
    ids = [face for face in ids if face in seen]
    pairs = {pair: verb for pair, (verb, _, _) in decisions.pair_decisions(store).items()}
    same = [pair for pair, verb in pairs.items() if verb == "same"]
    group = _groups(store, ids, same)
    person = [OPEN if (label := seen[face].person) is None else label for face in ids]
    library = LibraryFaces(
        ids=np.array(ids, np.int64),
        vectors=vectors[present],
        photo=np.array([seen[face].photo for face in ids], np.int64),
        group=np.array([group[face] for face in ids], np.int64),
        person=np.array(person, np.int64),
        appearances={one.number: one.appearances for one in groups.unnamed(store, clear=WORTH_GROUPING)},
        rejected=frozenset(
            (face, who) for face, who in decisions.rejected(store) if face in seen and seen[face].person != who
        ),
        apart=frozenset(pairs.keys() - set(same)),
        two=frozenset(decisions.different_people(store)),
        reviewed=frozenset(decisions.reviewed(store)),
    )
    return InterviewState(library, thresholds, read_guesses(store, ids))


def read_guesses(store: Store, ids: Sequence[int]) -> Guesses:
    """The machine's guesses of these faces."""
    guesses = Guesses.none(len(ids))
    row = {face: index for index, face in enumerate(ids)}
    for face, person, probability, tagged in models.best_guesses(store):
        if (index := row.get(face)) is not None:
            guesses.person[index], guesses.probability[index], guesses.tagged[index] = person, probability, tagged
    return guesses


def _groups(store: Store, ids: Sequence[int], same: Iterable[tuple[int, int]]) -> dict[int, int]:
    """The group of each face, below 0 for none; groups are joined where a human said "same person" of two faces."""
    clustering = groups.current(store)
    known = clustering.groups if clustering else {}
    group = {face: -face if (number := known.get(face)) is None else number for face in ids}
    joined: dict[int, int] = {}

    def root(number: int) -> int:
        while number in joined:
            number = joined[number]
        return number

    for face, other in same:
        if face in group and other in group:
            kept, gone = sorted((root(group[face]), root(group[other])), reverse=True)
            if kept != gone:
                joined[gone] = kept
    return {face: max(root(number), -1) for face, number in group.items()}
