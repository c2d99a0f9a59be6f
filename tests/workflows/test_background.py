"""New names are tried while somebody goes on answering."""

from __future__ import annotations

import time

from phototag.store.connect import Store
from phototag.workflows.background import Tagger
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
