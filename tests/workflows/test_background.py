"""New names are tried while somebody goes on answering."""

from __future__ import annotations

import time
from typing import Any

import pytest

from phototag.cli import hints
from phototag.errors import DatabaseLockedError
from phototag.progress import Progress
from phototag.store import people
from phototag.store.connect import Store, open_store
from phototag.workflows.naming.name import name_faces
from phototag.workflows.recognition.background import Tagger
from phototag.workflows.recognition.tag import train_and_tag
from tests.support.databases import who
from tests.workflows.test_people import add_faces


def test_names_given_one_after_the_other_are_all_tried(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 6), add_faces(store, "ben", 1, 6)
    tagger = Tagger(store.path)
    assert not tagger.finished_since_last_asked()
    for faces, name in ((ada, "Ada"), (ben, "Ben")):
        name_faces(store, faces[:2], name)
        tagger.request()
    done = tagger.close()
    assert done and done.named == 8
    assert who(store) == {
        **dict.fromkeys(ada[:2], ("Ada", "human")), **dict.fromkeys(ada[2:], ("Ada", "machine")),
        **dict.fromkeys(ben[:2], ("Ben", "human")), **dict.fromkeys(ben[2:], ("Ben", "machine")),
    }  # fmt: skip


def test_news_is_told_once(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 6)
    tagger = Tagger(store.path)
    name_faces(store, ada[:2], "Ada")
    tagger.request()
    deadline = time.monotonic() + 30
    while not tagger.finished_since_last_asked():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert who(store)[ada[5]] == ("Ada", "machine")
    assert not tagger.finished_since_last_asked()
    assert tagger.close()


def test_trouble_is_told_and_the_next_round_does_it_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Store] = []

    def locked_at_first(store: Store, _progress: object, **_: object) -> None:
        tried.append(store)
        if len(tried) == 1:
            raise DatabaseLockedError("in use")

    monkeypatch.setattr("phototag.workflows.recognition.background.train_and_tag", locked_at_first)
    tagger = Tagger(store.path)
    tagger.request()
    assert tagger.wait_until_idle(30)
    assert tagger.finished_since_last_asked()
    assert hints.sentence(tagger.error or Exception()) == "in use"
    tagger.request()
    assert tagger.close() is None
    assert len(tried) == 2
    tagger = Tagger(store.path)
    tried.clear()
    tagger.request()
    with pytest.raises(DatabaseLockedError):
        tagger.close()


def test_what_another_program_says_meanwhile_is_tried_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, ben = add_faces(store, "ada", 0, 6), add_faces(store, "ben", 1, 6)
    name_faces(store, ada[:2], "Ada")

    def beside(own: Store, progress: Progress, **how: Any) -> Any:
        done = train_and_tag(own, progress, **how)
        if not people.find(own, "Ben"):
            with open_store(store.path) as other:
                name_faces(other, ben[:2], "Ben")
        return done

    monkeypatch.setattr("phototag.workflows.recognition.background.train_and_tag", beside)
    tagger = Tagger(store.path)
    tagger.request()
    done = tagger.close()
    assert done
    assert done.named == 8
    assert who(store)[ben[5]] == ("Ben", "machine")
