"""Decoding in worker processes: a photo that kills or hangs its worker costs that photo alone.

Pixels come back through shared memory in a fixed number of slots, so that memory is bounded however
large the library, and nothing is copied between processes but through those slots.
"""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from typing import TypeAlias

import numpy as np

from phototag import processes
from phototag.config import debugging
from phototag.errors import DiskFullError, PhotoError, PhototagError
from phototag.imaging.decode import decode
from phototag.types import RGB, DecodedPhoto, PhotoFile

#: A worker that takes longer over one photo, in seconds, is hung.
PATIENCE = 120.0
#: Tasks that a worker has at hand, so that it never waits for its owner.
_AHEAD = 2
#: Where Linux keeps shared memory; containers often give it 64 MB only.
_SHARED = "/dev/shm"
_SPARE = 4 << 20  #: bytes of it that are left to others


@dataclass(frozen=True, slots=True)
class Task:
    """A photo to decode: its row, the file met on the walk, its absolute path."""

    photo: int
    file: PhotoFile
    path: bytes


@dataclass(frozen=True, slots=True)
class Crash:
    """The worker died, or was stopped for taking too long."""

    message: str


Outcome: TypeAlias = DecodedPhoto | PhotoError | Crash
#: What comes through a worker's pipe: None (hello), a refusal, or a photo and the shape of its pixels.
_Answer: TypeAlias = PhotoError | tuple[DecodedPhoto, tuple[int, int, int]] | None


@dataclass(frozen=True, slots=True)
class _Slot:
    """Memory that workers see, too: a file without a name, so that nothing is left of it whatever dies."""

    descriptor: int
    memory: mmap.mmap


@dataclass(slots=True)
class _Worker:
    """A process, and the tasks sent to it: it is at the first, and the others wait in its pipe."""

    child: processes.Child
    since: float
    greeted: bool = False
    tasks: deque[tuple[Task, _Slot]] = field(default_factory=deque)

    @property
    def pipe(self) -> Connection:
        return self.child.pipe

    def end(self) -> None:
        self.child.end()


def decoded(tasks: Iterator[Task], *, jobs: int, side: int) -> Generator[tuple[Task, Outcome], None, None]:
    """Decode tasks on `jobs` processes, yielding each as it is ready.

    The pixels of a `DecodedPhoto` live in a slot that is used again: they are valid until the caller
    asks for the next outcome. A photo whose worker dies is tried once more, one that hangs is not.
    Raises DiskFullError where there is no shared memory for two photos, PhototagError where workers
    can't start.
    """
    with _slots(_AHEAD * jobs + 1, 3 * side**2) as slots:
        descriptors = [slot.descriptor for slot in slots]
        pool = _Pool(jobs, deque(slots), lambda: _spawn(descriptors, side))
        try:
            while True:
                pool.feed(tasks)
                if pool.ready:
                    task, outcome, slot = pool.ready.popleft()
                    yield task, outcome
                    pool.free.append(slot)
                elif not any(worker.tasks for worker in pool.workers):
                    return
                pool.gather(block=not pool.ready)
        finally:
            for worker in pool.workers:
                worker.end()


class _Pool:
    """The workers, the slots that nobody uses, the outcomes that nobody fetched yet."""

    def __init__(self, jobs: int, free: deque[_Slot], spawn: Callable[[], _Worker]) -> None:
        self.jobs, self.free, self.spawn = jobs, free, spawn
        self.workers: list[_Worker] = []
        self.ready: deque[tuple[Task, Outcome, _Slot]] = deque()
        self.again: deque[Task] = deque()
        self.crashed: set[int] = set()
        self.stillborn = 0

    def feed(self, tasks: Iterator[Task]) -> None:
        """Give every worker something to do, and something to go on with."""
        while self.free:
            worker = min(self.workers, key=lambda worker: len(worker.tasks), default=None)
            if worker is None or (worker.tasks and len(self.workers) < self.jobs):
                worker = None
            elif len(worker.tasks) >= _AHEAD:
                return
            task = self.again.popleft() if self.again else next(tasks, None)
            if task is None:
                return
            if worker is None:
                worker = self.spawn()
                self.workers.append(worker)
            if not worker.tasks:
                worker.since = time.monotonic()
            slot = self.free.popleft()
            worker.tasks.append((task, slot))
            with suppress(OSError):  # a worker that died meanwhile shows itself in `gather`
                worker.pipe.send((task.path, slot.descriptor))

    def gather(self, *, block: bool) -> None:
        """Collect what the workers have done, and bury those that died or hang."""
        wait([worker.pipe for worker in self.workers], timeout=1.0 if block else 0)
        for worker in list(self.workers):
            try:
                while worker.pipe.poll():
                    self._hear(worker, worker.pipe.recv())
            except (EOFError, OSError):
                self._bury(worker, "decoding it kills the decoder")
                continue
            if worker.tasks and time.monotonic() - worker.since > PATIENCE:
                self._bury(worker, f"took over {PATIENCE:.0f} s to decode, and was given up", sure=True)

    def _hear(self, worker: _Worker, answer: _Answer) -> None:
        worker.since = time.monotonic()
        if answer is None:
            worker.greeted = True
            self.stillborn = 0
            return
        task, slot = worker.tasks.popleft()
        outcome = answer if isinstance(answer, PhotoError) else _attached(*answer, slot)
        self.ready.append((task, outcome, slot))

    def _bury(self, worker: _Worker, cause: str, *, sure: bool = False) -> None:
        """The photo that a worker was at is blamed, if not `sure` once it killed a second one; others go on."""
        self.workers.remove(worker)
        worker.end()
        if not worker.greeted:
            self.stillborn += 1
            if self.stillborn > self.jobs + 1:
                raise PhototagError(
                    "the processes that decode photos can't start; what was finished before is saved: "
                    "free some memory, or look at what they say, and run the same command again"
                )
        elif worker.tasks:
            task, slot = worker.tasks.popleft()
            if sure or task.photo in self.crashed:
                self.ready.append((task, Crash(cause), slot))
            else:
                self.crashed.add(task.photo)
                self.again.append(task)
                self.free.append(slot)
        for task, slot in worker.tasks:
            self.again.append(task)
            self.free.append(slot)


@contextmanager
def _slots(count: int, size: int) -> Generator[list[_Slot], None, None]:
    """Up to `count` pieces of shared memory, as many as there is room for, two at the least."""
    if os.path.isdir(_SHARED):  # memory beyond its end would kill whoever writes there
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
            with suppress(BufferError):  # a view of the last photo may still be alive in a traceback
                slot.memory.close()


def _slot(size: int) -> _Slot:
    with tempfile.TemporaryFile(dir=_SHARED if os.path.isdir(_SHARED) else None) as file:
        file.truncate(size)
        return _Slot(os.dup(file.fileno()), mmap.mmap(file.fileno(), size))


def _attached(photo: DecodedPhoto, shape: tuple[int, int, int], slot: _Slot) -> DecodedPhoto:
    pixels: RGB = np.ndarray(shape, np.uint8, slot.memory)
    return replace(photo, image=replace(photo.image, rgb=pixels))


def _spawn(descriptors: Sequence[int], side: int) -> _Worker:
    return _Worker(processes.start(_work, side, fds=descriptors), time.monotonic())


def _work(side: int, pipe: Connection) -> None:
    """A worker's life: decode what comes through the pipe until it closes."""
    if not debugging():
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff writes its complaints straight to standard error
    pipe.send(None)
    slots: dict[int, mmap.mmap] = {}
    nothing = np.zeros((0, 0, 3), np.uint8)
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
        pipe.send((replace(photo, image=replace(photo.image, rgb=nothing)), pixels.shape))
