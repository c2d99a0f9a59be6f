"""Two programs at one database: are all answers kept that were confirmed to somebody?

    python benchmarks/two_programs.py [--rounds 200] [--jobs 1] [--json FILE]

Each round starts from the same small library of drawn photos. Two programs (the pages with three windows, the interview
on a terminal, `name GROUP NAME`, `index` of new photos, `tag`, `cluster`; all pairs in turns) are started in random
order and at random moments, and answered; in half of the rounds one of the two is ended by `kill -9` at a random
moment. An answer is confirmed once the page, the terminal or the exit status said that it is saved. Afterwards the
journal is compared with what was confirmed. Needs Linux (it looks into /proc) and the packages that tests need.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.faults.two_programs.library import make
from tests.faults.two_programs.rounds import Played, play

_COUNTED = ("confirmed", "kept", "disordered", "doubled", "misplaced", "overwritten")


def figures(rounds: Sequence[Played]) -> dict[str, int]:
    """What came of rounds: how many, in how many of them one was killed, and sums over all."""
    return {
        "rounds": len(rounds),
        "kills": sum(bool(played.killed) for played in rounds),
        **{name: sum(getattr(played, name) for played in rounds) for name in _COUNTED},
        "rounds_with_faults": sum(bool(played.faults) for played in rounds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument(
        "--jobs", type=int, default=1, help="rounds that are played at once, each with its own database"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    rounds = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(arguments.jobs) as pool:
        for played in pool.map(partial(play, make(Path(folder))), range(arguments.rounds)):
            rounds.append(played)
            killed = f", {played.killed} killed" if played.killed else ""
            wrong = "".join(f"\n    {fault}" for fault in played.faults)
            print(f"{len(rounds):4} {played.pair}{killed}: {played.kept} of {played.confirmed}{wrong}", flush=True)
    pairs = {
        pair: figures([played for played in rounds if played.pair == pair]) for pair in sorted({p.pair for p in rounds})
    }
    print(json.dumps(figures(rounds), indent=2))
    if arguments.json:
        found = {**figures(rounds), "pairs": pairs, "faults": [asdict(played) for played in rounds if played.faults]}
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
