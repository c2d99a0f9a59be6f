"""The programs of a round, each with somebody who answers it; what they were told, and what they may believe saved."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pexpect

from tests.faults.two_programs.library import Library

#: Seconds that a program may take for one thing.
PATIENCE = 90
#: Browser windows that answer at once.
_WINDOWS = 3


@dataclass(frozen=True)
class Answer:
    """A name that was confirmed to whoever gave it, and the faces that it can be on; None: any one person's."""

    name: str
    faces: frozenset[int] | None


@dataclass
class User:
    """Somebody at one terminal or window: the answers that were confirmed to them, in that order."""

    confirmed: list[Answer] = field(default_factory=list)


class Program(ABC):
    """A program and those who use it, in a thread of its own.

    `told`: all that it said. `users`: those who answered. `ends`: with what its processes ended, but for killed ones,
    and what they had said last.
    """

    def __init__(self, library: Library, database: Path, dice: random.Random) -> None:
        self.library, self.database = library, database
        self.told: list[str] = []
        self.users: list[User] = []
        self.ends: list[tuple[int, str]] = []
        self.killed = False
        self.trouble: BaseException | None = None
        self._dice = dice
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._used, name=type(self).__name__)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join(4 * PATIENCE)
        assert not self._thread.is_alive(), f"{type(self).__name__} never ends"

    def kill(self) -> bool:
        """End it as a power cut would, and whether it still ran."""
        with self._lock:
            for process in self._running:
                self.killed = True
                os.kill(process, signal.SIGKILL)
        return self.killed

    def processes(self) -> list[int]:
        with self._lock:
            return list(self._running)

    @abstractmethod
    def use(self) -> None:
        """Start it, and answer it."""

    def _used(self) -> None:
        try:
            self.use()
        except BaseException as error:
            if not self.killed:  # then all sorts of ends are in order
                self.trouble = error

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "phototag", *arguments, "--db", str(self.database)]

    def _name(self) -> str:
        return f"n{self._dice.randrange(10**12):012}"

    def _wait(self, seconds: float) -> None:
        time.sleep(self._dice.uniform(0, seconds))

    @contextmanager
    def _alive(self, process: int) -> Iterator[None]:
        """The process may be killed inside; it is not waited for before the end, so that its number stays its own."""
        with self._lock:
            self._running.add(process)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(process)

    def _run(self, *arguments: str) -> int | None:
        """Run a command to its end; what it ended with, None if it was killed."""
        if self.killed:
            return None
        process = subprocess.Popen(
            self._command(*arguments), env=dict(self.library.environment), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        with process.stdout:
            with self._alive(process.pid):
                self.told.append(process.stdout.read())
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            return self._ended(process.wait())

    def _ended(self, code: int) -> int | None:
        if code == -signal.SIGKILL and self.killed:
            return None
        self.ends.append((code, self.told[-1] if self.told else ""))
        return code


class Once(Program):
    """`phototag name GROUP NAME`, several times."""

    def use(self) -> None:
        user = User()
        self.users.append(user)
        for group in self._dice.sample(sorted(self.library.groups), 3):
            name = self._name()
            if self._run("name", str(group), name) == 0:
                user.confirmed.append(Answer(name, self.library.groups[group]))
            self._wait(0.3)


class Index(Program):
    """`phototag index`, of a folder with new photos."""

    def use(self) -> None:
        self._run("index", str(self.library.later))


class Tag(Program):
    """`phototag tag`, twice."""

    def use(self) -> None:
        for _ in range(2):
            self._run("tag")


class Cluster(Program):
    """`phototag cluster`, twice."""

    def use(self) -> None:
        for _ in range(2):
            self._run("cluster")


class Interview(Program):
    """`phototag name`: the interview on a terminal."""

    _QUESTION, _SAVED, _NONE = r"\[q\] quit", r"saved as (\w+)", "Nothing is left to ask"
    _AGAIN = "look again"

    def use(self) -> None:
        user = User()
        self.users.append(user)
        executable, *arguments = self._command("name", "--no-images")
        terminal = pexpect.spawn(
            executable, arguments, env=dict(self.library.environment), encoding="utf-8", dimensions=(50, 160),
            timeout=PATIENCE, codec_errors="replace",
        )  # fmt: skip
        said = _Heard(self.told)
        terminal.logfile_read = said
        try:
            with self._alive(terminal.pid):
                self._answer(terminal, user)
                terminal.expect(pexpect.EOF)
                os.waitid(os.P_PID, terminal.pid, os.WEXITED | os.WNOWAIT)
            terminal.wait()
            self._ended(-terminal.signalstatus if terminal.signalstatus else terminal.exitstatus)
        finally:
            terminal.close(force=True)

    def _answer(self, terminal: pexpect.spawn[str], user: User) -> None:
        for _ in range(self._dice.randint(4, 9)):
            if terminal.expect([self._QUESTION, self._NONE, pexpect.EOF]):
                return
            self._wait(0.4)
            key = "n" if "Who is this?" in terminal.before else "t" if "Is this also" in terminal.before else "s"
            group = re.search(r"group (\d+), (\d+) face", terminal.before)
            faces = self.library.groups.get(int(group[1])) if group else None
            terminal.send(key)
            if key == "s":
                continue
            terminal.expect("name:")
            name = self._name()
            terminal.send(f"{name}\r")
            if terminal.expect([self._SAVED, self._AGAIN, pexpect.EOF]) == 0 and terminal.match[1] == name:
                user.confirmed.append(Answer(name, faces))
        if terminal.expect([self._QUESTION, self._NONE, pexpect.EOF]) == 0:
            terminal.send("q")


class _Heard:
    """A terminal's output, as it comes."""

    def __init__(self, told: list[str]) -> None:
        self._told = told

    def write(self, text: str) -> None:
        self._told.append(text)

    def flush(self) -> None: ...


class Pages(Program):
    """`phototag review`, with several windows in which somebody answers at once."""

    def use(self) -> None:
        process = subprocess.Popen(
            self._command("review"), env=dict(self.library.environment), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        with process.stdout:
            with self._alive(process.pid):
                address = process.stdout.readline().removeprefix("Open ").strip()
                if address.startswith("http"):
                    self._visit(address)
                    process.send_signal(signal.SIGINT)
                else:
                    self.told.append(address)
                self.told.append(process.stdout.read())
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            self._ended(process.wait())

    def _visit(self, address: str) -> None:
        windows = [_Window(self, address, random.Random(self._dice.random())) for _ in range(_WINDOWS)]
        self.users += [window.user for window in windows]
        for window in windows:
            window.start()
        for window in windows:
            window.join(2 * PATIENCE)
            assert not window.is_alive(), "a window waits for ever"
            if window.trouble and not self.killed:
                raise window.trouble


class _Window(threading.Thread):
    """A browser's window: answers questions, and names faces on their photos' pages."""

    def __init__(self, pages: Pages, address: str, dice: random.Random) -> None:
        super().__init__()
        self.user = User()
        self.trouble: Exception | None = None
        self._pages, self._dice = pages, dice
        self._here = address.partition("/?")[0]
        self._address = address
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def run(self) -> None:
        try:
            self._get(self._address)
            for _ in range(self._dice.randint(4, 9)):
                time.sleep(self._dice.uniform(0, 0.3))
                if self._dice.random() < 0.7:
                    self._question()
                else:
                    self._photo()
        except Exception as error:
            self.trouble = error

    def _question(self) -> None:
        page = self._get(f"{self._here}/")
        form = re.search(r'<form method="post" action="/answer" class="question (\w+)".*?</form>', page, re.S)
        if form is None:
            return  # none is left
        fields = _hidden(form[0])
        if form[1] not in ("who", "also"):
            self._post("/answer", {**fields, "say": "skip"})
            return
        faces = list(map(int, re.findall(r'name="face" value="(\d+)"', form[0])))
        self._call("/answer", {**fields, "face": " ".join(map(str, faces))}, faces)

    def _photo(self) -> None:
        """Name a face on its photo's page, if nobody is known to be on it."""
        face, photo = self._dice.choice(list(self._pages.library.photos.items()))
        page = self._get(f"{self._here}/photos/{photo}?face={face}")
        form = re.search(rf'<form method="post" action="/faces/{face}".*?</form>', page, re.S)
        if form and "badge unknown" in form[0]:
            self._call(f"/faces/{face}", _hidden(form[0]), [face])

    def _call(self, action: str, fields: dict[str, str], faces: Collection[int]) -> None:
        name = f"n{self._dice.randrange(10**12):012}"
        page = self._post(action, {**fields, "say": "name", "name": name})
        sentence = re.search(r'<p class="message done"[^>]*>([^<]*)', page)
        if sentence and name in unescape(sentence[1]):
            self.user.confirmed.append(Answer(name, frozenset(faces)))

    def _get(self, address: str) -> str:
        return self._load(urllib.request.Request(address))

    def _post(self, action: str, fields: dict[str, str]) -> str:
        data = urlencode(fields).encode()
        return self._load(urllib.request.Request(f"{self._here}{action}", data, {"Origin": self._here}))

    def _load(self, request: urllib.request.Request) -> str:
        try:
            with self._opener.open(request, timeout=PATIENCE) as answer:
                page = str(answer.read(), "utf-8")
        except urllib.error.HTTPError as error:
            page = str(error.read(), "utf-8")
            if error.code >= 500:
                self._pages.told.append(f"{error.code} {request.full_url}")
        self._pages.told.append(page)
        return page


def _hidden(form: str) -> dict[str, str]:
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in fields}


PROGRAMS: Sequence[type[Program]] = (Pages, Interview, Once, Index, Tag, Cluster)
