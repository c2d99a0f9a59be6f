"""Renders the album's pages and writes them, with their pictures, into one folder."""

from __future__ import annotations

import os
from pathlib import Path

from jinja2 import Environment

from phototag.report import layout
from phototag.report.album import Summary
from phototag.report.describe import FILTERS
from phototag.report.jinja import safe_environment


def album_environment() -> Environment:
    """The environment of static pages: they link to each other by the names in `layout`."""
    environment = safe_environment()
    environment.globals["layout"] = layout
    environment.filters.update(FILTERS)
    return environment


class PageWriter:
    """Writes the album's files, named as in `layout`, into `folder`.

    `final`: where the folder will lie once it is published; links out of the album start there. `shown`: ids of the
    people who have a page. Its methods raise OSError.
    """

    def __init__(self, folder: Path, final: Path, summary: Summary, shown: frozenset[int]) -> None:
        self._folder = folder
        self._final = os.fsencode(final)
        self._made: set[str] = set()
        self._environment = album_environment()
        self._summary = summary
        self.shown = shown

    def file(self, name: str, content: bytes) -> None:
        """Write a new file; its folder is made if it is missing."""
        parent = name.rpartition("/")[0]
        if parent not in self._made:
            (self._folder / parent).mkdir(parents=True, exist_ok=True)
            self._made.add(parent)
        (self._folder / name).write_bytes(content)

    def page(self, name: str, template: str, **values: object) -> None:
        """Render a new page; its links lead `up` to the album's folder first."""
        text = self._environment.get_template(template).render(
            summary=self._summary, here=name, up="../" * name.count("/"), has=self.has, shown=self.shown, **values
        )
        self.file(name, text.encode())

    def has(self, name: str) -> bool:
        """Whether that file was written."""
        return (self._folder / name).is_file()

    def relative_path(self, name: str, target: bytes) -> bytes:
        """The path from the page `name`, once published, to the absolute path `target`."""
        parent = os.path.join(self._final, os.fsencode(name.rpartition("/")[0]))
        return os.path.relpath(target, parent)
