"""No answer is lost, doubled or overwritten when two programs work at one database, whichever they are and end how."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.two_programs.library import Library, make
from tests.faults.two_programs.rounds import PAIRS, Played, called, play
from tests.support import failing_disk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal and SIGKILL")
#: Rounds of the whole count; of the short form, some in which one of the two is killed and some in which none is.
ALL = 200
FEW = [0, 1, 3, 7, 33]
#: Rounds that are played where processes share no memory.
SHARE = [1, 3]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return make(tmp_path_factory.mktemp("two programs"))


@pytest.fixture(scope="module")
def few(library: Library) -> Sequence[Played]:
    return [play(library, number) for number in FEW]


def test_what_was_confirmed_is_kept(few: Sequence[Played]) -> None:
    assert [(played.pair, played.faults) for played in few if played.faults] == []


def test_both_programs_were_answered_and_some_killed(few: Sequence[Played]) -> None:
    """Else the rounds would show nothing."""
    assert sum(played.confirmed for played in few) > 2 * len(FEW)
    assert 0 < sum(bool(played.killed) for played in few) < len(FEW)


@pytest.mark.skipif(not failing_disk.available(), reason="SQLite's system calls can't be replaced here")
def test_as_well_on_a_file_system_without_shared_memory(library: Library, tmp_path: Path) -> None:
    """As network shares are: there is no log ahead, and programs wait for one another."""
    (tmp_path / "sitecustomize.py").write_text("import tests.support.failing_disk\n")
    path = [library.environment["PYTHONPATH"], str(tmp_path), str(Path(__file__).parents[2])]
    share = {**library.environment, "FAILING_CALLS": "mmap", "PYTHONPATH": ":".join(path)}
    rounds = [play(replace(library, environment=share), number) for number in SHARE]
    assert [(played.pair, played.faults) for played in rounds if played.faults] == []
    assert [played.journal for played in rounds] == ["delete"] * len(SHARE)
    assert sum(played.confirmed for played in rounds) > 2 * len(SHARE)


@pytest.mark.full
@pytest.mark.timeout(ALL * 60)
def test_every_pair_many_times(library: Library) -> None:
    rounds = [play(library, number) for number in range(ALL)]
    assert [(played.pair, played.faults) for played in rounds if played.faults] == []
    assert {played.pair for played in rounds} == set(map(called, PAIRS))
    assert all(played.kept == played.confirmed for played in rounds)
