"""Errors say what happened; what to do is data, which the command line and the review pages put into words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import pytest

import phototag
from phototag.cli import hints
from phototag.cli.main import cli
from phototag.errors import UsageError
from phototag.remedies import AddEngine, InstallEngine, MergePeople, Remedy, ReplaceEngine, Show
from phototag.web import hints as web_hints

PACKAGE = Path(phototag.__file__).parent
SHOWN = get_args(get_type_hints(Show)["what"])
GIVEN: dict[str, list[tuple[Any, ...]]] = {
    "Show": [(what,) for what in SHOWN],
    "ShowPerson": [("Ada O'Neill",)],
    "IndexFolder": [(), ("/photos of mine",)],
    "NameSecondPerson": [(False,), (True,)],
    "Train": [(False,), (True,)],
    "IndexWith": [("facenet",)],
    "InstallEngine": [("yunet",)],
    "AddEngine": [("facenet",), ("NAME", "FILE.onnx", "CARD.toml")],
    "RemoveEngine": [("mine",)],
    "AddEngineAgain": [("mine",)],
    "RenameEngine": [("yunet",)],
    "ReplaceEngine": [("detector", InstallEngine("yunet"), "mtcnn"), ("embedder", AddEngine("mine"), "dlib-resnet")],
}
REMEDIES = [kind(*given) for kind in get_args(Remedy) for given in GIVEN.get(kind.__name__, [()])]


def words_of(path: Path) -> Iterator[str]:
    """The string literals of a module that aren't docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_no_message_below_the_command_line_and_the_pages_names_a_command() -> None:
    commands = "|".join(map(re.escape, cli.commands))
    below = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in ("cli", "web")]
    assert len(below) > 100
    found = [
        (str(path.relative_to(PACKAGE)), words)
        for path in below
        for words in words_of(path)
        if re.search(rf"\bphototag ({commands})\b", words)
    ]
    assert not found


@pytest.mark.parametrize("remedy", REMEDIES, ids=repr)
def test_every_command_that_is_named_exists(remedy: Remedy) -> None:
    error = UsageError("it can't be", remedy)
    assert str(error) == "it can't be"
    for said in (hints.sentence(error), web_hints.sentence(error)):
        assert said.startswith("it can't be: ") and len(said) > 20
        for command in re.findall(r"`(phototag [^`]+)`", said):
            _, *words = command.split()
            group: click.Command = cli
            while isinstance(group, click.Group):
                group = group.commands[words.pop(0)]
            assert {word for word in words if word.startswith("--")} <= {one for p in group.params for one in p.opts}


def test_the_pages_name_pages() -> None:
    assert "`phototag" not in web_hints.sentence(UsageError("somebody else is called Ada", MergePeople()))
    assert web_hints.sentence(UsageError("nobody is called Ada", Show("people"))).endswith(
        "the page People shows the names"
    )


def test_replacing_an_engine_says_both_ways() -> None:
    said = hints.hint(ReplaceEngine("detector", InstallEngine("yunet"), "mtcnn"))
    assert "phototag engines install yunet" in said and "phototag index --detector mtcnn" in said
