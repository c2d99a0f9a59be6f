"""Commands in a process of their own: how long they take, and how much memory they and their children use."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path


def run_phototag(*words: str, **environment: str) -> tuple[float, float]:
    """Seconds, and peak memory in MB, of a `phototag` command. Raises CalledProcessError where it fails."""
    command = [sys.executable, "-m", "phototag", *words]
    began = time.perf_counter()
    run = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    peak, stop = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not stop.wait(0.5):
            peak = max(peak, sum(map(_memory, _family(run.pid))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = run.wait()
    seconds = time.perf_counter() - began
    stop.set()
    watcher.join()
    if code:
        raise subprocess.CalledProcessError(code, command)
    return seconds, peak


def _family(pid: int) -> list[int]:
    """A process and its descendants (Linux)."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    except OSError:
        return [pid]
    return [pid] + [one for child in children for one in _family(int(child))]


def _memory(pid: int) -> float:
    """Proportional set size in MB, so that pages that processes share count once."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0
