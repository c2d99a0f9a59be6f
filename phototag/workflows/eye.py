"""From a decoded photo to faces ready to be stored: detect, align, embed, crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phototag.config import Settings
from phototag.engines.registry import EngineOptions, make_detector, make_embedder
from phototag.imaging.align import align
from phototag.imaging.crops import face_crop, preview, sharpness
from phototag.store.faces import NewFace
from phototag.types import Box, DecodedPhoto, Detection, Detector, Embedder, Image
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
                    _quality(detail, detection),
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


def _quality(detail: Image, detection: Detection) -> float:
    """0 to 1: how much a face can be trusted, from its size, sharpness and detector score.

    Size counts up to 80 px of the decoded photo, the root of sharpness (variance of the Laplacian) up to
    60; both were chosen by eye, not measured.
    """
    box = detection.box.scaled(detail.scale)
    pixels = _pixels(detail, box)
    if not pixels.size:
        return 0.0
    size = min(1.0, min(box.w, box.h) / 80)
    return float(np.clip(size * min(1.0, sharpness(pixels) / 60) ** 0.5 * detection.score, 0, 1))


def _pixels(image: Image, box: Box) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    left, top = max(int(box.x), 0), max(int(box.y), 0)
    return image.rgb[top : int(box.y + box.h) + 1, left : int(box.x + box.w) + 1]
