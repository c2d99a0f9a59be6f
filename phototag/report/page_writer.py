"""The writer: renders a page or takes a picture, and writes it into the folder of a report."""

from __future__ import annotations

import os
from pathlib import Path

from phototag.report.album import Summary
from phototag.report.render import Renderer


class PageWriter:
    """Writes a report's files, by the names that `layout` gives them, into `folder`.

    `final` is where the folder will lie in the end, for links that leave it. `shown` are the ids of
    the people that have a page. OSError as from the file system.
    """

    def __init__(self, folder: Path, final: Path, summary: Summary, shown: frozenset[int]) -> None:
        self._folder = folder
        self._final = os.fsencode(final)
        self._rooms: set[str] = set()
        self._renderer = Renderer(summary)
        self.summary = summary
        self.shown = shown

    def file(self, name: str, content: bytes) -> None:
        """A new file with `content`."""
        room = name.rpartition("/")[0]
        if room not in self._rooms:
            (self._folder / room).mkdir(parents=True, exist_ok=True)
            self._rooms.add(room)
        (self._folder / name).write_bytes(content)

    def page(self, name: str, template: str, **values: object) -> None:
        """A new page."""
        text = self._renderer.page(template, name, has=self.has, shown=self.shown, **values)
        self.file(name, text.encode())

    def has(self, name: str) -> bool:
        """Whether that file was written."""
        return (self._folder / name).is_file()

    def way_out(self, name: str, target: bytes) -> bytes:
        """The relative path that leads from the page `name` to the absolute path `target`."""
        room = os.path.join(self._final, os.fsencode(name.rpartition("/")[0]))
        return os.path.relpath(target, room)
