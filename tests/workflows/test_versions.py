"""Photos that are edited in place: each name stays on its own face, or is shown nowhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from phototag.errors import UsageError
from phototag.interop.read_names import parse
from phototag.interop.write_names import render
from phototag.progress import Silent
from phototag.store import faces, photos, unplaced
from phototag.store.connect import Store
from phototag.workflows.library.status import status
from phototag.workflows.naming.export_names import export_names
from phototag.workflows.naming.history import undo
from phototag.workflows.naming.import_names import import_names
from phototag.workflows.naming.name import name_faces
from phototag.workflows.naming.placing import mark_absent
from phototag.workflows.recognition.audit import audit
from tests.support import fakes
from tests.support.fakes import BLUE, GREEN, RED, draw
from tests.workflows.conftest import Index

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


# --- known photos that overwrite others ---


@pytest.fixture
def cropped(party: Path, index: Index) -> Path:
    """The right part of the party, indexed beside it, in which nobody is named."""
    path = party.with_name("cropped.png")
    with PIL.Image.open(party) as image:
        image.crop((120, 60, 400, 300)).save(path)
    index()
    return path


def test_a_known_version_saved_over_a_named_photo_takes_its_names(
    store: Store, party: Path, cropped: Path, index: Index
) -> None:
    assert shown(store) == {"Ada": (4, 4), "Ben": (20, 14), None: (8, 8)}
    party.write_bytes(cropped.read_bytes())
    index()
    assert shown(store) == {"Ben": (8, 8)}
    assert (photos.count(store), photos.count_away(store)) == (1, 0)
    assert [one.person for one in unplaced.unplaced(store)] == ["Ada"]  # cut off: as after an edit
    index()
    assert shown(store) == {"Ben": (8, 8)}


def test_what_was_said_of_the_known_version_stays(store: Store, party: Path, cropped: Path, index: Index) -> None:
    [face] = [face.id for face in faces.identified(store) if face.person is None]
    name_faces(store, [face], "Cy")
    party.write_bytes(cropped.read_bytes())
    index()
    assert shown(store) == {"Cy": (8, 8)}


def test_another_known_photo_leaves_the_names_with_the_photo_that_is_gone(
    store: Store, party: Path, index: Index
) -> None:
    other = draw(party.with_name("other.png"), (300, 140, RED), (20, 220, BLUE))
    index()
    kept = party.read_bytes()
    party.write_bytes(other.read_bytes())
    index()
    assert set(shown(store)) == {None}
    assert (status(store).unplaced, photos.count_away(store)) == (0, 1)
    party.write_bytes(kept)
    index()
    assert {"Ada", "Ben"} < set(shown(store))


@pytest.mark.parametrize("names", [("a.png", "b.png"), ("b.png", "a.png")])
def test_versions_that_are_swapped_share_their_names(
    store: Store, photos: Path, index: Index, names: tuple[str, str]
) -> None:
    """Whichever of the two is looked at first."""
    whole = draw(photos / names[0], *TWO)
    index()
    for face in list(faces.identified(store)):
        name_faces(store, [face.id], "Ada" if face.box.x < 100 else "Ben")
    with PIL.Image.open(whole) as image:
        image.crop((120, 60, 400, 300)).save(photos / names[1])
    index()
    whole.rename(photos / "c.png")
    (photos / names[1]).rename(whole)
    (photos / "c.png").rename(photos / names[1])
    index()
    found = [(face.path[-5:], face.person, round(face.box.x / 10)) for face in faces.identified(store)]
    whole_now, part_now = names[1].encode(), names[0].encode()
    assert sorted(found) == sorted([(whole_now, "Ada", 4), (whole_now, "Ben", 20), (part_now, "Ben", 8)])


def test_a_photo_that_replaces_an_edited_one_is_not_asked_for_its_names(
    store: Store, party: Path, index: Index
) -> None:
    other = draw(party.with_name("other.png"), (300, 20, BLUE), (20, 220, BLUE))
    draw(party, TWO[0])
    index()
    assert [one.person for one in unplaced.unplaced(store)] == ["Ben"]
    party.rename(party.with_name("moved.png"))
    index()
    assert [one.photo[-9:] for one in unplaced.unplaced(store)] == [b"moved.png"]  # it goes where the edited photo goes
    party.with_name("moved.png").write_bytes(other.read_bytes())
    index()
    assert unplaced.unplaced(store) == []


# --- what becomes of a name without a face ---


@pytest.fixture
def lost(store: Store, party: Path, index: Index) -> int:
    """Ben was painted over; the edited photo."""
    draw(party, TWO[0])
    index()
    [one] = unplaced.unplaced(store)
    return one.photo_id


def test_somebody_who_is_not_on_the_photo_any_more_is_not_asked_for(
    store: Store, party: Path, index: Index, lost: int, tmp_path: Path
) -> None:
    mark_absent(store, lost, "Ben")
    assert unplaced.unplaced(store) == []
    draw(party, TWO[0], shade=3)  # nor after the next edit
    index()
    assert unplaced.unplaced(store) == []
    names = parse(render(export_names(store).names))
    assert names.left_out == ()
    done = import_names(store, names, fakes.settings(), Silent())
    assert (done.answer, done.differences, done.left_out) == (None, (), ())
    draw(party, *TWO)  # the photo of before comes back
    index()
    assert shown(store) == {"Ada": (4, 4), "Ben": (20, 14)}
    undo(store)
    draw(party, TWO[0])
    index()
    assert [one.person for one in unplaced.unplaced(store)] == ["Ben"]


def test_somebody_whom_a_human_named_on_the_photo_is_on_it(store: Store, lost: int) -> None:
    with pytest.raises(UsageError, match="you said that face"):
        mark_absent(store, lost, "Ada")
    assert shown(store) == {"Ada": (4, 4)}


def test_an_edit_of_the_edited_photo_still_asks(store: Store, party: Path, index: Index, lost: int) -> None:
    draw(party, TWO[0], shade=3)
    index()
    [one] = unplaced.unplaced(store)
    assert (one.person, one.photo) == ("Ben", bytes(party)) and one.photo_id != lost


def test_a_face_that_was_painted_over_keeps_no_name(store: Store, photos: Path, index: Index) -> None:
    """Though the rest of the picture says where it must be."""
    rng = np.random.default_rng(5)
    ground = np.kron(rng.integers(0, 90, (30, 40)), np.ones((10, 10)))[..., None].repeat(3, 2).astype(np.uint8)
    before = ground.copy()
    before[140:200, 200:260] = RED
    before[150:160, 210:220] = before[150:160, 240:250] = (90, 0, 0)  # eyes, so that there is something to compare
    before[40:100, 40:100] = GREEN
    party = photos / "party.png"
    PIL.Image.fromarray(before).save(party)
    index()
    for face in list(faces.identified(store)):
        name_faces(store, [face.id], "Ada" if face.box.x < 100 else "Ben")
    after = before.copy()
    after[130:210, 190:270] = (60, 60, 60)
    PIL.Image.fromarray(after).save(party)
    index()
    assert shown(store) == {"Ada": (4, 4)}
    assert [one.person for one in unplaced.unplaced(store)] == ["Ben"]
