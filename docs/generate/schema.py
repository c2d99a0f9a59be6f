"""The page of the database's tables, from a new database, with a diagram."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from html import escape
from pathlib import Path

from phototag.store.connect import open_store
from phototag.store.tables import TABLES, VIEWS

INTRODUCTION = """# The database

One SQLite file. **Human work is precious, machine work is disposable:** what people said is in `person` and
`decision`, and everything that is computed is in tables of its own. Foreign keys with `RESTRICT` make SQLite itself
refuse to delete a photo, face or person that an answer is about.

This page is made from a new database. Open yours with any SQLite program, read-only:

```
sqlite3 "file:phototag.db?mode=ro" "SELECT name FROM person"
```

Another program may read the database while phototag works. Please don't write to it: a database whose tables or
triggers were changed is refused.
"""

#: The topics of the page, each a column of the diagram, with their tables.
TOPICS = {
    "Files and photos": ("library", "file", "photo", "preview", "former", "problem"),
    "Faces": ("engine", "detection", "face", "crop", "embedding"),
    "People and answers": ("person", "decision", "undone", "preference"),
    "Computed": ("clustering", "cluster_member", "model", "model_class", "guess", "derived"),
}

#: Tables of other programs inside the database.
FOREIGN = {"_sqlite_migrations"}


@dataclass(frozen=True)
class Column:
    """A column of a table; `references`: the table that its foreign key leads to, `on_delete`: what that key does."""

    name: str
    type: str
    required: bool
    key: bool
    references: str = ""
    on_delete: str = ""


@dataclass(frozen=True)
class Schema:
    """Tables with their columns, and views with their SQL."""

    tables: dict[str, list[Column]]
    views: dict[str, str]


def schema_of_new_database() -> Schema:
    """What a new database holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "phototag.db"
        with open_store(path, create=True):
            pass
        with closing(sqlite3.connect(path)) as connection:
            found = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
            tables = [name for kind, name, _ in found if kind == "table" and name not in FOREIGN]
            return Schema(
                {table: _columns(connection, table) for table in tables},
                {name: sql for kind, name, sql in found if kind == "view"},
            )


def _columns(connection: sqlite3.Connection, table: str) -> list[Column]:
    keys = {
        column: (target, on_delete)
        for _, _, target, column, _, _, on_delete, _ in connection.execute(f"PRAGMA foreign_key_list({table})")
    }
    return [
        Column(name, type_, bool(required or key), bool(key), *keys.get(name, ("", "")))
        for _, name, type_, required, _, key in connection.execute(f"PRAGMA table_info({table})")
    ]


def page() -> str:
    """The page, in Markdown."""
    schema = schema_of_new_database()
    parts = [INTRODUCTION, diagram(schema)]
    for topic, tables in TOPICS.items():
        parts.append(f"## {topic}\n")
        parts += [_section(name, schema.tables[name]) for name in tables]
    parts.append("## Views\n")
    parts += [f"### {name}\n\n{sentence}\n\n```sql\n{schema.views[name]}\n```\n" for name, sentence in VIEWS.items()]
    return "\n".join(parts)


def _section(name: str, columns: list[Column]) -> str:
    documented = TABLES[name]
    rows = [
        f"| `{column.name}` | {column.type.lower()} | {_key(column)} | {documented.columns[column.name]} |"
        for column in columns
    ]
    return "\n".join([f"### {name}\n\n{documented.purpose}\n", "| column | type | | |", "|---|---|---|---|", *rows, ""])


def _key(column: Column) -> str:
    notes = ["primary key"] if column.key else [] if column.required else ["may be NULL"]
    if column.references:
        notes.append(f"[{column.references}](#{column.references}), on delete {column.on_delete.lower()}")
    return "; ".join(notes)


# The diagram: a column for each topic, a box for each table, a line from each foreign key to the table it leads to.
_WIDTH, _GAP, _LINE, _MARGIN = 150, 90, 16, 24

_STYLE = """<style>
.tables { max-width: 100%; height: auto; font: 11px monospace; }
.tables rect { fill: none; stroke: currentColor; stroke-opacity: .5; }
.tables text { fill: currentColor; }
.tables .table { font-weight: bold; }
.tables .topic { font-size: 13px; opacity: .7; }
.tables path { fill: none; stroke: var(--md-accent-fg-color, #526cfe); stroke-opacity: .7; }
</style>"""


def diagram(schema: Schema) -> str:
    """The tables and their foreign keys, as an SVG image inside HTML."""
    places: dict[str, tuple[int, int]] = {}
    shapes, bottom = [], 0
    for number, (topic, tables) in enumerate(TOPICS.items()):
        x, y = _MARGIN + number * (_WIDTH + _GAP), 40
        shapes.append(f'<text class="topic" x="{x}" y="20">{escape(topic)}</text>')
        for table in tables:
            places[table] = x, y
            shapes += _box(table, schema.tables[table], x, y)
            y += (len(schema.tables[table]) + 1) * _LINE + 24
        bottom = max(bottom, y)
    lines = [
        _arrow(places[table], row, places[column.references])
        for table in places
        for row, column in enumerate(schema.tables[table])
        if column.references
    ]
    width = 2 * _MARGIN + len(TOPICS) * (_WIDTH + _GAP) - _GAP
    svg = f'<svg class="tables" viewBox="0 0 {width} {bottom}" role="img" aria-label="Tables and their foreign keys">'
    return "\n".join([_STYLE, svg, *lines, *shapes, "</svg>", ""])


def _box(table: str, columns: list[Column], x: int, y: int) -> list[str]:
    height = (len(columns) + 1) * _LINE + 8
    shapes = [
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{height}" rx="4"/>',
        f'<text class="table" x="{x + 8}" y="{y + 15}">{table}</text>',
    ]
    for row, column in enumerate(columns):
        mark = " ⚷" if column.key else " →" if column.references else ""
        shapes.append(f'<text x="{x + 8}" y="{y + 15 + (row + 1) * _LINE}">{column.name}{mark}</text>')
    return shapes


def _arrow(start: tuple[int, int], row: int, end: tuple[int, int]) -> str:
    """A curve from a column's row to the title of a table; both end at the sides that face each other."""
    y = start[1] + 11 + (row + 1) * _LINE
    to_y = end[1] + 11
    if start[0] == end[0]:
        x = to_x = start[0]
        bend = to_bend = x - 30
    elif start[0] < end[0]:
        x, to_x = start[0] + _WIDTH, end[0]
        bend, to_bend = x + _GAP // 2, to_x - _GAP // 2
    else:
        x, to_x = start[0], end[0] + _WIDTH
        bend, to_bend = x - _GAP // 2, to_x + _GAP // 2
    return f'<path d="M{x},{y} C{bend},{y} {to_bend},{to_y} {to_x},{to_y}"/>'
