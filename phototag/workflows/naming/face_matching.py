"""Face matching: which face here each face of a names file is, by its place in the photo."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from phototag.interop.names_file import ListedPhoto
from phototag.store import face_places
from phototag.store.connect import Store
from phototag.store.photos import LocatedPhoto
from phototag.types import Box

#: Boxes of one content that overlap so much are one face, those that overlap most first. So are those that overlap as
#: much as boxes of one photo have to (`face_places.SAME_PLACE_IOU`), if neither overlaps a third one that much.
SURE_IOU = 0.5
#: How differently (a logarithm) a photo may be scaled in its two directions.
_STRETCHED = 0.05


@dataclass(frozen=True, slots=True)
class MatchedPlace:
    """Where a face of the file is on the photo here, and whether it is a known face that is present."""

    photo: LocatedPhoto
    box: Box
    present: bool


class FaceMatcher:
    """Matches faces of a names file to faces here; those that aren't known here get numbers below 0.

    `places`: of each face that was matched.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[int, dict[int, tuple[Box, bool]]] = {}  # photo → face → box, whether it is present
        self._new = 0
        self.places: dict[int, MatchedPlace] = {}

    def match(self, listed: ListedPhoto, photo: LocatedPhoto) -> list[int]:
        """The face here of each of the listed photo's faces: a present one, else one that was, else a new one."""
        if photo.id not in self._known:
            self._known[photo.id] = face_places.known_places(self._store, photo.id)
        known = self._known[photo.id]
        boxes = _boxes_here(listed, photo)
        faces: dict[int, int] = {}
        for present in (True, False):
            left = [row for row in range(len(boxes)) if row not in faces]
            candidates = {face: box for face, (box, there) in known.items() if there == present}
            faces |= {left[row]: face for row, face in _same(candidates, [boxes[row] for row in left]).items()}
        for row, box in enumerate(boxes):
            if row not in faces:
                self._new -= 1
                faces[row] = self._new
                known[self._new] = (box, True)
            face = faces[row]
            self.places.setdefault(face, MatchedPlace(photo, box, face > 0 and known[face][1]))
        return [faces[row] for row in range(len(boxes))]


def same_proportions(listed: ListedPhoto, photo: LocatedPhoto) -> bool:
    """Whether places on a photo of the file are places on the photo here, which may be larger or smaller."""
    return abs(math.log(listed.width * photo.height / (listed.height * photo.width))) < _STRETCHED


def _boxes_here(listed: ListedPhoto, photo: LocatedPhoto) -> list[Box]:
    """The boxes of a listed photo's faces, in pixels of the photo here."""
    across, down = photo.width / listed.width, photo.height / listed.height
    scaled = (
        Box(box.x * across, box.y * down, box.w * across, box.h * down) for box in (face.box for face in listed.faces)
    )
    return [box.within(photo.width, photo.height) or box for box in scaled]


def _same(known: Mapping[int, Box], boxes: Sequence[Box]) -> dict[int, int]:
    """Row of each box → the known face that it is, by the rule of `SURE_IOU`."""
    places = face_places.same_places(known, boxes, least=SURE_IOU)
    overlaps = [
        (row, face)
        for row, box in enumerate(boxes)
        for face, other in known.items()
        if box.iou(other) >= face_places.SAME_PLACE_IOU
    ]
    for row, face in overlaps:
        if sum(row == one or face == other for one, other in overlaps) == 1:
            places[row] = face
    return places
