"""A library's faces, labelled and unlabelled, as the job of tagging reads them at one moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phototag.errors import TooLittleDataError
from phototag.imaging.quality import WORTH_LEARNING
from phototag.learn.arrays import Rows
from phototag.learn.constraints import ConstraintSet
from phototag.learn.gallery import Gallery, build_gallery
from phototag.remedies import IndexAgain, NameGroups
from phototag.store import decisions, derived, embeddings, engines, groups
from phototag.store.connect import Store
from phototag.store.derived import VersionToken
from phototag.store.groups import Sighting
from phototag.types import Vectors
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.recognition.conflicts import read_constraints


@dataclass(frozen=True, slots=True, eq=False)
class TaggingInput:
    """A library's faces as one embedder sees them.

    `labelled_ids`, `labels`: labelled faces that are worth learning from (all of a person's if none is), and whose they
    are; `gallery`: the same, with their vectors. `ids`, `vectors` (n, dim): the unlabelled faces. `sightings`: where
    each face was seen. `constraints`: what humans said of pairs; a person's node is −id. `beside_named`: (row among
    `ids`, person) of faces that share a photo with a named person, and so are not that person. `token`: the version of
    what this was read from.
    """

    embedder: int
    labelled_ids: list[int]
    labels: list[int]
    gallery: Gallery
    ids: list[int]
    vectors: Vectors
    sightings: dict[int, Sighting]
    constraints: ConstraintSet
    beside_named: list[tuple[int, int]]
    token: VersionToken

    @staticmethod
    def read(store: Store) -> TaggingInput:
        """Raises TooLittleDataError before the first index, and where nobody is named."""
        with store.snapshot():
            return TaggingInput._read_now(store)

    @staticmethod
    def _read_now(store: Store) -> TaggingInput:
        token = derived.version_token(store)
        embedder = current_embedder(store)
        labelled_ids, labels, own = embeddings.labelled(store, embedder, least=WORTH_LEARNING)
        if not labelled_ids:
            if decisions.counts(store).get("is"):
                raise TooLittleDataError("no named face was seen by the current embedder yet", IndexAgain())
            raise TooLittleDataError("nobody is named yet", NameGroups())
        ids, vectors = embeddings.vectors(store, embedder, where="unlabelled")
        sightings, (constraints, _) = groups.sightings(store), read_constraints(store)
        everybody = np.concatenate([vectors, own])
        return TaggingInput(
            embedder=embedder,
            labelled_ids=labelled_ids,
            labels=labels,
            gallery=build_gallery(own, labels, engines.thresholds(store, embedder), everybody),
            ids=ids,
            vectors=vectors,
            sightings=sightings,
            constraints=constraints,
            beside_named=_beside_named(ids, sightings, constraints),
            token=token,
        )

    def vectors_beside_named(self) -> tuple[Vectors, Rows]:
        """(b, dim) faces that share a photo with a named person, and (b,) the place in the gallery of that person."""
        place = {person: index for index, person in enumerate(self.gallery.people.tolist())}
        pairs = [(row, place[person]) for row, person in self.beside_named if person in place]
        rows, places = zip(*pairs, strict=True) if pairs else ((), ())
        return self.vectors[np.array(rows, np.int64)], np.array(places, np.int64)

    def ruled_out(self, store: Store) -> dict[int, set[int]]:
        """By row among `ids`, the people whom a face does not show: a human said so of it, or of a face that is the
        same person."""
        row = {face: index for index, face in enumerate(self.ids)}
        ruled: dict[int, set[int]] = defaultdict(set)
        for face, person in decisions.rejected(store):
            if face in row:
                ruled[row[face]].add(person)
        keys = self.constraints.cannot_link_keys()
        people = [(person, self.constraints.representative(-person)) for person in self.gallery.people.tolist()]
        for face, index in row.items():
            node = self.constraints.representative(face)
            if own := keys.get(node):
                ruled[index] |= {
                    person for person, other in people if other != node and not own.isdisjoint(keys.get(other, ()))
                }
        return ruled


def _beside_named(
    ids: Sequence[int], sightings: dict[int, Sighting], constraints: ConstraintSet
) -> list[tuple[int, int]]:
    """(row, person) of faces in a photo of a named person, unless a human said that the two are the same."""
    named: dict[int, set[int]] = defaultdict(set)
    for sighting in sightings.values():
        if sighting.person is not None:
            named[sighting.photo].add(sighting.person)
    return [
        (row, person)
        for row, face in enumerate(ids)
        if face in sightings
        for person in sorted(named.get(sightings[face].photo, ()))
        if constraints.representative(face) != constraints.representative(-person)
    ]
