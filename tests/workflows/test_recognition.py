"""Verify and identify: photos that are in no library, compared with each other and with named faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from phototag.errors import TooLittleDataError, UsageError
from phototag.progress import Silent
from phototag.remedies import IndexAgain, NameSecondPerson
from phototag.store.connect import Store, open_reader
from phototag.workflows.naming.name import name_faces
from phototag.workflows.recognition.identify import Identified, identify
from phototag.workflows.recognition.verify import Comparison
from phototag.workflows.recognition.verify import verify as verify_photos
from tests.support.databases import add_face, say, unit
from tests.support.fakes import BLUE, GREEN, RED, YELLOW, FakeEngines, Told, draw, everything, settings

DARK_RED = (200, 40, 20)  #: within the threshold of RED, and not RED

Ask = Callable[..., Identified]
Verify = Callable[..., list[Comparison]]


@pytest.fixture
def verify(fake_engines: FakeEngines) -> Verify:
    """Compare two photos."""
    return lambda one, other, **how: verify_photos(one, other, fake_engines.open(settings()), settings(), **how)


# --- verify ---


def test_one_person_on_two_photos(photos: Path, verify: Verify) -> None:
    one, other = draw(photos / "1.png", (40, 40, RED)), draw(photos / "2.png", (200, 90, DARK_RED))
    [found] = verify(one, other)
    assert found.same and 0.01 < found.distance < 0.4 == found.threshold
    assert found.probability > 0.5
    assert [(box.x, box.y) for box in found.boxes] == [(40, 40), (200, 90)]
    [found] = verify(one, other, threshold=0.01)
    assert not found.same and found.threshold == 0.01


def test_two_people(photos: Path, verify: Verify) -> None:
    [found] = verify(draw(photos / "1.png", (40, 40, RED)), draw(photos / "2.png", (40, 40, GREEN)))
    assert not found.same and found.distance > 0.4 and found.probability < 0.01


def test_of_several_faces_the_largest_is_compared(photos: Path, verify: Verify) -> None:
    one = draw(photos / "1.png", (40, 40, RED), (200, 40, GREEN), (200, 90, GREEN))  # two squares that touch
    other = draw(photos / "2.png", (40, 40, GREEN))
    assert [found.same for found in verify(one, other)] == [True]
    every = verify(one, other, every=True)
    assert [found.same for found in every] == [True, False]  # nearest first


def test_a_photo_without_a_face(photos: Path, verify: Verify) -> None:
    with pytest.raises(TooLittleDataError, match=r"no face was found on .*2\.png"):
        verify(draw(photos / "1.png", (40, 40, RED)), draw(photos / "2.png"))


def test_a_photo_that_is_none(photos: Path, verify: Verify) -> None:
    (photos / "2.png").write_text("no photo")
    with pytest.raises(UsageError, match=r"2\.png can't be used \(named as a photo"):
        verify(draw(photos / "1.png", (40, 40, RED)), photos / "2.png")
    with pytest.raises(UsageError, match=r"nowhere\.png can't be used"):
        verify(photos / "nowhere.png", photos / "1.png")


# --- identify ---


@pytest.fixture
def library(store: Store, photos: Path, fake_engines: FakeEngines) -> Store:
    """Ada is red and Ben green, on three photos each; a blue face has no name."""
    for number in range(3):
        draw(photos / f"ada{number}.png", (40, 40, RED), shade=number)
        draw(photos / f"ben{number}.png", (40, 40, GREEN), shade=number)
    draw(photos / "cy.png", (40, 40, BLUE))
    fake_engines.index(store, [photos], settings(), Told())
    rows = store.rows("SELECT f.id, p.path_text FROM face f JOIN file p ON p.photo = f.photo")
    for face, path in list(rows):
        if not path.startswith("cy"):
            name_faces(store, [face], path[:3].title())
    return store


@pytest.fixture
def ask(library: Store, tmp_path: Path, fake_engines: FakeEngines) -> Ask:
    """Who is on a new photo with squares of these colours."""

    def ask(*colours: tuple[int, int, int], **how: object) -> Identified:
        photo = draw(tmp_path / "new.png", *((20 + 90 * number, 40, colour) for number, colour in enumerate(colours)))
        before = everything(library)
        with open_reader(library.path) as store:
            found = identify(store, [photo], settings(), Silent(), engines=fake_engines, **how)  # type: ignore[arg-type]
        assert everything(library) == before
        return found

    return ask


@pytest.mark.parametrize("rule", ["svm", "knn", "nearest"])
def test_each_face_has_its_person_or_is_unknown(ask: Ask, rule: str) -> None:
    found = ask(RED, GREEN, YELLOW, rule=rule).faces
    assert [face.person for face in found] == ["Ada", "Ben", None]
    assert found[2].likest in ("Ada", "Ben")
    ada = found[0]
    assert ada.distance < 0.05 < 0.9 < ada.probability and ada.threshold == 0.4
    assert len(ada.evidence) == 3
    assert all(Path(one.photo.decode()).name.startswith("ada") for one in ada.evidence)
    assert [one.distance for one in ada.evidence] == sorted(one.distance for one in ada.evidence)
    assert found[2].distance > 0.4


@pytest.mark.parametrize("rule", ["svm", "knn", "nearest"])
def test_a_threshold_of_ones_own(ask: Ask, rule: str) -> None:
    assert ask(DARK_RED, rule=rule).faces[0].person == "Ada"
    assert ask(DARK_RED, rule=rule, threshold=0.01).faces[0].person is None
    assert ask(YELLOW, rule=rule, threshold=2.0).faces[0].person is not None


def test_photos_without_faces_and_files_that_are_none(
    library: Store, tmp_path: Path, fake_engines: FakeEngines
) -> None:
    empty, broken = draw(tmp_path / "empty.png"), tmp_path / "broken.png"
    broken.write_text("no photo")
    red = draw(tmp_path / "red.png", (40, 40, RED))
    told = Told()
    found = identify(library, [broken, empty, red], settings(), told, engines=fake_engines)
    assert [face.person for face in found.faces] == ["Ada"]
    assert found.faceless == (str(empty).encode(),)
    assert [problem.path for problem in found.problems] == [str(broken).encode()] == [p.path for p in told.problems]


def test_nothing_indexed_and_nobody_named(
    store: Store, photos: Path, tmp_path: Path, fake_engines: FakeEngines
) -> None:
    photo = draw(tmp_path / "new.png", (40, 40, RED))
    with pytest.raises(TooLittleDataError, match="no photo is indexed yet"):
        identify(store, [photo], settings(), Silent(), engines=fake_engines)
    draw(photos / "1.png", (40, 40, RED))
    fake_engines.index(store, [photos], settings(), Told())
    with pytest.raises(TooLittleDataError, match="nobody is named yet"):
        identify(store, [photo], settings(), Silent(), engines=fake_engines)


def test_one_person_only(store: Store, photos: Path, tmp_path: Path, fake_engines: FakeEngines) -> None:
    fake_engines.index(store, [draw(photos / "1.png", (40, 40, RED)).parent], settings(), Told())
    [(face,)] = list(store.rows("SELECT id FROM face"))
    name_faces(store, [face], "Ada")
    photo = draw(tmp_path / "new.png", (40, 40, RED), (200, 40, BLUE))
    with pytest.raises(TooLittleDataError, match="only one person is named") as caught:
        identify(store, [photo], settings(), Silent(), engines=fake_engines)
    assert caught.value.remedy == NameSecondPerson(or_nearest=True)
    found = identify(store, [photo], settings(), Silent(), engines=fake_engines, rule="nearest")
    assert [face.person for face in found.faces] == ["Ada", None]


def test_labels_made_with_another_embedder(library: Store, tmp_path: Path, fake_engines: FakeEngines) -> None:
    photo = draw(tmp_path / "new.png", (40, 40, RED))
    with pytest.raises(TooLittleDataError, match="not seen by other, whose distances mean"):
        identify(library, [photo], settings(embedder="other"), Silent(), engines=fake_engines)


def test_labels_that_the_embedder_has_not_seen(store: Store, tmp_path: Path, fake_engines: FakeEngines) -> None:
    face = add_face(store, b"1.jpg", unit(1))
    say(store, "is", face, "Ada")
    with store.write():
        store.run("DELETE FROM embedding")
    with pytest.raises(TooLittleDataError, match=r"no named face .* seen") as caught:
        identify(store, [draw(tmp_path / "new.png", (40, 40, RED))], settings(), Silent(), engines=fake_engines)
    assert caught.value.remedy == IndexAgain()
