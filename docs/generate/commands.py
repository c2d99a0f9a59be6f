"""The page of all commands, from click."""

from __future__ import annotations

from collections.abc import Iterator

import click

from phototag.cli.main import cli

INTRODUCTION = """# Commands

This page is made from the program's own help: `phototag COMMAND --help` says the same.
Every command ends with one of the [exit codes](exit-codes.md); `--json` prints what [JSON output](json-output.md)
describes. Defaults can be changed by [settings](settings.md). Every command knows `--help`, and `--verbose`: say on
standard error what is done, in detail.
"""

#: Options of every command, described above.
_EVERYWHERE = {"help", "verbose"}


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and group below `group`, each with its words after `phototag`, groups before their commands."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.commands[name]
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def page() -> str:
    """The page, in Markdown."""
    return "\n".join([INTRODUCTION, *(_section(path, command) for path, command in commands())])


def _section(path: tuple[str, ...], command: click.Command) -> str:
    name = " ".join(("phototag", *path))
    # With the program's own context above it: click keeps a command's `--help` option as it first made it, with `-h`.
    context = click.Context(command, info_name=name, parent=click.Context(cli, **cli.context_settings))
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"{'#' * (len(path) + 1)} {name}", f"```\n{usage}\n```", paragraphs(command.help or "")]
    options = [
        option
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden and option.name not in _EVERYWHERE
    ]
    if options:
        rows = [f"| {_names(option, context)} | {_cell(option.help or '')} |" for option in options]
        parts.append("\n".join(["| option | meaning |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def paragraphs(text: str) -> str:
    r"""A docstring as Markdown: paragraphs that begin with `\b` keep their lines, as code."""
    shown = []
    for paragraph in text.replace("\r", "").split("\n\n"):
        lines = [line.strip(" ") for line in paragraph.strip(" \n").split("\n")]
        shown.append("\n".join(["```", *lines[1:], "```"] if lines[0] == "\b" else lines))
    return "\n\n".join(shown)


def _names(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    if option.is_flag or option.count:
        return names
    value = option.metavar or option.type.get_metavar(option, context) or option.type.name.split()[0].upper()
    value = "NUMBER" if value in ("INTEGER", "FLOAT") else value
    return f"{names} `{value}`".replace("|", "\\|")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
