"""The page of the commands' JSON output, from the schemas in docs/json/."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "json"

INTRODUCTION = """# JSON output

With `--json` a command prints one JSON document on standard output, and its progress as one JSON object a line on
standard error. Paths are text; bytes that aren't UTF-8 are written as `\\\\xNN`. The tables below are made from JSON
Schema files (`docs/json/` in the source), and a test checks them against what the commands print. Keys may be added in
a later version; none is removed or renamed without a line in the changelog.
"""


def schemas() -> dict[str, dict[str, Any]]:
    """The schema of each command's output, by the command's words."""
    return {path.stem.replace("_", " "): json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def page() -> str:
    """The page, in Markdown."""
    return "\n".join([INTRODUCTION, *(_section(name, schema) for name, schema in schemas().items())])


def _section(name: str, schema: dict[str, Any]) -> str:
    rows = [f"| `{key}` | {kind} | {_cell(meaning)} |" for key, kind, meaning in _rows(schema, schema, "")]
    table = "\n".join(["| key | type | meaning |", "|---|---|---|", *rows]) if rows else ""
    return f"## phototag {name} --json\n\n{schema['description']}\n\n{table}\n"


def _rows(schema: dict[str, Any], root: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    """Key, type and meaning of everything inside a schema; `[]` stands for each element, `*` for any key."""
    schema = _resolved(schema, root)
    if "items" in schema:
        yield from _rows(schema["items"], root, f"{prefix}[]")
    inside = dict(schema.get("properties", {}))
    if isinstance(more := schema.get("additionalProperties"), dict):
        inside["*"] = more
    for key, value in inside.items():
        path = f"{prefix}.{key}" if prefix else key
        value = _resolved(value, root)
        yield path, _kind(value, root), value.get("description", "")
        yield from _rows(value, root, path)
    for choice in schema.get("anyOf", ()):
        yield from _rows(choice, root, prefix)


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """A schema without a reference at its top; its own description comes before that of the definition."""
    if "$ref" not in schema:
        return schema
    definition: dict[str, Any] = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return {**definition, **{key: value for key, value in schema.items() if key != "$ref"}}


def _kind(schema: dict[str, Any], root: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(_resolved(choice, root), root) for choice in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    kind = schema.get("type", "anything")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
