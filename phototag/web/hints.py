"""What the user of the review pages can do about an error: remedies in words, with the pages' names."""

from __future__ import annotations

from phototag import remedies
from phototag.errors import explain
from phototag.remedies import Remedy

_SHOWN = {
    "answers": "the page History shows all answers",
    "faces": "load the page again",
    "groups": "load the page again",
    "people": "the page People shows the names",
}


def sentence(error: Exception) -> str:
    """What happened and, where it is known, what to do."""
    return explain(error, hint)


def hint(remedy: Remedy) -> str:
    """A remedy in words. What no page can do is done in a terminal."""
    match remedy:
        case remedies.Show(what) if what in _SHOWN:
            return _SHOWN[what]
        case remedies.ShowPerson():
            return "the page of this person shows their faces"
        case remedies.MergePeople():
            return "take another name, or merge the two on the page of one of them"
        case remedies.UndoEarlier():
            return "the page History shows that answer; undo it first"
        case remedies.NameGroups():
            return "answer some questions first"
        case remedies.NameSecondPerson():
            return "say who another group is"
        case remedies.MakeDatabase() | remedies.NameFolder() | remedies.IndexFolder():
            return "run `phototag index FOLDER` in a terminal first"
        case remedies.IndexAgain():
            return "run `phototag index` in a terminal, which goes on where it stopped"
        case remedies.Train(again):
            return f"run `phototag train` in a terminal {'again' if again else 'first'}"
        case _:
            return "run `phototag engines list` in a terminal, which shows what there is"
