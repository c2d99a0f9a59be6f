"""Photos that are edited in place: each name stays on its own face, or is shown nowhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from phototag.progress import Silent
from phototag.store import faces, photos
from phototag.store.connect import Store
from phototag.workflows.audit import audit
from phototag.workflows.name import name_faces
from phototag.workflows.status import status
from tests.workflows.conftest import Index
from tests.workflows.fakes import BLUE, GREEN, RED, draw

pytestmark = pytest.mark.usefixtures("at_once")
TWO = ((40, 40, GREEN), (200, 140, RED))


@pytest.fixture
def party(store: Store, photos: Path, index: Index) -> Path:
    """A photo of Ada (left, green) and Ben (right, red)."""
    path = draw(photos / "party.png", *TWO)
    index()
    for face in list(faces.identified(store)):
        name_faces(store, [face.id], "Ada" if face.box.x < 100 else "Ben")
    return path


def shown(store: Store) -> dict[str | None, tuple[int, int]]:
    """Who → about where, in tens of pixels."""
    return {face.person: (round(face.box.x / 10), round(face.box.y / 10)) for face in faces.identified(store)}


@pytest.mark.parametrize(
    ("quarters", "ada", "ben"),
    [(1, (4, 30), (14, 14)), (2, (30, 20), (14, 10)), (3, (20, 4), (10, 20))],
)
def test_names_turn_with_their_photo(
    store: Store, party: Path, index: Index, quarters: int, ada: tuple[int, int], ben: tuple[int, int]
) -> None:
    pixels = np.asarray(PIL.Image.open(party))
    PIL.Image.fromarray(np.rot90(pixels, quarters)).save(party)
    index()
    assert shown(store) == {"Ada": ada, "Ben": ben}


def test_a_name_whose_face_is_gone_is_shown_nowhere_until_it_is_placed(store: Store, party: Path, index: Index) -> None:
    draw(party, TWO[0])
    index()
    assert shown(store) == {"Ada": (4, 4)}
    assert (status(store).unplaced, photos.count_away(store)) == (1, 0)
    [lost] = audit(store, Silent()).unplaced  # though nobody was learnt yet
    assert (lost.person, lost.photo) == ("Ben", bytes(party))
    draw(party, *TWO)  # the very photo of before
    index()
    assert shown(store) == {"Ada": (4, 4), "Ben": (20, 14)}
    assert status(store).unplaced == 0


def test_another_picture_takes_no_name_over(store: Store, party: Path, index: Index) -> None:
    draw(party, (300, 20, BLUE), (20, 220, BLUE))
    index()
    assert set(shown(store)) == {None}
    assert status(store).unplaced == 2
