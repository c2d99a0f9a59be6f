"""A list of pairs in LFW's format, found among the photos of a tree."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phototag.display import path_text, printable
from phototag.errors import UsageError
from phototag.interop.lfw_pairs import parse
from phototag.learn.arrays import Flags, Floats, Labels, Rows
from phototag.workflows.evaluation.tree import Tree, person_of


@dataclass(frozen=True, slots=True)
class ListedPair:
    """Two photos, whether they are of one person, and the fold of the pair."""

    one: bytes
    other: bytes
    same: bool
    fold: int


@dataclass(frozen=True, slots=True, eq=False)
class FacePairs:
    """n pairs of faces: their rows in the tree (n, 2), distances, whether they are of one person, and folds (n,)."""

    rows: Rows
    distances: Floats
    same: Flags
    fold: Labels


def read_pair_list(path: Path, photos: Sequence[bytes]) -> list[ListedPair]:
    """The list's pairs with the paths of their photos, whose names end in their numbers, as in `Ada/Ada_0001.jpg`.

    Raises UsageError for a list that can't be read, or that names photos that aren't there.
    """
    where = path_text(os.fsencode(path))
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{where} can't be read: name a list such as LFW's pairs.txt") from error
    numbered = {(person_of(photo), _number_of(photo)): photo for photo in photos}
    found = []
    for pair in parse(text, where):
        one, other = numbered.get(pair.one), numbered.get(pair.other)
        if one is None or other is None:
            name, number = pair.one if one is None else pair.other
            raise UsageError(f"{where} names photo {number} of {printable(name)}, who has none")
        found.append(ListedPair(one, other, pair.same, pair.fold))
    return found


def face_pairs(tree: Tree, listed: Sequence[ListedPair]) -> FacePairs:
    """The pairs of which both photos show a face."""
    row = {photo: number for number, photo in enumerate(tree.photos)}
    known = [pair for pair in listed if pair.one in row and pair.other in row]
    rows = np.array([(row[pair.one], row[pair.other]) for pair in known], np.int64).reshape(-1, 2)
    return FacePairs(
        rows,
        pair_distances(tree, rows),
        np.array([pair.same for pair in known], np.bool_),
        np.array([pair.fold for pair in known], np.int64),
    )


def pair_distances(tree: Tree, rows: Rows) -> Floats:
    """(n,) distances of pairs of faces, by their rows (n, 2) in the tree."""
    return np.asarray(np.linalg.norm(tree.vectors[rows[:, 0]] - tree.vectors[rows[:, 1]], axis=1))


def _number_of(photo: bytes) -> int:
    """The digits that a file's name ends in, −1 if it doesn't."""
    stem = os.path.splitext(os.fsdecode(os.path.basename(photo)))[0]
    digits = stem[len(stem.rstrip("0123456789")) :]
    return int(digits) if digits.isascii() and digits else -1
