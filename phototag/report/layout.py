"""The file names of the album's pages and pictures. They are made of numbers, never of the user's text.

All are relative to the album's folder, with `/`. A thousand photos, faces, people or groups share a folder.
"""

from __future__ import annotations

HOME = "index.html"
PEOPLE = "people/index.html"
PEOPLE_BY_NAME = "people/by-name.html"
HOW_SURE = "people/how-sure.html"
PHOTOS = "photos/index.html"
GROUPS = "unknown/index.html"
PROBLEMS = "problems/index.html"
STYLE = "assets/style.css"
ICON = "assets/icon.svg"


def _sharded(folder: str, number: int) -> str:
    return f"{folder}/{number // 1000:03d}/{number:06d}"


def numbered(page: str, number: int) -> str:
    """Page `number` (from 1) of a list that begins at `page`: `people/index.html`, `people/index-2.html`."""
    return page if number == 1 else f"{page.removesuffix('.html')}-{number}.html"


def person(person_id: int) -> str:
    """The first page of a person."""
    return f"{_sharded('people', person_id)}.html"


def photo(photo_id: int) -> str:
    """A photo's page."""
    return f"{_sharded('photos', photo_id)}.html"


def preview(photo_id: int) -> str:
    """A photo's picture."""
    return f"{_sharded('photos', photo_id)}.jpg"


def crop(face_id: int) -> str:
    """A face's picture."""
    return f"{_sharded('faces', face_id)}.jpg"


def group(number: int) -> str:
    """The first page of an unknown group."""
    return f"{_sharded('unknown', number)}.html"


def year(digits: str) -> str:
    """The first page of a year's photos; without digits: of those without a date."""
    return f"photos/{digits or 'undated'}.html"


def problem(ordinal: int) -> str:
    """The first page of the `ordinal`th kind of problem."""
    return f"problems/kind-{ordinal}.html"
