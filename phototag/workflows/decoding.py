"""Decoding in worker processes: a photo that kills or hangs its worker costs that photo alone.

Pixels come back through shared memory in a fixed number of slots, so that memory is bounded however
large the library, and nothing is copied between processes but through those slots.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.shared_memory import SharedMemory
from typing import TypeAlias

import numpy as np

from phototag.errors import DiskFullError, PhotoError
from phototag.imaging.decode import decode
from phototag.types import RGB, DecodedPhoto, Image, PhotoFile

#: A worker that takes longer over one photo, in seconds, is hung.
PATIENCE = 120.0
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


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Task
    slot: SharedMemory
    since: float


def decoded(
    tasks: Iterator[Task], *, jobs: int, image_side: int, detail_side: int
) -> Generator[tuple[Task, Outcome], None, None]:
    """Decode tasks on `jobs` processes, yielding each as it is ready.

    The pixels of a `DecodedPhoto` live in a slot that is used again: they are valid until the caller
    asks for the next outcome. Raises DiskFullError where there is no shared memory for two photos.
    """
    slot_bytes = 3 * (image_side**2 + detail_side**2)
    context = multiprocessing.get_context("spawn")
    with _slots(jobs + 2, slot_bytes) as slots:
        free, idle, busy = deque(slots), list[tuple[BaseProcess, Connection]](), list[_Worker]()
        ready: deque[tuple[Task, Outcome, SharedMemory]] = deque()
        exhausted = False
        try:
            while True:
                while free and len(busy) < jobs and not exhausted:
                    task = next(tasks, None)
                    if task is None:
                        exhausted = True
                        break
                    process, pipe = _revived(idle) or _spawn(context, image_side, detail_side)
                    slot = free.popleft()
                    busy.append(_Worker(process, pipe, task, slot, time.monotonic()))
                    with suppress(OSError):  # a worker that died meanwhile shows itself below
                        pipe.send((task.path, slot.name))
                if ready:
                    task, outcome, slot = ready.popleft()
                    yield task, outcome
                    free.append(slot)
                if not busy and not ready and exhausted:
                    return
                _gather(busy, idle, ready, block=not ready)
        finally:
            for process, pipe in [*idle, *((worker.process, worker.pipe) for worker in busy)]:
                pipe.close()
                process.kill()
                process.join()


def _revived(idle: list[tuple[BaseProcess, Connection]]) -> tuple[BaseProcess, Connection] | None:
    """An idle worker that is still alive: one that died with nothing in hand is nobody's fault."""
    while idle:
        process, pipe = idle.pop()
        if process.is_alive():
            return process, pipe
        pipe.close()
    return None


def _gather(
    busy: list[_Worker],
    idle: list[tuple[BaseProcess, Connection]],
    ready: deque[tuple[Task, Outcome, SharedMemory]],
    *,
    block: bool,
) -> None:
    """Move the workers that have an answer, or none to give any more, from busy to ready."""
    heard = {id(pipe) for pipe in wait([worker.pipe for worker in busy], timeout=1.0 if block else 0)}
    for worker in list(busy):
        late = time.monotonic() - worker.since > PATIENCE
        if id(worker.pipe) not in heard and not late:
            continue
        busy.remove(worker)
        outcome: Outcome
        try:
            if id(worker.pipe) not in heard:
                raise TimeoutError
            answer: PhotoError | tuple[DecodedPhoto, list[tuple[int, int, int]]] = worker.pipe.recv()
            outcome = answer if isinstance(answer, PhotoError) else _attached(*answer, worker.slot)
            idle.append((worker.process, worker.pipe))
        except TimeoutError:
            outcome = Crash(f"took over {PATIENCE:.0f} s to decode, and was given up")
        except (EOFError, OSError):
            outcome = Crash("decoding it kills the decoder")
        if isinstance(outcome, Crash):
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()
        ready.append((worker.task, outcome, worker.slot))


@contextmanager
def _slots(count: int, size: int) -> Generator[list[SharedMemory], None, None]:
    """Up to `count` pieces of shared memory, as many as there is room for, two at the least."""
    if os.path.isdir(_SHARED):  # memory beyond its end would kill whoever writes there
        count = min(count, (shutil.disk_usage(_SHARED).free - _SPARE) // size)
        if count < 2:
            raise DiskFullError(
                f"{_SHARED} has too little shared memory to decode photos ({2 * size + _SPARE:,} B are needed): "
                "give this machine or container more of it, as by `docker run --shm-size 256m`"
            )
    slots: list[SharedMemory] = []
    try:
        slots += (SharedMemory(create=True, size=size) for _ in range(count))
        yield slots
    finally:
        for slot in slots:
            with suppress(BufferError):  # a view of the last photo may still be alive in a traceback
                slot.close()
            slot.unlink()


def _attached(photo: DecodedPhoto, shapes: list[tuple[int, int, int]], slot: SharedMemory) -> DecodedPhoto:
    pixels: list[RGB] = []
    offset = 0
    for shape in shapes:
        pixels.append(np.ndarray(shape, np.uint8, slot.buf, offset))
        offset += shape[0] * shape[1] * shape[2]
    return replace(photo, image=Image(pixels[0], photo.image.scale), detail=Image(pixels[-1], photo.detail.scale))


def _spawn(
    context: multiprocessing.context.SpawnContext, image_side: int, detail_side: int
) -> tuple[BaseProcess, Connection]:
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, image_side, detail_side), daemon=True)
    # Ctrl-C, and what stops a whole group of processes, is heard by the owner alone, who ends the workers:
    # a child inherits what is blocked when it is born.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return process, ours


def _work(pipe: Connection, image_side: int, detail_side: int) -> None:
    """A worker's life: decode what comes through the pipe until it closes."""
    slots: dict[str, SharedMemory] = {}
    nothing = Image(np.zeros((0, 0, 3), np.uint8), 1.0)
    while True:
        try:
            path, name = pipe.recv()
        except (EOFError, OSError):
            return
        if name not in slots:
            slots[name] = SharedMemory(name)
        try:
            photo = decode(path, image_side=image_side, detail_side=detail_side)
        except PhotoError as error:
            pipe.send(error)
            continue
        same = photo.image.rgb is photo.detail.rgb
        parts = [photo.image.rgb] if same else [photo.image.rgb, photo.detail.rgb]
        offset = 0
        for part in parts:
            np.ndarray(part.shape, np.uint8, slots[name].buf, offset)[...] = part
            offset += part.size
        bare = replace(
            photo, image=replace(nothing, scale=photo.image.scale), detail=replace(nothing, scale=photo.detail.scale)
        )
        pipe.send((bare, [part.shape for part in parts]))
