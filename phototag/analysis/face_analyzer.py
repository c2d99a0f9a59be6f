"""Engines at work: several pipelines, each on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeAlias, TypeVar

import numpy as np

from phototag.analysis.decode_pool import Decoder, decode_photos
from phototag.analysis.face_pipeline import FacePipeline, PhotoAnalysis
from phototag.config import Settings
from phototag.engines.choice import best
from phototag.engines.registry import make_detector, make_embedder, on_gpu
from phototag.engines.spec import EngineOptions
from phototag.types import Chips, DecodedPhoto, Vectors

R = TypeVar("R")
#: How a pipeline finds the faces of a photo; `FacePipeline.analyze` is one.
FaceFinder: TypeAlias = Callable[[FacePipeline, DecodedPhoto], PhotoAnalysis]


class FaceAnalyzer:
    """Analyzes photos with one pipeline or more, and owns their networks. May be used by several threads.

    On CPUs there is one pipeline for each core: several photos at once use all cores better than one photo on several
    cores. A GPU gets one. `pipeline`: one of them, to be asked what its engines are. `decode`: what decodes the photos.
    """

    def __init__(self, *pipelines: FacePipeline, decode: Decoder = decode_photos) -> None:
        self.pipeline = pipelines[0]
        self.detector, self.embedder = self.pipeline.detector, self.pipeline.embedder
        self.threads = len(pipelines)
        self.decode = decode
        self._executor = ThreadPoolExecutor(self.threads, "analyzer")
        self._idle: SimpleQueue[FacePipeline] = SimpleQueue()
        for pipeline in pipelines:
            self._idle.put(pipeline)

    @classmethod
    def open(cls, settings: Settings, *, photos: int | None = None) -> FaceAnalyzer:
        """Load the engines that the settings name, or else the best installed, for so many photos if that is known.

        Raises UsageError, WeightsError.
        """
        detector = settings.detector or best("detector", settings.device)
        embedder = settings.embedder or best("embedder", settings.device)
        jobs = settings.jobs if photos is None else max(1, min(settings.jobs, photos))

        def pipeline(threads: int) -> FacePipeline:
            options = EngineOptions(threads, settings.min_face, settings.image_side, settings.device)
            return FacePipeline(make_detector(detector, options), make_embedder(embedder, options))

        if settings.device != "gpu":
            first = pipeline(1)
            if not (on_gpu(first.detector) or on_gpu(first.embedder)):
                return cls(first, *(pipeline(1) for _ in range(jobs - 1)))
            del first
        return cls(pipeline(jobs))  # one keeps a GPU busy, and a GPU has memory for few

    def submit(self, photo: DecodedPhoto, find: FaceFinder = FacePipeline.analyze) -> Future[PhotoAnalysis]:
        """Begin to analyze a photo."""
        return self._executor.submit(self._on_idle_pipeline, lambda pipeline: find(pipeline, photo))

    def embed(self, chips: Chips) -> Vectors:
        """Embed (n, size, size, 3) chips on all threads."""
        parts = [part for part in np.array_split(chips, self.threads) if len(part)]
        return np.concatenate(list(self._executor.map(self._embed, parts)))

    def _embed(self, chips: Chips) -> Vectors:
        return self._on_idle_pipeline(lambda pipeline: pipeline.embedder.embed(chips))

    def _on_idle_pipeline(self, job: Callable[[FacePipeline], R]) -> R:
        pipeline = self._idle.get()
        try:
            return job(pipeline)
        finally:
            self._idle.put(pipeline)
