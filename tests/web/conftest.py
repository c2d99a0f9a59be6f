"""A small library with real pictures, made directly, and the review pages over it."""

from __future__ import annotations

import colorsys
import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from phototag.analysis.engine_provider import INSTALLED, EngineProvider
from phototag.progress import Silent
from phototag.store import decisions, faces, unplaced
from phototag.store.connect import Store, open_store
from phototag.types import Box, Vectors
from phototag.web.app import application
from phototag.web.app_state import AppState
from phototag.web.guard import Keys
from phototag.workflows.naming.name import name_faces
from phototag.workflows.recognition.cluster import cluster_faces
from tests.support import databases, fakes
from tests.support.fakes import BLUE, GREEN, RED, FakeEngines, draw

PORT = 8765
HERE = f"http://127.0.0.1:{PORT}"
#: A person's axis, the hue of their faces, how many photos of them there are.
CROWD = {"ada": (0, 0, 12), "ben": (1, 120, 8), "cy": (2, 240, 5)}


def near(axis: int, number: int) -> Vectors:
    """One of a person's faces: close to an axis, no two alike."""
    vector = np.zeros(8, np.float32)
    vector[axis] = 1
    vector[4 + number % 4] += 0.01 * (1 + number % 5)
    return vector / np.linalg.norm(vector)


def jpeg(hue: int, number: int, size: tuple[int, int] = (96, 96)) -> bytes:
    """A round face in one colour, its size by its number."""
    shade = tuple(int(255 * part) for part in colorsys.hsv_to_rgb(hue / 360, 0.35 + 0.04 * (number % 10), 0.85))
    picture = Image.new("RGB", size, (238, 233, 224))
    pen = ImageDraw.Draw(picture)
    width, height = size
    pen.ellipse((width * 0.2, height * 0.12, width * 0.8, height * 0.88), fill=shade)
    for eye in (0.38, 0.62):
        pen.ellipse((width * eye - 5, height * 0.4 - 5, width * eye + 5, height * 0.4 + 5), fill=(40, 40, 40))
    pen.arc((width * 0.36, height * 0.5, width * 0.64, height * 0.72), 20, 160, fill=(40, 40, 40), width=3)
    file = io.BytesIO()
    picture.save(file, "JPEG")
    return file.getvalue()


@dataclass(frozen=True)
class Library:
    """A database and who is on its photos: faces by person, in the order of their photos."""

    db: Path
    faces: dict[str, list[int]]

    def open(self) -> Store:
        return open_store(self.db)

    def named(self) -> dict[str, set[int]]:
        """Faces that a human named, by name."""
        said: dict[str, set[int]] = {}
        with self.open() as store:
            for face in faces.identified(store):
                if face.source == "human" and face.person:
                    said.setdefault(face.person, set()).add(face.id)
        return said

    def rejected(self) -> set[int]:
        with self.open() as store:
            return {face for face, _ in decisions.rejected(store)}


def make(db: Path, crowd: dict[str, tuple[int, int, int]] = CROWD, photos: Path | None = None) -> Library:
    """One photo for each face; its file is really there if `photos` is given."""
    found: dict[str, list[int]] = {}
    with open_store(db, create=True) as store:
        for who, (axis, hue, count) in crowd.items():
            for number in range(count):
                add(store, found.setdefault(who, []), who, number, near(axis, number), hue, photos)
        cluster_faces(store, Silent())
    return Library(db, found)


def add(
    store: Store, found: list[int], who: str, number: int, vector: Vectors, hue: int, photos: Path | None = None
) -> None:
    name = f"{who}-{number}.jpg"
    root = bytes(photos) if photos else b"/photos"
    when = f"{2000 + number // 12}-{1 + number % 12:02d}-14T12:00:00"
    photo = databases.add_photo(store, name.encode(), [(Box(100, 60, 200, 180), vector)], root=root, taken_at=when)
    face = int(store.value("SELECT id FROM face WHERE photo = ?", (photo,)))
    with store.write():
        store.run("UPDATE crop SET jpeg = ? WHERE face = ?", (jpeg(hue, number), face))
        store.run("UPDATE preview SET jpeg = ? WHERE photo = ?", (jpeg(hue, number, (400, 300)), photo))
    if photos:
        (photos / name).write_bytes(jpeg(hue, number, (400, 300)))
    found.append(face)


@pytest.fixture(scope="session")
def unnamed_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Made once; tests get copies of the database."""
    return make(tmp_path_factory.mktemp("library") / "phototag.db")


@pytest.fixture
def library(unnamed_library: Library, tmp_path: Path) -> Library:
    """Three groups of 12, 8 and 5 faces that nobody named; their photos are away."""
    db = tmp_path / "phototag.db"
    shutil.copyfile(unnamed_library.db, db)
    return Library(db, {who: list(ids) for who, ids in unnamed_library.faces.items()})


@pytest.fixture
def named(library: Library) -> Library:
    """The same; Ada and Ben are named, Cy isn't."""
    with library.open() as store:
        name_faces(store, library.faces["ada"], "Ada")
        name_faces(store, library.faces["ben"], "Ben")
    return library


@dataclass
class Browser:
    """Somebody with the key, without a browser."""

    client: TestClient
    state: AppState

    def get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.text

    def post(self, path: str, **fields: object) -> str:
        """Say something from one of our pages; returns the page that follows."""
        answer = self.client.post(
            path, data={"token": self.state.keys.form, "back": "/", **fields}, headers={"origin": HERE}
        )
        assert answer.status_code == 200, (answer.status_code, answer.text)
        assert self.state.tagger.wait_until_idle(20)
        return answer.text


@pytest.fixture
def states() -> Iterator[list[AppState]]:
    """States that are closed at the end."""
    opened: list[AppState] = []
    yield opened
    for state in opened:
        state.close()


def open_pages(library: Library, states: list[AppState], engines: EngineProvider = INSTALLED) -> Browser:
    """The pages over a library, with the cookie already."""
    state = AppState(library.db, Keys(), engines)
    states.append(state)
    client = TestClient(application(state, PORT), base_url=HERE, raise_server_exceptions=False)
    assert client.get(f"/?key={state.keys.address}").status_code == 200
    return Browser(client, state)


@pytest.fixture
def browser(library: Library, states: list[AppState]) -> Browser:
    return open_pages(library, states)


@pytest.fixture
def named_browser(named: Library, states: list[AppState]) -> Browser:
    return open_pages(named, states)


@pytest.fixture
def edited(tmp_path: Path) -> Library:
    """A photo of Ada (green) and Ben (red), of whom Ben was painted over with a square of another colour beside."""
    folder = tmp_path / "photos"
    ada, ben = (40, 40, GREEN), (200, 140, RED)
    party = draw(folder / "party.png", ada, ben)
    with open_store(tmp_path / "phototag.db", create=True) as store:
        FakeEngines().index(store, [folder], fakes.settings(), Silent())
        for face in list(faces.identified(store)):
            name_faces(store, [face.id], "Ada" if face.box.x < 100 else "Ben")
        draw(party, ada, (300, 200, BLUE))
        FakeEngines().index(store, [folder], fakes.settings(), Silent())
        cluster_faces(store, Silent())
        [lost] = unplaced.unplaced(store)
        assert lost.person == "Ben"
        blue = next(face.id for face in faces.identified(store) if face.person is None)
        assert lost.unnamed == (blue,)
    return Library(tmp_path / "phototag.db", {"blue": [blue], "lost": [lost.face], "photo": [lost.photo_id]})
