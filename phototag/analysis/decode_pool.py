"""Decoding photos, in this process or in worker processes.

A damaged photo can crash or hang the C library that decodes it. In a worker that costs this photo alone; in this
process it ends the whole program. So workers decode whatever comes in bulk (a library, a folder with people to
evaluate or to train on) and whatever a server decodes, whose other requests must go on. This process decodes a few
photos that somebody named one by one: that takes less time than a worker needs to start.

Workers hand pixels back through shared memory in a fixed number of slots, so that memory stays bounded however many
photos there are, and pixels are never sent through a pipe.
"""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from typing import Generic, Protocol, TypeAlias, TypeVar

import numpy as np

from phototag import processes
from phototag.config import debugging
from phototag.errors import DiskFullError, PhotoError, PhototagError
from phototag.imaging.decode import decode
from phototag.types import RGB, DecodedPhoto

K = TypeVar("K", bound=Hashable)

#: Code of the problem with a photo whose worker died, or was stopped because it took too long.
CRASHED = "crashed"
#: So many photos are decoded in this process: workers would take longer to start.
FEW = 4
#: Seconds after which a worker that is still at the same photo is taken to hang.
TIMEOUT = 120.0
#: Photos that are sent to a worker in advance, so that it never waits.
_AHEAD = 2
#: Where Linux keeps shared memory; containers often have 64 MB only.
_SHARED = "/dev/shm"
_SPARE = 4 << 20  #: bytes of it that are left to other programs
_DECODING = threading.Lock()

Outcome: TypeAlias = DecodedPhoto | PhotoError


class Decoder(Protocol):
    """Decodes photos; `decode_photos` is the one that is used outside tests."""

    def __call__(
        self, photos: Iterable[tuple[K, bytes]], *, jobs: int, side: int
    ) -> Generator[tuple[K, Outcome], None, None]:
        """Decode photos, given as pairs of any key and an absolute path."""
        ...


def decode_photos(
    photos: Iterable[tuple[K, bytes]], *, jobs: int, side: int
) -> Generator[tuple[K, Outcome], None, None]:
    """Decode photos, given as pairs of any key and an absolute path; yield each with its key as soon as it is ready.

    `jobs`: worker processes; 0 decodes in this process, one photo at a time. `side`: see `imaging.decode`.
    The pixels of a photo are valid until the next one is asked for: their memory is used again.
    Raises DiskFullError where shared memory has no room for two photos, PhototagError if no worker can start.
    """
    return _decode_in_workers(iter(photos), jobs, side) if jobs else _decode_here(iter(photos), side)


def workers_for(photos: int, jobs: int) -> int:
    """How many of at most `jobs` workers should decode so many photos that somebody named one by one."""
    return 0 if photos <= FEW else min(jobs, photos)


def _decode_here(photos: Iterator[tuple[K, bytes]], side: int) -> Generator[tuple[K, Outcome], None, None]:
    for key, path in photos:
        outcome: Outcome
        try:
            with _DECODING:  # `decode` collects Pillow's warnings, which Python can't tell apart by thread
                outcome = decode(path, side=side)
        except PhotoError as error:
            outcome = error
        yield key, outcome


def _decode_in_workers(
    photos: Iterator[tuple[K, bytes]], jobs: int, side: int
) -> Generator[tuple[K, Outcome], None, None]:
    """As `decode_photos`. A photo whose worker dies is tried a second time, one whose worker hangs is not."""
    with _slots(_AHEAD * jobs + 1, 3 * side**2) as slots:
        descriptors = [slot.descriptor for slot in slots]
        pool: _Pool[K] = _Pool(jobs, deque(slots), lambda: _spawn(descriptors, side))
        try:
            while True:
                pool.feed(photos)
                if pool.ready:
                    key, outcome, slot = pool.ready.popleft()
                    yield key, outcome
                    pool.free.append(slot)
                elif not any(worker.sent for worker in pool.workers):
                    return
                pool.gather(block=not pool.ready)
        finally:
            for worker in pool.workers:
                worker.child.end()


#: What a worker sends: None once it is ready, then for each photo an error, or the photo and its pixels' shape.
_Message: TypeAlias = PhotoError | tuple[DecodedPhoto, tuple[int, int, int]] | None


@dataclass(frozen=True, slots=True)
class _Slot:
    """Shared memory for the pixels of one photo: a file without a name, which vanishes with its last user."""

    descriptor: int
    memory: mmap.mmap


@dataclass(slots=True)
class _Worker(Generic[K]):
    """A worker process and the photos sent to it; it decodes the first, the others wait in its pipe.

    `since`: when it began with the first (of `time.monotonic`). `started`: whether it was ever ready.
    """

    child: processes.Child
    since: float
    started: bool = False
    sent: deque[tuple[K, bytes, _Slot]] = field(default_factory=deque)


class _Pool(Generic[K]):
    """The workers, the free slots, and the outcomes that wait to be yielded."""

    def __init__(self, jobs: int, free: deque[_Slot], spawn: Callable[[], _Worker[K]]) -> None:
        self.jobs, self.free, self.spawn = jobs, free, spawn
        self.workers: list[_Worker[K]] = []
        self.ready: deque[tuple[K, Outcome, _Slot]] = deque()
        self.again: deque[tuple[K, bytes]] = deque()
        self.crashed: set[K] = set()  # photos that killed a worker once
        self.failed_starts = 0

    def feed(self, photos: Iterator[tuple[K, bytes]]) -> None:
        """Give every worker a photo to decode and the next ones in advance; start workers while there are too few."""
        while self.free:
            worker = min(self.workers, key=lambda worker: len(worker.sent), default=None)
            if worker is None or (worker.sent and len(self.workers) < self.jobs):
                worker = None
            elif len(worker.sent) >= _AHEAD:
                return
            photo = self.again.popleft() if self.again else next(photos, None)
            if photo is None:
                return
            if worker is None:
                worker = self.spawn()
                self.workers.append(worker)
            if not worker.sent:
                worker.since = time.monotonic()
            slot = self.free.popleft()
            worker.sent.append((*photo, slot))
            with suppress(OSError):  # it died meanwhile, which `gather` will find out
                worker.child.pipe.send((photo[1], slot.descriptor))

    def gather(self, *, block: bool) -> None:
        """Collect the outcomes that workers have sent; remove workers that died or hang."""
        wait([worker.child.pipe for worker in self.workers], timeout=1.0 if block else 0)
        for worker in list(self.workers):
            try:
                while worker.child.pipe.poll():
                    self._receive(worker, worker.child.pipe.recv())
            except (EOFError, OSError):
                self._remove(worker, "decoding it kills the decoder")
                continue
            if worker.sent and time.monotonic() - worker.since > TIMEOUT:
                self._remove(worker, f"took over {TIMEOUT:.0f} s to decode, and was given up", hangs=True)

    def _receive(self, worker: _Worker[K], message: _Message) -> None:
        worker.since = time.monotonic()
        if message is None:
            worker.started = True
            self.failed_starts = 0
            return
        key, _, slot = worker.sent.popleft()
        outcome = message if isinstance(message, PhotoError) else _with_pixels(*message, slot)
        self.ready.append((key, outcome, slot))

    def _remove(self, worker: _Worker[K], reason: str, *, hangs: bool = False) -> None:
        """Remove a worker. Its first photo has crashed if the worker hangs, or is the second that this photo killed;
        the others are decoded by other workers."""
        self.workers.remove(worker)
        worker.child.end()
        if not worker.started:
            self.failed_starts += 1
            if self.failed_starts > self.jobs + 1:
                raise PhototagError(
                    "the processes that decode photos end as soon as they start: what they print on standard error "
                    "says why"
                )
        elif worker.sent:
            key, path, slot = worker.sent.popleft()
            if hangs or key in self.crashed:
                self.ready.append((key, PhotoError(CRASHED, reason), slot))
            else:
                self.crashed.add(key)
                self.again.append((key, path))
                self.free.append(slot)
        for key, path, slot in worker.sent:
            self.again.append((key, path))
            self.free.append(slot)


@contextmanager
def _slots(count: int, size: int) -> Generator[list[_Slot], None, None]:
    """Up to `count` slots of `size` bytes, as many as there is room for, but at least two."""
    if os.path.isdir(_SHARED):  # writing to memory that isn't there would kill the process
        count = min(count, (shutil.disk_usage(_SHARED).free - _SPARE) // size)
        if count < 2:
            raise DiskFullError(
                f"{_SHARED} has too little shared memory to decode photos ({2 * size + _SPARE:,} B are needed): "
                "give this machine or container more of it, as by `docker run --shm-size "
                f"{(7 * size + _SPARE) // 2**20 + 1}m`, or index with a smaller --detail"
            )
    slots: list[_Slot] = []
    try:
        slots += (_slot(size) for _ in range(count))
        yield slots
    finally:
        for slot in slots:
            os.close(slot.descriptor)
            with suppress(BufferError):  # a traceback may still refer to the last photo's pixels
                slot.memory.close()


def _slot(size: int) -> _Slot:
    with tempfile.TemporaryFile(dir=_SHARED if os.path.isdir(_SHARED) else None) as file:
        file.truncate(size)
        return _Slot(os.dup(file.fileno()), mmap.mmap(file.fileno(), size))


def _with_pixels(photo: DecodedPhoto, shape: tuple[int, int, int], slot: _Slot) -> DecodedPhoto:
    pixels: RGB = np.ndarray(shape, np.uint8, slot.memory)
    return replace(photo, image=replace(photo.image, rgb=pixels))


def _spawn(descriptors: Sequence[int], side: int) -> _Worker[K]:
    return _Worker(processes.start(_work, side, fds=descriptors), time.monotonic())


def _work(side: int, pipe: Connection) -> None:
    """What a worker does: decode the photos whose paths come through the pipe, until it closes."""
    if not debugging():
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff writes its complaints straight to standard error
    pipe.send(None)
    slots: dict[int, mmap.mmap] = {}
    no_pixels = np.zeros((0, 0, 3), np.uint8)
    while True:
        try:
            path, descriptor = pipe.recv()
        except (EOFError, OSError):
            return
        if descriptor not in slots:
            slots[descriptor] = mmap.mmap(descriptor, 3 * side**2)
        try:
            photo = decode(path, side=side)
        except PhotoError as error:
            pipe.send(error)
            continue
        pixels = photo.image.rgb
        np.ndarray(pixels.shape, np.uint8, slots[descriptor])[...] = pixels
        pipe.send((replace(photo, image=replace(photo.image, rgb=no_pixels)), pixels.shape))
