"""What the user can do about an error, as data that the command line and the review pages put into words.

A remedy knows what to do, not how it is asked for: `cli/hints.py` names the command, `web/hints.py` the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Show:
    """Look at what there is."""

    what: Literal["answers", "engines", "faces", "folders", "groups", "people"]


@dataclass(frozen=True, slots=True)
class ShowPerson:
    """Look at one person's faces."""

    name: str


@dataclass(frozen=True, slots=True)
class MakeDatabase:
    """Index a first folder, which makes the database."""


@dataclass(frozen=True, slots=True)
class NameFolder:
    """Say which folder is meant."""


@dataclass(frozen=True, slots=True)
class IndexFolder:
    """Index a folder first; without `folder`, any."""

    folder: str = ""


@dataclass(frozen=True, slots=True)
class IndexAgain:
    """Index all known folders again, with the engines that they were indexed with."""


@dataclass(frozen=True, slots=True)
class IndexWith:
    """Index with this embedder first, or use the library's own."""

    embedder: str


@dataclass(frozen=True, slots=True)
class NameGroups:
    """Say who some groups are."""


@dataclass(frozen=True, slots=True)
class NameSecondPerson:
    """Say who another group is: one person can't be told from anybody. `or_nearest`: or compare by distance alone."""

    or_nearest: bool = False


@dataclass(frozen=True, slots=True)
class Train:
    """Learn the named people, for the first time or again."""

    again: bool = False


@dataclass(frozen=True, slots=True)
class MergePeople:
    """Take another name, or say that the two are one person."""


@dataclass(frozen=True, slots=True)
class UndoEarlier:
    """Undo an earlier answer that contradicts this one."""


@dataclass(frozen=True, slots=True)
class MoveNames:
    """Export the names from one indexed folder and import them into the other."""


@dataclass(frozen=True, slots=True)
class InstallEngine:
    """Install an engine of the catalogue."""

    name: str


@dataclass(frozen=True, slots=True)
class AddEngine:
    """Add the user's own weights as the engine `name`; `weights`, `card`: what to give, as in `FILE.onnx`."""

    name: str
    weights: str = "FILE"
    card: str = ""


@dataclass(frozen=True, slots=True)
class RemoveEngine:
    """Remove an engine first, to make its name free."""

    name: str


@dataclass(frozen=True, slots=True)
class AddEngineAgain:
    """Remove an engine whose files are damaged, and add or install it again."""

    name: str


@dataclass(frozen=True, slots=True)
class RenameEngine:
    """Choose another name: the catalogue has an engine called `name`."""

    name: str


@dataclass(frozen=True, slots=True)
class ReplaceEngine:
    """Bring a library's engine back, or index with `other`."""

    kind: Literal["detector", "embedder"]
    back: InstallEngine | AddEngine
    other: str


@dataclass(frozen=True, slots=True)
class TrainEmbedder:
    """Train an embedder on the user's own people."""


Remedy: TypeAlias = (
    Show
    | ShowPerson
    | MakeDatabase
    | NameFolder
    | IndexFolder
    | IndexAgain
    | IndexWith
    | NameGroups
    | NameSecondPerson
    | Train
    | MergePeople
    | UndoEarlier
    | MoveNames
    | InstallEngine
    | AddEngine
    | RemoveEngine
    | AddEngineAgain
    | RenameEngine
    | ReplaceEngine
    | TrainEmbedder
)
