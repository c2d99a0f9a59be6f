"""The interview on a terminal: pictures, a key for an answer, every answer saved at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from urllib.parse import quote_from_bytes

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import FuzzyWordCompleter
from rich.console import Console

from phototag.cli import hints, pictures
from phototag.cli.did_you_mean import is_meant
from phototag.display import counted, path_text, printable
from phototag.errors import DatabaseUnavailableError, UsageError
from phototag.interview.questions import AreTheyOne, IsItAlso, Question, WhoIsIt, WhoIsNot
from phototag.store import faces
from phototag.workflows.naming import name as naming
from phototag.workflows.naming.interview import InterviewSession, OutdatedError
from phototag.workflows.naming.near_names import resembled
from phototag.workflows.recognition.background import Tagger
from phototag.workflows.recognition.tag import Tagged

#: Faces on the sheet that `o` opens, at most.
_SHEET = 400
_ALWAYS = "[o]pen a photo  [s]kip  [u]ndo  [q]uit"
_DISMISS = "[x] no face  [d]on't care"


def interview(session: InterviewSession, tagger: Tagger | None, *, images: bool) -> Tagged | None:
    """Ask question after question until none is left or the user quits.

    `tagger`: tries the new names meanwhile, and its last result is returned.
    """
    terminal = _Terminal(session, images)
    while True:
        if tagger:
            if tagger.finished_since_last_asked():
                if tagger.error:
                    why = printable(hints.sentence(tagger.error))
                    terminal.console.print(f"New names couldn't be tried on all faces: {why}", markup=False)
                session.reload_guesses()
            _learn(tagger, session)
        session.catch_up()
        question = session.next()
        if question is None or not terminal.ask(question):
            break
    if question is None:
        terminal.console.print("Nothing is left to ask.")
    terminal.console.print(f"{session.progress()}; all saved.")
    if tagger is None:
        return None
    _learn(tagger, session)
    return tagger.close()


def _learn(tagger: Tagger, session: InterviewSession) -> None:
    if session.changed:
        tagger.request()
        session.changed = False


class _Quit(Exception):
    """The user has enough."""


class _Again(Exception):
    """That was no answer after all."""


class _Terminal:
    """Shows a question, and takes the keys that answer it."""

    def __init__(self, session: InterviewSession, images: bool) -> None:
        self.session, self.images = session, images
        self.console = Console(highlight=False, emoji=False)
        self.prompt: PromptSession[str] = PromptSession()

    def ask(self, question: Question) -> bool:
        """Ask until there is an answer, which is saved; False if the user quits."""
        self.console.rule(printable(str(self.session.progress())))
        self.console.print(self._words(question), markup=False, style="bold")
        self._show(question)
        keys, answers = self._answers(question)
        self.console.print(keys, markup=False)
        while True:
            key = click.getchar().lower()
            answer = answers.get("n" if key in ("\r", "\n") and isinstance(question, WhoIsIt) else key)
            if answer is None:
                continue
            try:
                answer()
            except _Quit:
                return False
            except _Again:
                pass
            except OutdatedError as error:
                self.console.print(hints.sentence(error), markup=False)
                return True
            except (UsageError, DatabaseUnavailableError) as error:
                self.console.print(hints.sentence(error), markup=False)
            else:
                return True
            self.console.print(keys, markup=False)

    def _words(self, question: Question) -> str:
        many = counted(len(question.shown if isinstance(question, AreTheyOne) else question.faces), "face")
        if not isinstance(question, AreTheyOne) and len(question.shown) < len(question.faces):
            many += f" ({len(question.shown)} shown; each of the others is in a group with one of these)"
        match question:
            case WhoIsIt():
                likely = (f"[{number}] {who}" for number, who in enumerate(self._likely(question), 1))
                group = f"group {question.group}, " if question.group >= 0 else ""
                once = ", met only once: a stranger, perhaps" if self.session.appearances(question) == 1 else ""
                return "  ".join((f"Who is this? {group}{many}{once}", *likely))
            case IsItAlso():
                return f"Is this also {self._who(question.person)}? {many}, those that fit least first"
            case AreTheyOne():
                one, other = (self._who(side.person) if side.person else "nobody named yet" for side in question.sides)
                return f"Are these two one person? {one}; {other}"
            case WhoIsNot():
                return f"Which of these is not {self._who(question.person)}? {many}, those that fit least first"

    def _who(self, person: int) -> str:
        return printable(self.session.name(person))

    def _likely(self, question: WhoIsIt) -> list[str]:
        return [self._who(person) for person in question.likely[:5]]

    def _show(self, question: Question) -> None:
        if not self.images:
            return
        first = 1
        sides = [side.shown for side in question.sides] if isinstance(question, AreTheyOne) else [question.shown]
        for number, side in enumerate(sides):
            if number:
                self.console.print("… and:")
            pictures.show(self.console, naming.pictures(self.session.store, side), first=first)
            first += len(side)

    def _answers(self, question: Question) -> tuple[str, dict[str, Callable[[], object]]]:
        """What can be answered, as a line of keys, and what each key does."""
        session = self.session
        always: dict[str, Callable[[], object]] = {
            "o": lambda: self._open(question),
            "s": lambda: session.skip(question),
            "u": self._undo,
            "q": _quit,
            "\x03": _quit,
            "\x04": _quit,
            "": _quit,  # the terminal is gone
        }
        if isinstance(question, AreTheyOne):
            both: dict[str, Callable[[], object]] = {
                "y": lambda: session.yes(question),
                "n": lambda: session.no(question),
            }
            return f"[y]es  [n]o, two  {_ALWAYS}", both | always
        if isinstance(question, WhoIsNot):
            who = self._who(question.person)
            those: dict[str, Callable[[], object]] = {
                "p": lambda: self._pick(question),
                "y": lambda: session.yes(question),
                "n": lambda: session.no(question),
            }
            return f"[p]ick them out  [y] all are {who}  [n]one is  {_ALWAYS}", those | always
        named: dict[str, Callable[[], object]] = {
            "p": lambda: self._pick(question),
            "m": lambda: session.mixed(question),
            "x": lambda: session.dismiss(question, "not-a-face"),
            "d": lambda: session.dismiss(question, "dont-care"),
        }
        if isinstance(question, IsItAlso):
            named |= {
                "y": lambda: session.yes(question),
                "n": lambda: session.no(question),
                "t": lambda: self._call(question),
            }
            return (
                f"[y]es  [n]o, none  [p]ick out who isn't  [t]ype who it is  [m]ixed  {_DISMISS}  {_ALWAYS}",
                named | always,
            )
        named |= {
            str(number): lambda who=person: self._saved(question, session.name(who))  # type: ignore[misc]
            for number, person in enumerate(question.likely[:5], 1)
        }
        return (
            f"[n]ame  [p]ick out others first  [m]ixed  {_DISMISS}  {_ALWAYS}",
            named | always | {"n": lambda: self._call(question)},
        )

    def _call(self, question: WhoIsIt | IsItAlso, without: Sequence[int] = ()) -> None:
        self._saved(question, self._meant(self._line("name: ", self.session.names())), without)

    def _meant(self, name: str) -> str:
        """The name typed, or the one that it is nearly. Raises _Again if neither is said to be meant."""
        nearly = resembled(self.session.store, name)
        try:
            return nearly.name if nearly and is_meant(nearly.name) else name
        except click.Abort:
            raise _Again from None

    def _saved(self, question: WhoIsIt | IsItAlso, name: str, without: Sequence[int] = ()) -> None:
        done = self.session.name_as(question, name, without)
        self.console.print(f"{counted(done.faces, 'face')} saved as {printable(done.person.name)}.", markup=False)
        if done.left_out:
            self.console.print(naming.left_out(done), markup=False)

    def _pick(self, question: WhoIsIt | IsItAlso | WhoIsNot) -> None:
        picked = _numbers(self._line("numbers of those who aren't, as 3 5-7: "), len(question.shown))
        without = [question.shown[number - 1] for number in picked]
        if isinstance(question, WhoIsIt):
            self._call(question, without)
        else:
            self.session.yes(question, without)

    def _open(self, question: Question) -> None:
        """A photo, or all faces of the question, in the desktop's viewer; then the question stands as before."""
        text = self._line("number of the face whose photo to open (all: a sheet of all faces): ")
        if text == "all":
            ids = question.shown if isinstance(question, AreTheyOne) else question.faces
            pictures.open_all(naming.pictures(self.session.store, ids[:_SHEET]))
            raise _Again
        for number in _numbers(text, len(question.shown)):
            path = faces.place(self.session.store, question.shown[number - 1]).photo
            click.echo(f"opening {path_text(path)}")
            click.launch("file://" + quote_from_bytes(path))
        raise _Again

    def _undo(self) -> None:
        done = self.session.undo()
        told = f"{done} [u] again brings it back." if done else "There is nothing to undo."
        self.console.print(told, markup=False)

    def _line(self, prompt: str, known: Sequence[str] = ()) -> str:
        """A line typed, completed over the known ones. Raises _Again if there is none."""
        try:
            text = self.prompt.prompt(prompt, completer=FuzzyWordCompleter(list(known)) if known else None).strip()
        except (KeyboardInterrupt, EOFError):
            text = ""
        if not text:
            raise _Again
        return text


def _quit() -> None:
    raise _Quit


def _numbers(text: str, most: int) -> list[int]:
    """`3 5-7` as 3, 5, 6, 7. Raises UsageError for what isn't shown."""
    found: list[int] = []
    for part in re.split(r"[\s,]+", text.strip()):
        span = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part)
        first, last = (int(span[1]), int(span[2] or span[1])) if span else (0, 0)
        if not 1 <= first <= last <= most:
            raise UsageError(f"{printable(part)} is none of the numbers 1 to {most}: nothing saved")
        found += range(first, last + 1)
    return list(dict.fromkeys(found))
