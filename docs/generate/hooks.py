"""Adds the generated pages when mkdocs builds the site."""

from __future__ import annotations

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:  # mkdocs loads this file by its path
    sys.path.insert(0, str(ROOT))

from docs.generate import commands, coverage, json_output, schema  # noqa: E402

PAGES = {
    "commands.md": commands.page,
    "coverage.md": coverage.page,
    "json-output.md": json_output.page,
    "schema.md": schema.page,
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the notes to the navigation."""
    notes = sorted((ROOT / "docs" / "notes").glob("*.md"))
    if notes and config.nav is not None:
        config.nav.append({"Notes": [f"notes/{note.name}" for note in notes]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for name, page in PAGES.items():
        files.append(File.generated(config, name, content=page()))
    return files
