"""Versions: the faces of an edited photo that are those of the photo before it was edited.

A face is found again where the picture as a whole says that it must be, if what is there looks like it: like that
person, or as it did before. A face that a human spoke of, and that no detector finds there (it lies on its side, or is
small now), is cut out at that place; so is one of a photo that was forgotten and is back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from phototag.analysis.face_analyzer import Seen, seen, shown
from phototag.errors import PhotoError
from phototag.imaging.crops import load_picture, preview
from phototag.imaging.registration import Transform, alike_in, register
from phototag.store import face_places, faces, files, photos, unplaced
from phototag.store.connect import Store
from phototag.store.unplaced import EarlierFace
from phototag.types import RGB, Box, DecodedPhoto, Detection, Detector, Embedder, Image, NewFace, Vectors, turned

#: Versions before the present one that are looked at.
_BACK = 4
#: Overlap of a face with the place where it must be, and share of that place that must be in the picture.
_OVERLAP, _INSIDE = 0.3, 0.6
#: Faces farther apart than this share of the embedder's threshold are two, wherever they are.
_UNLIKE = 2.0
#: Pairs of faces that look alike, by which pictures without anything else are laid on each other, at most.
_HINTS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """A photo that was at a file's place before; `width` is upright."""

    preview: bytes
    width: int
    faces: tuple[EarlierFace, ...]


def earlier(store: Store, file: int, sha256: str, embedder: int) -> list[Earlier]:
    """What a file was before it had this content, the latest first, as far as anything was said of faces on it."""
    found = []
    now = photos.find(store, sha256)
    for photo in files.predecessors(store, file, _BACK):
        if photo == now:
            continue
        picture, size = photos.preview(store, photo), photos.size(store, photo)
        former = tuple(unplaced.earlier_faces(store, photo, embedder))
        if picture is not None and size is not None and former:
            found.append(Earlier(picture, size[0], former))
    return found


def overwritten(store: Store, file: int, photo: DecodedPhoto, embedder: int, same: float) -> list[Earlier]:
    """Of the photos that were at a file's place before a known one came there: those of which that is a version.

    Only if it may show their faces in ones of which nothing was ever said, or in none yet: what was said of it stays.
    """
    now = photos.find(store, photo.sha256)
    before = earlier(store, file, photo.sha256, embedder)
    if now is None or not before:
        return []
    found = unplaced.undecided_faces(store, now, embedder)
    faceless = not faces.of_photo(store, now)
    return [
        version
        for version in before
        if (faceless or any(_away(face.vector, one) <= _UNLIKE * same for face in version.faces for _, one in found))
        and (laid := _laid(version, photo, version.faces, found, same)) is not None
        and laid.transform.sure
    ]


def seen_again(
    before: Sequence[Earlier], kept: Sequence[Box], photo: DecodedPhoto, detector: Detector, embedder: Embedder
) -> Seen:
    """The faces of a photo, those of its earlier versions known as such, with those that are `kept` at some places."""
    now = seen(photo, detector, embedder)
    found, known = list(now.faces), set[int]()
    for version in before:
        left = [face for face in version.faces if face.subject not in known]
        looks = [(face.box, face.vector) for face in found]
        laid = _laid(version, photo, left, looks, same(embedder)) if left else None
        if laid is None:
            continue
        again = _Again(photo, laid, detector, embedder, found)
        found = again.matched(left)
        known |= {face.subject for face in left if face.id in again.places}
    found = [*found, *_kept(photo, kept, found, embedder)]
    return Seen(photo, tuple(found), now.preview or (preview(photo.image) if found else None))


def _kept(photo: DecodedPhoto, boxes: Sequence[Box], found: Sequence[NewFace], embedder: Embedder) -> list[NewFace]:
    """What is at those places where no face was found."""
    again = face_places.same_places(dict(enumerate(boxes)), [face.box for face in found]).values()
    missed = [box.scaled(photo.image.scale) for place, box in enumerate(boxes) if place not in again]
    cut_out = shown(photo, [Detection(box, 1.0) for box in missed], embedder).faces
    return [replace(face, found=False) for face in cut_out]


@dataclass(frozen=True, slots=True, eq=False)
class _Laid:
    """A version's small picture laid on a photo; `transform`: from the version's upright full-size pixels to the
    photo's; `pixels`: from that picture's to the photo's decoded ones."""

    picture: RGB
    transform: Transform
    pixels: Transform


def _laid(
    version: Earlier,
    photo: DecodedPhoto,
    wanted: Sequence[EarlierFace],
    found: Sequence[tuple[Box, Vectors]],
    same: float,
) -> _Laid | None:
    """How an earlier version lies on a photo; None if that isn't a version of it, or can't be told."""
    try:
        picture = load_picture(version.preview)
    except PhotoError:
        return None
    small = picture.shape[1] / version.width
    hints = [
        (one.box.scaled(small), box.scaled(photo.image.scale))
        for one in wanted
        for box, looks in found
        if one.vector is not None and _away(one.vector, looks) <= same
    ]
    pixels = register(picture, photo.image.rgb, hints[:_HINTS])
    if pixels is None:
        return None
    return _Laid(picture, pixels.rescaled(1 / small, 1 / photo.image.scale), pixels)


class _Again:
    """One version's faces laid on the photo; `places`: which of them were found."""

    def __init__(
        self,
        photo: DecodedPhoto,
        laid: _Laid,
        detector: Detector,
        embedder: Embedder,
        found: Sequence[NewFace],
    ) -> None:
        self.photo, self.laid, self.transform, self.embedder = photo, laid, laid.transform, embedder
        self.places: set[int] = set()
        self.quarters = laid.transform.quarters
        self.found = list(found)
        self.upright = _turned(photo, self.quarters)
        if self.quarters:
            sideways = [self._back(face) for face in seen(self.upright, detector, embedder).faces]
            kept = [face for face in self.found if face.subject is not None]
            self.found = kept + [face for face in sideways if all(_apart(face, other) for other in kept)]

    def matched(self, wanted: Sequence[EarlierFace]) -> list[NewFace]:
        """All faces of the photo, those that are `wanted` ones marked as such."""
        limit = same(self.embedder) * (_UNLIKE if self.transform.sure else 1.0)
        where = {face.id: self.transform.box(face.box) for face in wanted}
        looks = {face.id: face.vector for face in wanted}
        free = [row for row, face in enumerate(self.found) if face.subject is None]
        pairs = sorted(
            (-overlap, former, row)
            for former, box in where.items()
            for row in free
            if (overlap := box.iou(self.found[row].box)) >= _OVERLAP
            and (away := _away(looks[former], self.found[row].vector)) <= limit
            and (away <= same(self.embedder) or self._unchanged(box))
        )
        rows: set[int] = set()
        for _, former, row in pairs:
            if former not in self.places and row not in rows:
                rows.add(row)
                self.places.add(former)
                self.found[row] = replace(self.found[row], subject=former)
        missed = [face for face in wanted if face.kept and face.id not in self.places and self.transform.sure]
        for face, box in [(face, self._inside(where[face.id])) for face in missed]:
            if box is not None and self._unchanged(box):
                added = replace(self._cut_out(box), subject=face.id)
                self.found = [other for other in self.found if other.subject is not None or _apart(other, added)]
                self.found.append(added)
                self.places.add(face.id)
        return self.found

    def _unchanged(self, box: Box) -> bool:
        """Whether what is in a box is what was there before, not something painted or pasted over it."""
        return alike_in(self.laid.picture, self.photo.image.rgb, self.laid.pixels, box.scaled(self.photo.image.scale))

    def _inside(self, box: Box) -> Box | None:
        """What of a place is in the picture, None if that is too little."""
        inside = box.within(self.photo.width, self.photo.height)
        return inside if inside is not None and inside.w * inside.h >= _INSIDE * box.w * box.h else None

    def _cut_out(self, box: Box) -> NewFace:
        upright = box.turned(self.quarters, self.photo.width, self.photo.height)
        at = Detection(upright.scaled(self.upright.image.scale), 1.0)
        [face] = shown(self.upright, [at], self.embedder).faces
        return self._back(face)

    def _back(self, face: NewFace) -> NewFace:
        """A face of the upright picture where it is in the photo."""
        size, turn = (self.upright.width, self.upright.height), -self.quarters
        return replace(
            face,
            box=face.box.turned(turn, *size),
            landmarks=tuple(turned(point, turn, *size) for point in face.landmarks),
            region=face.region.turned(turn, *size),
            turn=self.quarters,
        )


def same(embedder: Embedder) -> float:
    """The distance within which two faces are taken for one person's."""
    thresholds = embedder.info.thresholds
    return np.inf if thresholds is None else thresholds.same


def _turned(photo: DecodedPhoto, quarters: int) -> DecodedPhoto:
    if not quarters:
        return photo
    size = (photo.height, photo.width) if quarters % 2 else (photo.width, photo.height)
    rgb = np.ascontiguousarray(np.rot90(photo.image.rgb, quarters))
    return replace(photo, width=size[0], height=size[1], image=Image(rgb, photo.image.scale))


def _apart(one: NewFace, other: NewFace) -> bool:
    return one.box.iou(other.box) < _OVERLAP


def _away(vector: Vectors | None, other: Vectors) -> float:
    return 0.0 if vector is None else float(np.linalg.norm(vector - other))
