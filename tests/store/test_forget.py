"""What is left of photos that were forgotten, and of people who were."""

from __future__ import annotations

from phototag.store import decisions, faces, files, forget, libraries, photos
from phototag.store.connect import Store
from tests.store.build import add_photo, clean, say, unit, who
from phototag.types import Box

HEAD, OTHER = Box(10, 10, 50, 50), Box(200, 10, 50, 50)


def lose(store: Store, path: bytes) -> None:
    files.mark_missing(store, [store.value("SELECT id FROM file WHERE path = ?", (path,))])


def forget_missing(store: Store, before: str | None = None) -> forget.Places:
    with store.write():
        places = forget.missing(store, before)
        forget.drop(store, places)
    return places


def test_a_photo_that_returns_has_its_names_again(store: Store) -> None:
    both = [(HEAD, unit(1)), (OTHER, unit(0, 1))]
    add_photo(store, b"a.jpg", both)
    add_photo(store, b"b.jpg", [(HEAD, unit(0, 0, 1))])
    ada = next(face.id for face in faces.identified(store) if face.box == HEAD)
    say(store, "is", ada, "Ada")
    before = who(store)
    lose(store, b"a.jpg")
    places = forget_missing(store)
    assert (len(places.photos), places.faces, places.named) == (1, 2, 1)
    assert photos.count_away(store) == 0
    assert clean(store)
    assert store.value("SELECT count(*) FROM crop") == store.value("SELECT count(*) FROM embedding") == 1
    assert faces.labelled(store, 2)[0] == []
    add_photo(store, b"elsewhere.jpg", both, content=b"a.jpg")
    assert {name for name, _ in who(store).values()} == {name for name, _ in before.values()}
    assert who(store)[ada] == ("Ada", "human")
