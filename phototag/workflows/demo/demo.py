"""Demo: the whole job on a library of two people that comes with phototag."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from phototag.config import Settings
from phototag.errors import UsageError
from phototag.progress import Progress
from phototag.store import people
from phototag.store.connect import open_store
from phototag.workflows.demo.photos import write_demo_library
from phototag.workflows.library.index import index
from phototag.workflows.naming.label import label_from_folders
from phototag.workflows.run import run

_MARK = ".phototag-demo"


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo did, and where its report is."""

    page: Path
    photos: int
    faces: int
    people: int
    tagged: int
    problems: int


def demo(folder: Path, settings: Settings, progress: Progress) -> Demo:
    """Make the library below `folder`, name two people from folders, recognise them in the rest, report.

    Raises UsageError if `folder` is there and no demo made it.
    """
    if folder.exists() and not (folder / _MARK).exists():
        raise UsageError(f"{folder} is there already: name another folder with --out")
    shutil.rmtree(folder, ignore_errors=True)
    photos = folder / "photos"
    photos.mkdir(parents=True)
    (folder / _MARK).touch()
    write_demo_library(photos)
    settings = replace(settings, db=folder / "phototag.db")
    with open_store(settings.db, create=True) as store:
        done = index(store, [photos], settings, progress)
        label_from_folders(store, photos / "people")
        found = run(store, [], settings, folder / "report", progress)
        return Demo(
            page=found.page,
            photos=done.photos,
            faces=done.faces,
            people=len(people.summaries(store)),
            tagged=found.tagged.named if found.tagged else 0,
            problems=found.indexed.problems,
        )
