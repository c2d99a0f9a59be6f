"""The faces of one decoded photo: detect, align, embed, judge the quality, cut out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from phototag.imaging.align import align as align_faces
from phototag.imaging.crops import face_crop, load_picture, preview
from phototag.imaging.quality import quality
from phototag.types import (
    RGB,
    Box,
    Chips,
    DecodedPhoto,
    Detection,
    Detector,
    Embedder,
    EngineInfo,
    Image,
    NewFace,
    Point,
    StoredCrop,
    Vectors,
    turned,
)


class Aligner(Protocol):
    """Cuts faces out and aligns them; `imaging.align.align` is the one that is used outside tests."""

    def __call__(
        self,
        image: RGB,
        boxes: Sequence[Box],
        *,
        alignment: str,
        size: int,
        landmarks: Sequence[tuple[Point, ...]] = (),
    ) -> Chips: ...


@dataclass(frozen=True, slots=True, eq=False)
class PhotoAnalysis:
    """Everything found on one photo: its faces, the best score first, and a preview unless there are none.

    Boxes and landmarks are in upright pixels of the full-size photo.
    """

    photo: DecodedPhoto
    faces: tuple[NewFace, ...]
    preview: bytes | None


@dataclass(frozen=True, slots=True, eq=False)
class FacePipeline:
    """A detector, an embedder, and the aligner between them. Not for use by several threads at once."""

    detector: Detector
    embedder: Embedder
    align: Aligner = align_faces

    def analyze(self, photo: DecodedPhoto) -> PhotoAnalysis:
        """Find and describe the faces of a photo."""
        [detections] = self.detector.detect([photo.image.rgb])
        return self.describe(photo, detections)

    def describe(self, photo: DecodedPhoto, detections: Sequence[Detection]) -> PhotoAnalysis:
        """Align, embed, judge and cut out the faces at given places, in pixels of the decoded image."""
        if not detections:
            return PhotoAnalysis(photo, (), None)
        info = self.embedder.info
        chips = self.align(
            photo.image.rgb,
            [detection.box for detection in detections],
            alignment=info.alignment,
            size=info.chip_size,
            landmarks=[detection.landmarks for detection in detections],
        )
        described = zip(detections, self.embedder.embed(chips), strict=True)
        faces = tuple(_face(photo.image, detection, vector) for detection, vector in described)
        return PhotoAnalysis(photo, faces, preview(photo.image))

    def describe_boxes(self, photo: DecodedPhoto, boxes: Sequence[Box]) -> PhotoAnalysis:
        """Describe the faces in boxes that were not detected (upright pixels of the full-size photo), with score 1."""
        return self.describe(photo, [Detection(box.scaled(photo.image.scale), 1.0) for box in boxes])

    def chip(self, crop: StoredCrop, info: EngineInfo | None = None) -> Chips:
        """(1, size, size, 3): the chip of a face that was cut out earlier, for this embedder or the one of `info`.

        Raises PhotoError if the crop is damaged.
        """
        info = info or self.embedder.info
        pixels = load_picture(crop.jpeg)
        side, scale = len(pixels), len(pixels) / crop.region.w
        box = crop.box.moved(-crop.region.x, -crop.region.y).scaled(scale).turned(crop.turn, side, side)
        landmarks = tuple(
            turned(((x - crop.region.x) * scale, (y - crop.region.y) * scale), crop.turn, side, side)
            for x, y in crop.landmarks
        )
        return self.align(pixels, [box], alignment=info.alignment, size=info.chip_size, landmarks=[landmarks])


def _face(image: Image, detection: Detection, vector: Vectors) -> NewFace:
    """A face in full-size pixels, from its detection in pixels of the decoded image."""
    factor = 1 / image.scale
    landmarks = tuple((x * factor, y * factor) for x, y in detection.landmarks)
    whole = Detection(detection.box.scaled(factor), detection.score, landmarks)
    crop = face_crop(image, whole.box)
    return NewFace(whole.box, landmarks, whole.score, quality(image, whole), crop.jpeg, crop.region, vector)
