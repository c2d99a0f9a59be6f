"""Two programs at one database: are all answers kept that were confirmed to somebody?

    python -m benchmarks.two_programs

Each round starts from the same small library of drawn photos. Two programs (the pages with three windows, the interview
on a terminal, `name GROUP NAME`, `index` of new photos, `tag`, `cluster`; all pairs in turns) are started in random
order and at random moments, and answered; in half of the rounds one of the two is ended by `kill -9` at a random
moment. An answer is confirmed once the page, the terminal or the exit status said that it is saved. Afterwards the
journal is compared with what was confirmed. Needs Linux (it looks into /proc) and the packages that tests need.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path

from benchmarks.command import Benchmark
from benchmarks.figures import Measure, Measured, Value, exactly
from tests.faults.two_programs.library import make
from tests.faults.two_programs.rounds import Played, play

_LIBRARY = "72 drawn photos of 24 people, found and told apart by drawn engines"
_PROGRAMS = {"Pages": "the pages", "Interview": "the interview", "Once": "`name GROUP NAME`"}
_JOB = "`index`, `tag` or `cluster`"
#: Pairs of programs, the jobs taken together, in the order of the table.
_PAIRS = {
    **{f"{one}-{two}": f"{_PROGRAMS[one]} and {_PROGRAMS[two]}" for one, two in (
        ("Pages", "Interview"), ("Pages", "Once"), ("Interview", "Once"),
    )},
    **{f"{one}-{one}": f"{label}, twice" for one, label in _PROGRAMS.items()},
    **{f"{one}-Job": f"{label} and {_JOB}" for one, label in _PROGRAMS.items()},
    "Job-Job": "two of `index`, `tag`, `cluster`",
    "all": "all",
}  # fmt: skip
_FAULTS = {
    "disordered": "answers out of the order in which they were confirmed",
    "doubled": "answers twice in the journal",
    "misplaced": "answers on another person's face",
    "overwritten": "faces named again by somebody who didn't know",
    "faulty": "rounds with another fault: a failed check of SQLite, a log that was deleted, a wrong message",
}
MEASURES = (
    *(
        measure
        for key, label in _PAIRS.items()
        for measure in (
            Measure(f"pairs.{key}.rounds", label, _LIBRARY, column="rounds"),
            Measure(f"pairs.{key}.kills", label, _LIBRARY, column="in which one was killed"),
            Measure(f"pairs.{key}.confirmed", label, _LIBRARY, column="answers confirmed"),
            Measure(f"pairs.{key}.lost", label, _LIBRARY, wanted=exactly(0), column="of them lost"),
        )
    ),
    *(Measure(f"faults.{key}", label, _LIBRARY, wanted=exactly(0)) for key, label in _FAULTS.items()),
)


def main() -> None:
    benchmark = Benchmark("two_programs", __doc__, MEASURES, data=False)
    benchmark.size("--rounds", 200, "rounds")
    benchmark.arguments.add_argument(
        "--jobs", type=int, default=1, help="rounds that are played at once, each with its own database (1)"
    )
    options = benchmark.parse()
    rounds = Rounds(options.rounds, options.jobs)
    benchmark.run({"pairs": rounds.by_pair, "faults": rounds.faults})


class Rounds:
    """So many rounds, some of them at once."""

    def __init__(self, count: int, at_once: int) -> None:
        self._count, self._at_once = count, at_once

    def by_pair(self) -> dict[str, Value | Measured]:
        told: dict[str, Value | Measured] = {}
        for key in _PAIRS:
            rounds = [played for played in self._played if key in ("all", _pair(played))]
            told |= {
                f"pairs.{key}.rounds": len(rounds),
                f"pairs.{key}.kills": sum(bool(played.killed) for played in rounds),
                f"pairs.{key}.confirmed": sum(played.confirmed for played in rounds),
                f"pairs.{key}.lost": sum(played.confirmed - played.kept for played in rounds),
            }
        return told

    def faults(self) -> dict[str, Value | Measured]:
        sums = {name: sum(getattr(played, name) for played in self._played) for name in _FAULTS if name != "faulty"}
        faulty = sum(bool(played.faults) for played in self._played)
        return {f"faults.{name}": value for name, value in {**sums, "faulty": faulty}.items()}

    @cached_property
    def _played(self) -> Sequence[Played]:
        rounds: list[Played] = []
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(self._at_once) as pool:
            for played in pool.map(partial(play, make(Path(folder))), range(self._count)):
                rounds.append(played)
                killed = f", {played.killed} killed" if played.killed else ""
                wrong = "".join(f"\n    {fault}" for fault in played.faults)
                print(f"{len(rounds):4} {played.pair}{killed}: {played.kept} of {played.confirmed}{wrong}", flush=True)
        return rounds


def _pair(played: Played) -> str:
    """The row of the table that a round belongs to."""
    names = [name if name in _PROGRAMS else "Job" for name in played.pair.split(" + ")]
    order = [*_PROGRAMS, "Job"]
    return "-".join(sorted(names, key=order.index))


if __name__ == "__main__":
    main()
