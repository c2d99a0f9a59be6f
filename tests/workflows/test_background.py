"""New names are tried while somebody goes on answering."""

from __future__ import annotations

import time
from collections.abc import Collection

import pytest

from phototag.errors import DatabaseLockedError
from phototag.store.connect import Store
from phototag.workflows.background import Tagger, in_words
from phototag.workflows.name import name_faces
from tests.store.build import who
from tests.workflows.test_people import add_faces


def test_names_given_one_after_the_other_are_all_tried(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 6), add_faces(store, "ben", 1, 6)
    tagger = Tagger(store.path)
    assert not tagger.news()
    for faces, name in ((ada, "Ada"), (ben, "Ben")):
        tagger.learn([name_faces(store, faces[:2], name).id])
    done = tagger.close()
    assert done and done.named == 8
    assert who(store) == {
        **dict.fromkeys(ada[:2], ("Ada", "human")), **dict.fromkeys(ada[2:], ("Ada", "machine")),
        **dict.fromkeys(ben[:2], ("Ben", "human")), **dict.fromkeys(ben[2:], ("Ben", "machine")),
    }  # fmt: skip


def test_news_is_told_once(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 6)
    tagger = Tagger(store.path)
    tagger.learn([name_faces(store, ada[:2], "Ada").id])
    deadline = time.monotonic() + 30
    while not tagger.news():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert who(store)[ada[5]] == ("Ada", "machine")
    assert not tagger.news()
    assert tagger.close()


def test_whom_trouble_kept_from_being_tried_is_tried_with_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[set[int]] = []

    def locked_at_first(_store: Store, _progress: object, people: Collection[int]) -> None:
        tried.append(set(people))
        if len(tried) == 1:
            raise DatabaseLockedError("in use")

    monkeypatch.setattr("phototag.workflows.background.try_names", locked_at_first)
    tagger = Tagger(store.path)
    tagger.learn([1])
    assert tagger.settle(30)
    assert tagger.news()
    assert in_words(tagger.trouble or Exception()) == "in use"
    tagger.learn([2])
    assert tagger.close() is None
    assert tried == [{1}, {1, 2}]
    tagger = Tagger(store.path)
    tried.clear()
    tagger.learn([3])
    with pytest.raises(DatabaseLockedError):
        tagger.close()
