"""The documentation names every command, option and exit code, and none that doesn't exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs.generate import commands, schema
from phototag import errors
from phototag.cli.main import cli
from phototag.errors import PhototagError

ROOT = Path(__file__).parents[2]
#: Pages for people who use phototag now. The changelog and the notes tell of the past.
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
COMMANDS = dict(commands.commands())
#: What stands for options or arguments in a sentence.
_PLACEHOLDERS = ("…", "...", "[")


def _examples(text: str) -> Iterator[str]:
    """Every `phototag …` of a page, from code blocks and code spans."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    indented = [line.strip() for line in text.splitlines() if line.startswith("    phototag ")]
    spans = re.findall(r"`(phototag [^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    for line in [*(line for block in blocks for line in block.splitlines()), *indented, *spans]:
        line = " ".join(line.split())
        if line.startswith("phototag "):
            yield re.split(r" # | \| | && |[;>]", line)[0]


def _resolved(example: str) -> tuple[click.Command, list[str]]:
    """The command that an example runs, and the words after it."""
    words = [word.strip("[](),:.") for word in shlex.split(example.replace("'", "’"))[1:]]
    command: click.Command = cli
    while words and isinstance(command, click.Group) and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    return command, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_use_commands_and_options_that_exist(page: Path) -> None:
    for example in _examples(page.read_text("utf-8")):
        command, words = _resolved(example)
        if isinstance(command, click.Group) and words and not words[0].startswith(("-", "COMMAND", *_PLACEHOLDERS)):
            assert words[0].isupper() or not words[0], f"{page.name}: no such command: {example}"
        known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {
            "--help",
            "-h",
        }
        used = {
            word.split("=")[0]
            for word in words
            if (word.startswith("-") and len(word) > 1 and word[1].isalpha()) or word.startswith("--")
        }
        assert used <= known, f"{page.name}: {example} has no {', '.join(sorted(used - known))}"


@pytest.mark.parametrize("path", [path for path, command in COMMANDS.items() if not isinstance(command, click.Group)])
def test_every_command_is_explained_on_a_page(path: tuple[str, ...]) -> None:
    named = re.compile(rf"(?<![\w-]){re.escape(' '.join(path))}(?![\w-])")
    short = re.compile(rf"`{re.escape(path[-1])}\b")  # `people rename`, `merge`, …
    pages = [page.read_text("utf-8") for page in PAGES]
    assert any(named.search(page) or (short.search(page) and path[0] in page) for page in pages)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_option_has_a_help_text(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    assert command.get_short_help_str()
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{option.opts[0]} has no help text"
            assert option.opts[0] in commands.page()


def test_the_exit_codes_are_those_of_the_errors() -> None:
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PhototagError)]
    raised = {kind.exit_code for kind in classes} | {0, errors.DONE_WITH_PROBLEMS, 143}
    page = (ROOT / "docs" / "exit-codes.md").read_text("utf-8")
    listed = [int(code) for row in re.findall(r"^\| ([\d, ]+) \|", page, re.MULTILINE) for code in row.split(",")]
    assert sorted(listed) == sorted(raised)


def test_the_diagram_has_every_table_and_key() -> None:
    found = schema.schema_of_new_database()
    assert {table for tables in schema.TOPICS.values() for table in tables} == found.tables.keys()
    keys = sum(bool(column.references) for columns in found.tables.values() for column in columns)
    assert schema.diagram(found).count("<path ") == keys > 20


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 20
    fetched = re.compile(r"<(?:script|img|iframe)[^>]*\bsrc=\"?https?://|<link[^>]*\brel=\"?stylesheet[^>]*https?://")
    assert not [page.name for page in pages if fetched.search(page.read_text("utf-8"))]
