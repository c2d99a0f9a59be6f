"""From a decoded photo to faces ready to be stored: detect, align, embed, crop."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.config import Settings
from phototag.engines.registry import EngineOptions, make_detector, make_embedder
from phototag.imaging.align import align
from phototag.imaging.crops import face_crop, preview
from phototag.imaging.quality import quality
from phototag.store.faces import NewFace
from phototag.types import DecodedPhoto, Detection, Detector, Embedder
from phototag.workflows.engines import best


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A photo's faces and, if it has any, its small picture."""

    photo: DecodedPhoto
    faces: tuple[NewFace, ...]
    preview: bytes | None


@dataclass(frozen=True, slots=True)
class Eye:
    """One detector and one embedder at work; the only owner of networks in a run."""

    detector: Detector
    embedder: Embedder

    @classmethod
    def open(cls, settings: Settings) -> Eye:
        """Load the engines that the settings name, else the best installed. Raises UsageError, WeightsError."""
        options = EngineOptions(threads=settings.jobs, min_face=settings.min_face, device=settings.device)
        return cls(
            make_detector(settings.detector or best("detector"), options),
            make_embedder(settings.embedder or best("embedder"), options),
        )

    def look(self, photo: DecodedPhoto) -> Seen:
        """All faces of a photo, best score first, in upright full-size pixels."""
        [found] = self.detector.detect([photo.image.rgb])
        if not found:
            return Seen(photo, (), None)
        whole = [_scaled(detection, 1 / photo.image.scale) for detection in found]
        detail = photo.detail
        info = self.embedder.info
        chips = align(
            detail.rgb,
            [detection.box.scaled(detail.scale) for detection in whole],
            alignment=info.alignment,
            size=info.chip_size,
            landmarks=[_scaled(detection, detail.scale).landmarks for detection in whole],
        )
        vectors = self.embedder.embed(chips)
        faces = []
        for detection, vector in zip(whole, vectors, strict=True):
            crop = face_crop(detail, detection.box)
            faces.append(
                NewFace(
                    detection.box,
                    detection.landmarks,
                    detection.score,
                    quality(detail, detection),
                    crop.jpeg,
                    crop.region,
                    vector,
                )
            )
        return Seen(photo, tuple(faces), preview(photo.image))


def _scaled(detection: Detection, factor: float) -> Detection:
    return Detection(
        detection.box.scaled(factor),
        detection.score,
        tuple((x * factor, y * factor) for x, y in detection.landmarks),
    )
