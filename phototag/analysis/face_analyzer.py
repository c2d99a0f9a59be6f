"""From a decoded photo to faces ready to be stored: detect, align, embed, crop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

import numpy as np

from phototag.config import Settings
from phototag.engines.choice import best
from phototag.engines.registry import EngineOptions, make_detector, make_embedder, on_gpu
from phototag.imaging.align import align
from phototag.imaging.crops import face_crop, preview
from phototag.imaging.quality import quality
from phototag.types import Box, Chips, DecodedPhoto, Detection, Detector, Embedder, NewFace, Vectors

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A photo's faces and, if it has any, its small picture."""

    photo: DecodedPhoto
    faces: tuple[NewFace, ...]
    preview: bytes | None


class Eye:
    """Detectors and embedders at work; the only owner of networks in a run.

    A pair for each thread, and each network on one thread: photos side by side keep all cores busier than
    one photo on several cores does. (Where a GPU is at work, one pair.) `detector`, `embedder`: one of them, to be
    asked what it is.
    """

    def __init__(self, *pairs: tuple[Detector, Embedder]) -> None:
        self.detector, self.embedder = pairs[0]
        self.threads = len(pairs)
        self._pool = ThreadPoolExecutor(self.threads)
        self._free: SimpleQueue[tuple[Detector, Embedder]] = SimpleQueue()
        for pair in pairs:
            self._free.put(pair)

    @classmethod
    def open(cls, settings: Settings) -> Eye:
        """Load the engines that the settings name, else the best installed. Raises UsageError, WeightsError."""
        names = (
            settings.detector or best("detector", settings.device),
            settings.embedder or best("embedder", settings.device),
        )

        def pair(threads: int) -> tuple[Detector, Embedder]:
            options = EngineOptions(threads, settings.min_face, settings.image_side, settings.device)
            return make_detector(names[0], options), make_embedder(names[1], options)

        if settings.device != "gpu":
            first = pair(1)
            if not any(map(on_gpu, first)):
                return cls(first, *(pair(1) for _ in range(settings.jobs - 1)))
            del first
        return cls(pair(settings.jobs))  # one keeps a GPU busy, and a GPU holds few

    def look(
        self, photo: DecodedPhoto, job: Callable[[DecodedPhoto, Detector, Embedder], Seen] | None = None
    ) -> Future[Seen]:
        """Begin to look for faces (by `job`). What is found has the best score first, in upright full-size pixels."""
        return self._pool.submit(self._with_pair, job or seen, photo)

    def show(self, photo: DecodedPhoto, boxes: Sequence[Box]) -> Seen:
        """The faces at places (upright full-size pixels) that a human shows: as if a detector were sure of them."""
        found = [Detection(box.scaled(photo.image.scale), 1.0) for box in boxes]
        return self._pool.submit(self._with_pair, _shown, (photo, found)).result()

    def embed(self, chips: Chips) -> Vectors:
        """Embed on all threads."""
        parts = [part for part in np.array_split(chips, self.threads) if len(part)]
        return np.concatenate(list(self._pool.map(partial(self._with_pair, _embedded), parts)))

    def _with_pair(self, job: Callable[[T, Detector, Embedder], R], value: T) -> R:
        pair = self._free.get()
        try:
            return job(value, *pair)
        finally:
            self._free.put(pair)


def _embedded(chips: Chips, _: Detector, embedder: Embedder) -> Vectors:
    return embedder.embed(chips)


def seen(photo: DecodedPhoto, detector: Detector, embedder: Embedder) -> Seen:
    """The faces that a detector finds in a photo."""
    [found] = detector.detect([photo.image.rgb])
    return shown(photo, found, embedder)


def _shown(places: tuple[DecodedPhoto, Sequence[Detection]], _: Detector, embedder: Embedder) -> Seen:
    return shown(*places, embedder)


def shown(photo: DecodedPhoto, found: Sequence[Detection], embedder: Embedder) -> Seen:
    """What faces look like, given where they are in the photo's image."""
    if not found:
        return Seen(photo, (), None)
    image, info = photo.image, embedder.info
    chips = align(
        image.rgb,
        [detection.box for detection in found],
        alignment=info.alignment,
        size=info.chip_size,
        landmarks=[detection.landmarks for detection in found],
    )
    faces = []
    for detection, vector in zip(found, embedder.embed(chips), strict=True):
        whole = _scaled(detection, 1 / image.scale)
        crop = face_crop(image, whole.box)
        faces.append(
            NewFace(
                whole.box,
                whole.landmarks,
                whole.score,
                quality(image, whole),
                crop.jpeg,
                crop.region,
                vector,
            )
        )
    return Seen(photo, tuple(faces), preview(image))


def _scaled(detection: Detection, factor: float) -> Detection:
    return Detection(
        detection.box.scaled(factor),
        detection.score,
        tuple((x * factor, y * factor) for x, y in detection.landmarks),
    )
