"""The naming interview on a terminal: pictures of a group, a key for an answer, every answer saved at once."""

from __future__ import annotations

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import FuzzyWordCompleter
from rich.console import Console

from phototag.cli import options, pictures
from phototag.cli.name import left_out
from phototag.display import printable
from phototag.errors import UsageError
from phototag.store.connect import Store
from phototag.workflows import name as job
from phototag.workflows.history import undo
from phototag.workflows.name import Question

_KEYS = "[n]ame  [s]kip  [x] not a face  [d]on't care  [o]pen all its faces  [u]ndo  [q]uit"
#: Faces shown in the terminal; the sheet that `o` opens has up to `_SHEET`.
_SHOWN, _SHEET = 12, 400


def interview(store: Store, *, images: bool) -> set[int]:
    """Ask about group after group until none is left or the user quits; returns the people (ids) who were named."""
    console = Console(highlight=False)
    session: PromptSession[str] = PromptSession()
    skipped: list[int] = []
    named = 0
    people: set[int] = set()
    strangers = False
    while (question := job.next_question(store, skipped)) is not None:
        group = question.group
        if group.met <= 1 and not strangers:
            strangers = True
            console.print(_once(question.left), markup=False)
        console.rule(f"group {group.number}: {options.many(len(group.face_ids), 'face')}, {question.left:,} to go")
        if images:
            pictures.show(console, job.pictures(store, group.face_ids[:_SHOWN]))
        console.print(_KEYS, markup=False)
        while True:
            key = click.getchar().lower()
            if key in ("n", "\r", "\n"):
                person = _ask(session, question)
                if person is None:
                    console.print(_KEYS, markup=False)
                    continue
                try:
                    done = job.name_group(store, group.face_ids, person)
                except UsageError as error:
                    console.print(str(error), markup=False)
                    continue
                named += done.faces
                people.add(done.person.id)
                console.print(
                    f"{options.many(done.faces, 'face')} saved as {printable(done.person.name)}.", markup=False
                )
                for line in left_out(done):
                    console.print(line, markup=False)
            elif key == "s":
                skipped.append(group.number)
            elif key == "x":
                job.dismiss(store, group.face_ids, "not-a-face")
            elif key == "d":
                job.dismiss(store, group.face_ids, "dont-care")
            elif key == "o":
                pictures.open_all(job.pictures(store, group.face_ids[:_SHEET]))
                continue
            elif key == "u":
                if skipped:
                    console.print("Back to the group skipped last.")
                    skipped.pop()
                else:
                    undone = undo(store).decisions
                    named = max(0, named - undone)
                    console.print(f"Took back the last answer ({options.many(undone, 'face')}).")
            elif key in ("q", "\x03", "\x04"):
                _good_bye(console, named)
                return people
            else:
                continue
            break
    console.print("No unnamed group is left." if not skipped else "Only skipped groups are left.")
    _good_bye(console, named)
    return people


def _once(left: int) -> str:
    """Where those begin who are hardly worth a name."""
    groups = "The last group was" if left == 1 else f"The remaining {left:,} groups were"
    return f"{groups} met only once, in one photo or burst: strangers, perhaps. [q] leaves them."


def _good_bye(console: Console, named: int) -> None:
    console.print(f"{options.many(named, 'face')} named, all saved.")


def _ask(session: PromptSession[str], question: Question) -> str | None:
    """A name, completed over the known ones; None if the user thought better of it."""
    try:
        text = session.prompt("name: ", completer=FuzzyWordCompleter(list(question.known)))
    except (KeyboardInterrupt, EOFError):
        return None
    return text.strip() or None
