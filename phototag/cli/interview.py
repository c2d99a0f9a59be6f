"""The interview on a terminal: pictures, one key for an answer, every answer saved at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote_from_bytes

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import FuzzyWordCompleter
from rich.console import Console

from phototag.cli import hints, pictures
from phototag.cli.did_you_mean import confirm_name
from phototag.cli.interview_text import Choice, all_of_them, none_of_them, question_text, typed_numbers
from phototag.cli.interview_text import hints as key_hints
from phototag.display import counted, path_text, printable
from phototag.errors import DatabaseUnavailableError, UsageError
from phototag.interview.questions import AreTheyOne, IsItAlso, Question, WhoIsIt, WhoIsNot
from phototag.store import faces
from phototag.workflows.naming import name as naming
from phototag.workflows.naming.interview import InterviewSession, OutdatedError
from phototag.workflows.naming.near_names import similar_person
from phototag.workflows.recognition.background import Tagger
from phototag.workflows.recognition.tag import Tagged

#: Faces on the sheet that `o` opens, at most.
_MAX_SHEET = 400
#: People who are offered for a group by a number key.
_OFFERED = 5


def interview(session: InterviewSession, tagger: Tagger | None, *, images: bool) -> Tagged | None:
    """Ask question after question until none is left or the user quits.

    `tagger`: tries new names on all faces meanwhile; its last result is returned.
    """
    terminal = _Terminal(session, images)
    while True:
        if tagger:
            _exchange_news(terminal, tagger)
        session.catch_up()
        question = session.next()
        if question is None or not terminal.ask(question):
            break
    if question is None:
        terminal.say("Nothing is left to ask.")
    terminal.say(f"{session.progress()}; all saved.")
    if tagger is None:
        return None
    _request_tags(tagger, session)
    return tagger.close()


def _exchange_news(terminal: _Terminal, tagger: Tagger) -> None:
    """Take new tags from the tagger, and let it learn from new answers."""
    if tagger.finished_since_last_asked():
        if tagger.error:
            why = printable(hints.sentence(tagger.error))
            terminal.say(f"New names couldn't be tried on all faces: {why}")
        terminal.session.reload_guesses()
    _request_tags(tagger, terminal.session)


def _request_tags(tagger: Tagger, session: InterviewSession) -> None:
    if session.changed:
        tagger.request()
        session.changed = False


class _Quit(Exception):
    """The user wants to end the interview."""


class _NotAnswered(Exception):
    """The key was no answer, or its answer was given up: the question stays."""


class _Terminal:
    """Shows a question, and takes the keys that answer it."""

    def __init__(self, session: InterviewSession, images: bool) -> None:
        self.session, self.images = session, images
        self.console = Console(highlight=False, emoji=False)
        self.prompt: PromptSession[str] = PromptSession()

    def say(self, text: str) -> None:
        """Print a line as it is, without markup."""
        self.console.print(text, markup=False)

    def ask(self, question: Question) -> bool:
        """Ask until there is an answer, which is saved; False if the user quits."""
        self.console.rule(printable(str(self.session.progress())))
        appearances = self.session.appearances(question) if isinstance(question, WhoIsIt) else 0
        self._show(question)
        # Below the pictures: on a small terminal these leave no room above.
        self.console.print(question_text(question, self._name, appearances), markup=False, style="bold")
        choices = self._choices(question)
        keys = "\n".join(key_hints(line, self.console.width) for line in (choices, self._always(question)))
        actions = {key: choice.act for choice in (*choices, *self._always(question)) for key in choice.keys}
        self.say(keys)
        while True:
            action = actions.get(click.getchar().lower())
            if action is None:
                continue
            try:
                action()
                return True
            except _Quit:
                return False
            except _NotAnswered:
                pass
            except OutdatedError as error:
                self.say(hints.sentence(error))
                return True
            except (UsageError, DatabaseUnavailableError) as error:
                self.say(hints.sentence(error))
            self.say(keys)

    def _name(self, person: int) -> str:
        return printable(self.session.name(person))

    def _show(self, question: Question) -> None:
        """The faces with their numbers, if pictures are wanted."""
        if not self.images:
            return
        first = 1
        sides = [side.shown for side in question.sides] if isinstance(question, AreTheyOne) else [question.shown]
        for number, side in enumerate(sides):
            if number:
                self.say("… and:")
            pictures.show(self.console, naming.crops(self.session.store, side), first=first)
            first += len(side)

    # --- keys ---

    def _choices(self, question: Question) -> list[Choice]:
        """The answers to a question."""
        session = self.session
        if isinstance(question, AreTheyOne):
            return [
                Choice(("y",), "the same person", lambda: session.yes(question)),
                Choice(("n",), "different people", lambda: session.no(question)),
            ]
        if isinstance(question, WhoIsIt):
            likely = [
                Choice((str(number),), self._name(person), partial(self._save, question, session.name(person)))
                for number, person in enumerate(question.likely[:_OFFERED], 1)
            ]
            return [
                *likely,
                Choice(("n", "\r", "\n"), "type a name", lambda: self._type_name(question)),
                Choice(("p",), "pick out wrong faces first", lambda: self._pick(question)),
                *self._dismissals(question),
            ]
        who = self._name(question.person)
        yes_or_no = [
            Choice(("y",), f"{all_of_them(question)} {who}", lambda: session.yes(question)),
            Choice(("p",), "pick the wrong ones", lambda: self._pick(question)),
            Choice(("0", "n"), f"{none_of_them(question)} {who}", lambda: session.no(question)),
        ]
        if isinstance(question, WhoIsNot):
            return yes_or_no
        somebody_else = Choice(("t",), "type who else it is", lambda: self._type_name(question))
        return [*yes_or_no, somebody_else, *self._dismissals(question)]

    def _dismissals(self, question: WhoIsIt | IsItAlso) -> list[Choice]:
        session = self.session
        return [
            Choice(("m",), "several people", lambda: session.mixed(question)),
            Choice(("x",), "not a face", lambda: session.dismiss(question, "not-a-face")),
            Choice(("d",), "ignore", lambda: session.dismiss(question, "dont-care")),
        ]

    def _always(self, question: Question) -> list[Choice]:
        """The keys that every question has; Ctrl-C, Ctrl-D and a terminal that is gone end the interview, too."""
        return [
            Choice(("o",), "open a photo", lambda: self._open(question)),
            Choice(("s",), "skip", lambda: self.session.skip(question)),
            Choice(("u",), "undo", self._undo),
            Choice(("q", "\x03", "\x04", ""), "quit", _quit),
        ]

    # --- what keys do ---

    def _type_name(self, question: WhoIsIt | IsItAlso, without: Sequence[int] = ()) -> None:
        self._save(question, self._confirmed(self._line("name: ", self.session.names())), without)

    def _confirmed(self, name: str) -> str:
        """The typed name, or the known name near it if that one is meant. Raises _NotAnswered if the user gives up."""
        nearly = similar_person(self.session.store, name)
        try:
            return nearly.name if nearly and confirm_name(nearly.name) else name
        except click.Abort:
            raise _NotAnswered from None

    def _save(self, question: WhoIsIt | IsItAlso, name: str, without: Sequence[int] = ()) -> None:
        done = self.session.name_as(question, name, without)
        self.say(f"{counted(done.faces, 'face')} saved as {printable(done.person.name)}.")
        if done.left_out:
            self.say(naming.left_out_sentence(done))

    def _pick(self, question: WhoIsIt | IsItAlso | WhoIsNot) -> None:
        """The answer without some faces, whose numbers are typed."""
        picked = typed_numbers(self._line("numbers of the wrong faces, as in 3 5-7: "), len(question.shown))
        without = [question.shown[number - 1] for number in picked]
        if isinstance(question, WhoIsIt):
            self._type_name(question, without)
        else:
            self.session.yes(question, without)

    def _open(self, question: Question) -> None:
        """Open a photo, or a sheet of all faces, in the desktop's viewer. The question stays."""
        text = self._line("number of the face whose photo to open (all: a sheet of all faces): ")
        if text == "all":
            ids = question.shown if isinstance(question, AreTheyOne) else question.faces
            pictures.open_all(naming.crops(self.session.store, ids[:_MAX_SHEET]))
            raise _NotAnswered
        for number in typed_numbers(text, len(question.shown)):
            path = faces.place(self.session.store, question.shown[number - 1]).photo
            click.echo(f"opening {path_text(path)}")
            click.launch("file://" + quote_from_bytes(path))
        raise _NotAnswered

    def _undo(self) -> None:
        done = self.session.undo()
        self.say(f"{done} You can undo this with `u`." if done else "There is nothing to undo.")

    def _line(self, prompt: str, known: Sequence[str] = ()) -> str:
        """A typed line, completed from `known`. Raises _NotAnswered if it is empty."""
        try:
            text = self.prompt.prompt(prompt, completer=FuzzyWordCompleter(list(known)) if known else None).strip()
        except (KeyboardInterrupt, EOFError):
            text = ""
        if not text:
            raise _NotAnswered
        return text


def _quit() -> None:
    raise _Quit
