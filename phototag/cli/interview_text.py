"""The words of the interview on a terminal: questions, key hints, and numbers that are typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from phototag.display import counted, printable
from phototag.errors import UsageError
from phototag.interview.questions import AreTheyOne, IsItAlso, Question, Side, WhoIsIt, WhoIsNot


@dataclass(frozen=True, slots=True)
class Choice:
    """What a key does. `keys`: all keys that do it, the first of them shown in brackets before `effect`, which is empty
    for a choice that isn't shown."""

    keys: tuple[str, ...]
    effect: str
    act: Callable[[], object]


def hints(choices: Iterable[Choice], width: int) -> str:
    """`[y] all 12 are Ada · [0] none of them is Ada`, in lines of at most `width` columns."""
    lines = [""]
    for choice in choices:
        if not choice.effect:
            continue
        hint = f"[{choice.keys[0]}] {choice.effect}"
        if lines[-1] and len(lines[-1]) + len(hint) + 3 > width:
            lines.append("")
        lines[-1] += f" · {hint}" if lines[-1] else hint
    return "\n".join(lines)


def question_text(question: Question, name: Callable[[int], str], appearances: int) -> str:
    """A question in words. `name`: of a person; `appearances`: how often a group's person was photographed."""
    if isinstance(question, AreTheyOne):
        one, other = (_side(side, name) for side in question.sides)
        return f"Are these the same person? {one} · {other}"
    faces = counted(len(question.faces), "face")
    if len(question.shown) < len(question.faces):
        faces += f" ({len(question.shown)} shown; each of the others is in a group with one of these)"
    match question:
        case WhoIsIt():
            group = f"group {question.group}, " if question.group >= 0 else ""
            once = ", photographed only once: perhaps a stranger" if appearances == 1 else ""
            return f"Who is this? {group}{faces}{once}"
        case IsItAlso():
            return f"Is this also {name(question.person)}? {faces}, the least similar first"
        case WhoIsNot():
            return f"Which of these is not {name(question.person)}? {faces}, the most doubtful first"


def _side(side: Side, name: Callable[[int], str]) -> str:
    who = name(side.person) if side.person is not None else "unknown"
    return f"{who} ({counted(len(side.faces), 'face')})"


def all_of_them(question: Question) -> str:
    """`all 12 are`, or `it is` for one face."""
    count = len(question.shown if isinstance(question, AreTheyOne) else question.faces)
    return f"all {count:,} are" if count > 1 else "it is"


def none_of_them(question: Question) -> str:
    """`none of them is`, or `it is not` for one face."""
    count = len(question.shown if isinstance(question, AreTheyOne) else question.faces)
    return "none of them is" if count > 1 else "it is not"


def typed_numbers(text: str, most: int) -> list[int]:
    """`3 5-7` as 3, 5, 6, 7. Raises UsageError for anything but numbers from 1 to `most`."""
    found: list[int] = []
    for part in re.split(r"[\s,]+", text.strip()):
        span = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part)
        first, last = (int(span[1]), int(span[2] or span[1])) if span else (0, 0)
        if not 1 <= first <= last <= most:
            raise UsageError(f"{printable(part)} is none of the numbers 1 to {most}: nothing saved")
        found += range(first, last + 1)
    return list(dict.fromkeys(found))
