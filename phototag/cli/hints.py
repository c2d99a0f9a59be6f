"""What the user of the command line can do about an error: remedies in words, with the commands' names."""

from __future__ import annotations

import shlex

from phototag import remedies
from phototag.errors import explain
from phototag.remedies import Remedy

_SHOWN = {
    "answers": "`phototag history --all` shows the number of each",
    "engines": "`phototag engines list` shows which there are, and which can be installed",
    "faces": "`phototag faces list` shows their numbers",
    "folders": "`phototag status` shows the indexed folders",
    "groups": "`phototag faces list` shows the group of each face",
    "people": "`phototag people list` shows the names",
}


def sentence(error: Exception) -> str:
    """What happened and, where it is known, what to do."""
    return explain(error, hint)


def command(way: remedies.InstallEngine | remedies.AddEngine | remedies.TrainEmbedder) -> str:
    """The command that brings an engine, as `phototag engines add facenet FILE.h5`."""
    match way:
        case remedies.InstallEngine(name):
            return f"phototag engines install {name}"
        case remedies.AddEngine(name, weights, card):
            return f"phototag engines add {name} {weights}" + (f" --card {card}" if card else "")
        case remedies.TrainEmbedder():
            return "phototag train-embedder FOLDER"


def hint(remedy: Remedy) -> str:
    """A remedy in words."""
    match remedy:
        case remedies.Show(what):
            return _SHOWN[what]
        case remedies.ShowPerson(name):
            return f"`phototag people show {shlex.quote(name)}` lists them"
        case remedies.MakeDatabase():
            return "`phototag run FOLDER` makes one"
        case remedies.NameFolder():
            return "name one, as in `phototag run ~/Pictures`"
        case remedies.IndexFolder(folder):
            return f"run `phototag index {shlex.quote(folder) if folder else 'FOLDER'}` first"
        case remedies.IndexAgain():
            return "run `phototag index`, which goes on where it stopped"
        case remedies.IndexWith(embedder):
            return f"leave --embedder out, or run `phototag index --embedder {embedder}` first"
        case remedies.NameGroups():
            return "name some groups with `phototag name` first"
        case remedies.NameSecondPerson(or_nearest):
            nearest = ", or compare with this one's faces by `--rule nearest`"
            return "name another group with `phototag name`" + (nearest if or_nearest else "")
        case remedies.Train(again):
            return f"run `phototag train` {'again' if again else 'first'}"
        case remedies.MergePeople():
            return "take another name, or say with `phototag people merge` that they are one person"
        case remedies.UndoEarlier():
            return "`phototag history` shows that answer; undo it first"
        case remedies.MoveNames():
            return "carry your names there with `phototag people export` and `people import`"
        case remedies.InstallEngine() | remedies.AddEngine() | remedies.TrainEmbedder():
            return f"`{command(remedy)}` brings them"
        case remedies.RemoveEngine(name):
            return f"`phototag engines remove {name}` first"
        case remedies.AddEngineAgain(name):
            return f"`phototag engines remove {name}`, then add it again"
        case remedies.RenameEngine(name):
            return f"choose a name of your own for this one (`phototag engines install {name}` brings that one)"
        case remedies.ReplaceEngine(kind, back, other):
            return (
                f"bring it back (`{command(back)}`), or go on with another (`phototag index --{kind} {other}`); "
                "names are kept"
            )
