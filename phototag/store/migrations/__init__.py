"""The database's tables, as a list of migrations that is only ever added to.

To add one: write `mNNNN_what.py` with `apply(db)`, add it to `_STEPS`, and set `layout.UP_TO_DATE` to what
tests/store/test_layout.py prints. `store/tables.py` says in a sentence what each table and column holds.

Human work (person, decision) and machine work (all that is computed) have tables of their own, and RESTRICT makes
SQLite itself refuse to delete a photo, face or person that a human decided about. Tables are not STRICT: SQLite before
3.37 can't open such.
"""

from __future__ import annotations

from sqlite_utils.migrations import Migrations

from phototag.store.migrations import (
    m0001_first,
    m0002_lasting_groups,
    m0003_arrivals,
    m0004_reach,
    m0005_people,
    m0006_content,
    m0008_name_keys,
    m0009_redo,
    m0010_forget,
    m0011_looks,
    m0012_views,
)
from phototag.store.migrations.application_id import APPLICATION_ID

__all__ = ["APPLICATION_ID", "MIGRATIONS"]

_STEPS = {
    "0001-first": m0001_first,
    "0002-lasting-groups": m0002_lasting_groups,
    "0003-arrivals": m0003_arrivals,
    "0004-reach": m0004_reach,
    "0005-people": m0005_people,
    "0006-content": m0006_content,
    "0008-name-keys": m0008_name_keys,
    "0009-redo": m0009_redo,
    "0010-forget": m0010_forget,
    "0011-looks": m0011_looks,
    "0012-views": m0012_views,
}

MIGRATIONS = Migrations("phototag")
for _name, _step in _STEPS.items():
    MIGRATIONS(name=_name)(_step.apply)
