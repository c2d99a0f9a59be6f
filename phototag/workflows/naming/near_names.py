"""Near names: a name that nobody has, and that may be somebody's mistyped.

Two names are near if one of these holds; case, accents and punctuation never count:

- they are spelt alike: René and Rene, Jean-Luc and Jean Luc;
- the words stand in another order: Lovelace, Ada;
- a middle name is missing: Ada King Lovelace, with first and last name the same;
- letters are mistyped (left out, added, replaced or two swapped), in each word no more than `_allowed`, in all two.

Short words must be the same but for two letters swapped, for one letter makes another person of them: Ann and Anna, Jon
and Jan, Ada and Ida Lovelace; and so must words with a digit.
"""

from __future__ import annotations

import re
import unicodedata

from phototag.display import name_key
from phototag.store import people
from phototag.store.connect import Store
from phototag.types import Person
from phototag.workflows.naming.people import find

#: Mistyped letters in a whole name.
_MOST = 2
#: Letters that no decomposition leads back to a plain one.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_ACCENTS = re.compile("[\u0300-\u036f]")
_PARTING = re.compile(r"[-\u2010-\u2015,.;/]")


def similar_person(store: Store, name: str) -> Person | None:
    """Whom `name` may be meant for, though it is nobody's: the person with the nearest name; None if none is near.

    Raises UsageError for what can't be a name.
    """
    if find(store, name) is not None:
        return None
    wanted = _words(name)
    found = [
        (distance, who) for known, who in people.names_and_aliases(store) if (distance := _distance(wanted, known)) >= 0
    ]
    return people.get(store, min(found)[1]) if found else None


def near(one: str, other: str) -> bool:
    """Whether one name may be the other one mistyped."""
    return _distance(_words(one), other) >= 0


def _distance(words: list[str], other: str) -> int:
    """How many letters are mistyped, 0 also for what is only put otherwise; negative for names that aren't near."""
    others = _words(other)
    if _same(words, others):
        return 0
    most = _MOST
    if len(words) != len(others):  # a space more or less, and one letter
        words, others, most = ["".join(words)], ["".join(others)], 1
    pairs = list(zip(words, others, strict=True))
    edits = [_edits(*pair) for pair in pairs]
    near = all(edit <= _allowed(*pair) for edit, pair in zip(edits, pairs, strict=True)) and sum(edits) <= most
    return sum(edits) if near else -1


def _same(words: list[str], others: list[str]) -> bool:
    if "".join(words) == "".join(others) or sorted(words) == sorted(others):
        return True
    fewer, more = sorted((words, others), key=len)
    return len(fewer) == 2 and len(more) > 2 and [more[0], more[-1]] == fewer


def _allowed(word: str, other: str) -> int:
    """How many mistyped letters leave a word near another: none in fewer than five letters, or with another first one.

    Two letters swapped are none of another name's, so that four are enough.
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
    spaced = _PARTING.sub(" ", unicodedata.normalize("NFC", folded))
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
