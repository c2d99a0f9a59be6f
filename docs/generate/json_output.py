"""The page of the commands' JSON output, from the schemas in docs/json/."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator

#: A JSON Schema.
Schema: TypeAlias = dict[str, Any]
#: Key, type and meaning.
Row: TypeAlias = tuple[str, str, str]

FOLDER = Path(__file__).parents[1] / "json"

INTRODUCTION = """# JSON output

With `--json` a command prints one JSON document on standard output, and its progress as one JSON object a line on
standard error. Paths are text; bytes that aren't UTF-8 are written as `\\\\xNN`. The tables below are made from JSON
Schema files (`docs/json/` in the source), and a test checks them against what the commands print. Keys may be added in
a later version; none is removed or renamed without a line in the changelog.
"""


def schemas() -> dict[str, Schema]:
    """The schema of each command's output, by the command's words."""
    return {path.stem.replace("_", " "): json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def checked(command: str, output: str) -> Any:
    """What a command printed, parsed. Raises jsonschema's ValidationError if it isn't what the documentation says."""
    document = json.loads(output)
    Draft202012Validator(schemas()[command]).validate(document)
    return document


def page() -> str:
    """The page, in Markdown."""
    found = schemas()
    shared = _shared(found)
    parts = [INTRODUCTION, *(_section(f"phototag {name}", schema, shared) for name, schema in found.items())]
    parts.append("## Objects in several outputs\n")
    parts += [_section(name, schema, shared, level=3) for name, schema in sorted(shared.items())]
    return "\n".join(parts)


def _shared(found: dict[str, Schema]) -> dict[str, Schema]:
    """The definitions that several outputs have in common, by name."""
    uses: dict[str, list[Schema]] = {}
    for schema in found.values():
        for name, definition in schema.get("$defs", {}).items():
            uses.setdefault(name, []).append(definition)
    return {name: same[0] for name, same in uses.items() if len(same) > 1 and all(one == same[0] for one in same)}


def _section(title: str, schema: Schema, shared: dict[str, Schema], level: int = 2) -> str:
    rows = [
        f"| `{key}` | {kind} | {_cell(meaning)} |"
        for key, kind, meaning in _rows(schema, schema.get("$defs", {}) | shared, shared, "")
    ]
    file = f"[JSON Schema](json/{title.removeprefix('phototag ').replace(' ', '_')}.json)\n" if level == 2 else ""
    return "\n".join(
        [
            f"{'#' * level} {title}\n",
            f"{schema['description']}\n",
            file,
            "| key | type | meaning |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _rows(schema: Schema, defined: dict[str, Schema], shared: dict[str, Schema], prefix: str) -> Iterator[Row]:
    """Key, type and meaning of everything inside a schema, but for shared objects; `[]` is each element of a list."""
    if name := _name(schema):
        if prefix and name in shared:
            return
        schema = defined[name]
    for choice in schema.get("anyOf", ()):
        yield from _rows(choice, defined, shared, prefix)
    if "items" in schema:
        yield from _rows(schema["items"], defined, shared, f"{prefix}[]")
    keys = schema.get("properties", {}) | schema.get("patternProperties", {})
    for key, value in keys.items():
        path = f"{prefix}.{key}" if prefix else key
        yield path, _kind(value, shared), value["description"]
        yield from _rows(value, defined, shared, path)


def _name(schema: Schema) -> str:
    """The name of the definition that a schema refers to, if it does."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _kind(schema: Schema, shared: dict[str, Schema]) -> str:
    if name := _name(schema):
        return f"[{name}](#{name.lower()})" if name in shared else "object"
    if "anyOf" in schema:
        return " or ".join(_kind(choice, shared) for choice in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "items" in schema:
        return f"list of {_kind(schema['items'], shared)}"
    if "prefixItems" in schema:
        return f"list: {', '.join(_kind(item, shared) for item in schema['prefixItems'])}"
    kind = schema.get("type", "anything")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
