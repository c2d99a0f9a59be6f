"""Near names: a new name that may be a known one, mistyped.

Two names are near if one of these holds; case, accents and punctuation never count:

- only accents, punctuation or spaces differ: René and Rene, Jean-Luc and Jean Luc;
- the words are in another order: Lovelace, Ada;
- one lacks the middle name, as Ada Lovelace and Ada King Lovelace;
- at most two letters are mistyped (left out, added, replaced, or two swapped), at most `_allowed` of them in a word.

Short words and words with a digit must match, since one letter makes another person of them: Ann and Anna, Jon and Jan,
Ada and Ida Lovelace. In a word of four letters two may be swapped.
"""

from __future__ import annotations

import re
import unicodedata

from phototag.display import name_key
from phototag.store import people
from phototag.store.connect import Store
from phototag.types import Person
from phototag.workflows.naming.people import find

#: Mistyped letters in a whole name, at most.
_MOST = 2
#: Letters that Unicode doesn't decompose into a plain letter and an accent.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_ACCENTS = re.compile("[\u0300-\u036f]")
_SEPARATORS = re.compile(r"[-\u2010-\u2015,.;/]")


def similar_person(store: Store, name: str) -> Person | None:
    """The person with the nearest name, if nobody is called `name`; None if somebody is, or if no name is near.

    Raises UsageError for an invalid name.
    """
    if find(store, name) is not None:
        return None
    wanted = _words(name)
    found = [
        (distance, who) for known, who in people.names_and_aliases(store) if (distance := _distance(wanted, known)) >= 0
    ]
    return people.get(store, min(found)[1]) if found else None


def near(one: str, other: str) -> bool:
    """Whether one name may be the other one, mistyped."""
    return _distance(_words(one), other) >= 0


def _distance(words: list[str], other: str) -> int:
    """How many letters are mistyped; 0 if the names only differ in order or spelling, −1 if they aren't near."""
    others = _words(other)
    if _equivalent(words, others):
        return 0
    most = _MOST
    if len(words) != len(others):  # a space is missing: at most one other mistake
        words, others, most = ["".join(words)], ["".join(others)], 1
    pairs = list(zip(words, others, strict=True))
    edits = [_edits(*pair) for pair in pairs]
    near = all(edit <= _allowed(*pair) for edit, pair in zip(edits, pairs, strict=True)) and sum(edits) <= most
    return sum(edits) if near else -1


def _equivalent(words: list[str], others: list[str]) -> bool:
    """Whether two names differ at most in spaces, the order of words, or middle names."""
    if "".join(words) == "".join(others) or sorted(words) == sorted(others):
        return True
    fewer, more = sorted((words, others), key=len)
    return len(fewer) == 2 and len(more) > 2 and [more[0], more[-1]] == fewer


def _allowed(word: str, other: str) -> int:
    """How many letters may be mistyped, by the length of the shorter word.

    Below five none, unless both words are made of the same four letters: swapping two rarely makes another name. Below
    eight one, if it isn't the first.
    """
    letters = min(len(word), len(other))
    if word == other or any(char.isdigit() for char in word + other):
        return 0
    if letters < 5:
        return int(letters == 4 and sorted(word) == sorted(other))
    if letters < 8:
        return int(word[0] == other[0])
    return _MOST


def _words(name: str) -> list[str]:
    """A name's words, folded: plain letters without accents and punctuation."""
    folded = _ACCENTS.sub("", unicodedata.normalize("NFD", name_key(name))).translate(_PLAIN)
    spaced = _SEPARATORS.sub(" ", unicodedata.normalize("NFC", folded))
    return "".join(char for char in spaced if unicodedata.category(char)[0] not in "PS").split() or [folded]


def _edits(one: str, other: str) -> int:
    """The least number of letters left out, added, replaced, or swapped with the next (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(row[-1] + 1, last[j] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
