"""Versions: faces of a photo that was edited in place are matched with those on the photo before the edit.

Both pictures are registered, which says where each earlier face must be. A face that was detected there is that earlier
face if it looks like the same person, or if its pixels are unchanged. Where a human named a face and no detector finds
it (it now lies on its side, or is small), it is cut out at that place. So are the faces of a photo that was forgotten
and came back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from phototag.analysis.face_pipeline import FacePipeline, PhotoAnalysis
from phototag.errors import PhotoError
from phototag.imaging.crops import load_picture, preview
from phototag.imaging.registration import Transform, correlates_within, register
from phototag.store import face_places, faces, files, photos, unplaced
from phototag.store.connect import Store
from phototag.store.unplaced import EarlierFace
from phototag.types import RGB, Box, DecodedPhoto, EngineInfo, Image, NewFace, Vectors, turned

#: How many earlier versions are considered.
_VERSIONS = 4
#: Least overlap (IoU) of a detected face with the place where an earlier one must be.
_OVERLAP = 0.3
#: Least share of that place that must be inside the picture.
_INSIDE = 0.6
#: Faces farther apart than this multiple of the embedder's threshold are never the same, wherever they are.
_UNLIKE = 2.0
#: At most so many pairs of faces that look alike help to register pictures that have nothing else in common.
_HINTS = 16


@dataclass(frozen=True, slots=True, eq=False)
class EarlierVersion:
    """A photo that was at a file's place before: its preview, its upright `width`, and faces that were decided on."""

    preview: bytes
    width: int
    faces: tuple[EarlierFace, ...]


def earlier_versions(store: Store, file: int, sha256: str, embedder: int) -> list[EarlierVersion]:
    """The photos that were at a file's place before it had this content, the latest first, with a human's decisions."""
    versions = []
    now = photos.find(store, sha256)
    for photo in files.predecessors(store, file, _VERSIONS):
        if photo == now:
            continue
        picture, size = photos.preview(store, photo), photos.size(store, photo)
        decided = tuple(unplaced.earlier_faces(store, photo, embedder))
        if picture is not None and size is not None and decided:
            versions.append(EarlierVersion(picture, size[0], decided))
    return versions


def overwritten_versions(
    store: Store, file: int, photo: DecodedPhoto, embedder: int, threshold: float
) -> list[EarlierVersion]:
    """Earlier versions of a known photo that now lies at their file's place, if it may show their faces.

    It may if it has no faces, or an undecided one that looks like theirs: decisions on the photo itself stay.
    """
    now = photos.find(store, photo.sha256)
    before = earlier_versions(store, file, photo.sha256, embedder)
    if now is None or not before:
        return []
    undecided = unplaced.undecided_faces(store, now, embedder)
    faceless = not faces.of_photo(store, now)

    def may_show(version: EarlierVersion) -> bool:
        return faceless or any(
            _distance(face.vector, vector) <= _UNLIKE * threshold for face in version.faces for _, vector in undecided
        )

    return [
        version
        for version in before
        if may_show(version)
        and (overlay := _register(version, photo, version.faces, undecided, threshold)) is not None
        and overlay.transform.sure
    ]


def find_again(
    versions: Sequence[EarlierVersion], kept: Sequence[Box], pipeline: FacePipeline, photo: DecodedPhoto
) -> PhotoAnalysis:
    """Analyze a photo, and match its faces with those of its earlier versions (`NewFace.subject`).

    `kept`: places at which a face is cut out even if it is not detected.
    """
    analysis = pipeline.analyze(photo)
    found, matched = list(analysis.faces), set[int]()
    for version in versions:
        wanted = [face for face in version.faces if face.subject not in matched]
        vectors = [(face.box, face.vector) for face in found]
        threshold = same_distance(pipeline.embedder.info)
        overlay = _register(version, photo, wanted, vectors, threshold) if wanted else None
        if overlay is None:
            continue
        matcher = _Matcher(photo, overlay, pipeline, found)
        found = matcher.match(wanted)
        matched |= {face.subject for face in wanted if face.id in matcher.matched}
    found = [*found, *_cut_out_kept(photo, kept, found, pipeline)]
    return PhotoAnalysis(photo, tuple(found), analysis.preview or (preview(photo.image) if found else None))


def _cut_out_kept(
    photo: DecodedPhoto, kept: Sequence[Box], found: Sequence[NewFace], pipeline: FacePipeline
) -> list[NewFace]:
    """Faces cut out at those of the `kept` places where none was detected."""
    detected = face_places.same_places(dict(enumerate(kept)), [face.box for face in found]).values()
    missed = [box for row, box in enumerate(kept) if row not in detected]
    return [replace(face, found=False) for face in pipeline.describe_boxes(photo, missed).faces]


@dataclass(frozen=True, slots=True, eq=False)
class _Overlay:
    """How the preview of an earlier version lies on a photo.

    `transform`: from the version's upright full-size pixels to the photo's. `pixels`: from the preview's pixels to the
    photo's decoded ones.
    """

    picture: RGB
    transform: Transform
    pixels: Transform


def _register(
    version: EarlierVersion,
    photo: DecodedPhoto,
    wanted: Sequence[EarlierFace],
    found: Sequence[tuple[Box, Vectors]],
    threshold: float,
) -> _Overlay | None:
    """How an earlier version lies on a photo; None if the photo isn't a version of it, or that can't be told."""
    try:
        picture = load_picture(version.preview)
    except PhotoError:
        return None
    scale = picture.shape[1] / version.width
    hints = [
        (face.box.scaled(scale), box.scaled(photo.image.scale))
        for face in wanted
        for box, vector in found
        if face.vector is not None and _distance(face.vector, vector) <= threshold
    ]
    pixels = register(picture, photo.image.rgb, hints[:_HINTS])
    if pixels is None:
        return None
    return _Overlay(picture, pixels.rescaled(1 / scale, 1 / photo.image.scale), pixels)


class _Matcher:
    """Matches the faces of a photo with those of one earlier version; `matched`: ids of the earlier ones so far."""

    def __init__(
        self, photo: DecodedPhoto, overlay: _Overlay, pipeline: FacePipeline, found: Sequence[NewFace]
    ) -> None:
        self.photo, self.overlay, self.transform, self.pipeline = photo, overlay, overlay.transform, pipeline
        self.threshold = same_distance(pipeline.embedder.info)
        self.matched: set[int] = set()
        self.found = list(found)
        self.quarters = self.transform.quarters
        self.upright = _turned(photo, self.quarters)
        if self.quarters:  # the photo was turned, and faces are detected only while they are upright
            upright = [self._turned_back(face) for face in pipeline.analyze(self.upright).faces]
            kept = [face for face in self.found if face.subject is not None]
            self.found = kept + [face for face in upright if all(_apart(face, other) for other in kept)]

    def match(self, wanted: Sequence[EarlierFace]) -> list[NewFace]:
        """All faces of the photo; those that are `wanted` ones have them as their subject."""
        places = {face.id: self.transform.box(face.box) for face in wanted}
        taken: set[int] = set()
        for _, earlier, row in self._pairs(wanted, places):
            if earlier not in self.matched and row not in taken:
                taken.add(row)
                self.matched.add(earlier)
                self.found[row] = replace(self.found[row], subject=earlier)
        if self.transform.sure:
            for face in wanted:
                if face.kept and face.id not in self.matched:
                    self._cut_out(face, places[face.id])
        return self.found

    def _pairs(self, wanted: Sequence[EarlierFace], places: dict[int, Box]) -> list[tuple[float, int, int]]:
        """(−overlap, earlier face, row of a face found) of all that may be the same, the largest overlap first."""
        limit = self.threshold * (_UNLIKE if self.transform.sure else 1.0)
        return sorted(
            (-overlap, earlier.id, row)
            for earlier in wanted
            for row, face in enumerate(self.found)
            if face.subject is None
            and (overlap := places[earlier.id].iou(face.box)) >= _OVERLAP
            and (distance := _distance(earlier.vector, face.vector)) <= limit
            and (distance <= self.threshold or self._unchanged(places[earlier.id]))
        )

    def _cut_out(self, earlier: EarlierFace, place: Box) -> None:
        """Cut an earlier face out at its place, if that is in the picture and shows what it showed."""
        box = place.within(self.photo.width, self.photo.height)
        if box is None or box.w * box.h < _INSIDE * place.w * place.h or not self._unchanged(box):
            return
        upright = box.turned(self.quarters, self.photo.width, self.photo.height)
        [face] = self.pipeline.describe_boxes(self.upright, [upright]).faces
        face = replace(self._turned_back(face), subject=earlier.id)
        self.found = [other for other in self.found if other.subject is not None or _apart(other, face)] + [face]
        self.matched.add(earlier.id)

    def _unchanged(self, box: Box) -> bool:
        """Whether a box shows what it showed before, and not something painted or pasted over it."""
        scaled = box.scaled(self.photo.image.scale)
        return correlates_within(self.overlay.picture, self.photo.image.rgb, self.overlay.pixels, scaled)

    def _turned_back(self, face: NewFace) -> NewFace:
        """A face found in the upright picture, where it is in the photo."""
        size, turn = (self.upright.width, self.upright.height), -self.quarters
        return replace(
            face,
            box=face.box.turned(turn, *size),
            landmarks=tuple(turned(point, turn, *size) for point in face.landmarks),
            region=face.region.turned(turn, *size),
            turn=self.quarters,
        )


def same_distance(embedder: EngineInfo) -> float:
    """The distance below which two faces are taken for one person; infinite if the embedder doesn't say."""
    return np.inf if embedder.thresholds is None else embedder.thresholds.same


def _turned(photo: DecodedPhoto, quarters: int) -> DecodedPhoto:
    """A photo turned to the left by quarter turns."""
    if not quarters:
        return photo
    size = (photo.height, photo.width) if quarters % 2 else (photo.width, photo.height)
    rgb = np.ascontiguousarray(np.rot90(photo.image.rgb, quarters))
    return replace(photo, width=size[0], height=size[1], image=Image(rgb, photo.image.scale))


def _apart(one: NewFace, other: NewFace) -> bool:
    return one.box.iou(other.box) < _OVERLAP


def _distance(earlier: Vectors | None, found: Vectors) -> float:
    """The distance of two faces; 0 if the earlier one's vector is not known."""
    return 0.0 if earlier is None else float(np.linalg.norm(earlier - found))
