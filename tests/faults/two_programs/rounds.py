"""Rounds: two programs at one database, in random order, either killed or not; and what is left of their answers."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, pairwise
from pathlib import Path

from tests.faults.two_programs.library import Library, people
from tests.faults.two_programs.programs import PROGRAMS, Answer, Program

PAIRS = list(combinations_with_replacement(PROGRAMS, 2))
#: What no user may ever be told: the database is sound, and nothing here is anybody's mistake but ours.
_NEVER = re.compile(r"damaged|Traceback|a bug in phototag|this is a bug|reported an error|moved, removed or replaced")
#: With what a program may end that nobody killed: done, refused (a group that was named meanwhile), Ctrl-C.
_ENDS = {0, 2, 130}
#: Share of rounds in which one of the two is killed, and seconds within which.
_KILLS, _WITHIN = 0.5, 6.0
#: Seconds after which shared memory that is deleted, and still open, is held.
_HELD = 2.0


@dataclass
class Played:
    """What came of a round.

    `kept`: confirmed answers that are in the journal; `doubled`: in it more than once; `misplaced`: on other faces than
    they were given to; `disordered`: before one that was confirmed to the same user earlier; `overwritten`: faces that
    were named again by somebody who didn't know. `faults`: everything that is wrong, in words. `journal`: SQLite's
    mode: `wal`, a log ahead, or `delete`.
    """

    pair: str
    killed: str
    confirmed: int = 0
    kept: int = 0
    doubled: int = 0
    misplaced: int = 0
    disordered: int = 0
    overwritten: int = 0
    faults: list[str] = field(default_factory=list)
    journal: str = ""


def called(pair: Iterable[type[Program]]) -> str:
    """A pair in words, whichever of the two is started first."""
    return " + ".join(sorted(program.__name__ for program in pair))


def play(library: Library, number: int) -> Played:
    """One round; its number decides the pair, and with what is random there."""
    dice = random.Random(number)
    pair = list(PAIRS[number % len(PAIRS)])
    dice.shuffle(pair)
    with tempfile.TemporaryDirectory(dir=library.folder) as folder:
        database = library.copy(Path(folder))
        programs = [program(library, database, random.Random(dice.random())) for program in pair]
        victim = dice.choice(programs) if dice.random() < _KILLS else None
        with _Watch(programs) as watch:
            _run(programs, victim, dice)
        killed = type(victim).__name__ if victim and victim.killed else ""
        played = Played(called(pair), killed)
        played.faults += [*watch.faults, *_heard(programs)]
        with closing(sqlite3.connect(database)) as connection:
            _check(connection, library, programs, played)
        return played


def _run(programs: Sequence[Program], victim: Program | None, dice: random.Random) -> None:
    first, second = programs
    first.start()
    time.sleep(dice.uniform(0, 2))
    second.start()
    if victim:
        time.sleep(dice.uniform(0.5, _WITHIN))
        victim.kill()
    for program in programs:
        program.join()


def _heard(programs: Sequence[Program]) -> Iterator[str]:
    """What programs said that they shouldn't, and how they shouldn't end."""
    for program in programs:
        who = type(program).__name__
        if program.trouble is not None:
            yield f"{who}: {type(program.trouble).__name__}: {program.trouble}"
        for text in program.told:
            if found := _NEVER.search(text):
                yield f"{who} said: {text[max(found.start() - 200, 0) : found.end() + 300]}"
        for code, text in program.ends:
            if code not in _ENDS:
                yield f"{who} ended with {code}: {text[-500:]}"


def _check(connection: sqlite3.Connection, library: Library, programs: Sequence[Program], played: Played) -> None:
    """Compare the journal with what was confirmed."""
    found = [*connection.execute("PRAGMA integrity_check"), *connection.execute("PRAGMA foreign_key_check")]
    if found != [("ok",)]:
        played.faults.append(f"the database is damaged: {found[:3]}")
    [(played.journal,)] = connection.execute("PRAGMA journal_mode")
    on = people(connection)
    journal: dict[str, dict[int, set[int]]] = {}  # name: answer: faces
    for name, answer, face in connection.execute(
        "SELECT p.name, d.answer, d.face FROM decision d JOIN person p ON p.id = d.person WHERE d.verb = 'is'"
    ):
        journal.setdefault(name, {}).setdefault(answer, set()).add(face)
    for user in (user for program in programs for user in program.users):
        played.confirmed += len(user.confirmed)
        kept = [(min(answers), answers, said) for said in user.confirmed if (answers := journal.get(said.name))]
        played.kept += len(kept)
        played.doubled += sum(len(answers) > 1 for _, answers, _ in kept)
        played.misplaced += sum(not _in_place(answers[number], said, on) for number, answers, said in kept)
        played.disordered += sum(later[0] < earlier[0] for earlier, later in pairwise(kept))
    named = Counter(face for answers in journal.values() for faces in answers.values() for face in faces)
    played.overwritten = sum(times > 1 for times in named.values())
    lost = played.confirmed - played.kept
    for count, what in (
        (lost, "lost"), (played.doubled, "doubled"), (played.misplaced, "on wrong faces"),
        (played.disordered, "out of order"), (played.overwritten, "overwritten"),
    ):  # fmt: skip
        if count:
            played.faults.append(f"{count} {what}")


def _in_place(faces: set[int], said: Answer, on: dict[int, int]) -> bool:
    """Whether an answer is on the faces that it was given to: those of one person that were asked about.

    The group may have grown meanwhile, by photos of the same person.
    """
    if said.faces is None:
        return len({on[face] for face in faces}) == 1
    return {on[face] for face in faces} <= {on[face] for face in said.faces}


class _Watch:
    """Looks all the time whether a program has a log open that another one deleted."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self._programs = programs
        self._held: set[str] = set()
        self._since: dict[tuple[int, str, str], float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch")

    def __enter__(self) -> _Watch:
        if Path("/proc/self/fd").exists():
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread.ident:
            self._thread.join()

    @property
    def faults(self) -> list[str]:
        return sorted(self._held)

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            seen = {
                (process, descriptor, file): self._since.get((process, descriptor, file), time.monotonic())
                for program in self._programs
                for process in program.processes()
                for descriptor, file in _deleted(process)
            }
            for (_, _, file), since in seen.items():
                # SQLite closes a log before it deletes it, and shared memory after.
                if "-wal" in file or time.monotonic() - since > _HELD:
                    self._held.add(f"a process holds {Path(file).name}")
            self._since = seen


def _deleted(process: int) -> Iterator[tuple[str, str]]:
    folder = f"/proc/{process}/fd"
    with suppress(OSError):
        for descriptor in os.listdir(folder):
            with suppress(OSError):
                file = os.readlink(f"{folder}/{descriptor}")
                if re.search(r"-(wal|shm) \(deleted\)$", file):
                    yield descriptor, file
