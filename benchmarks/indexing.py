"""All figures of the engines and of indexing, in one run.

    python benchmarks/indexing.py --data FOLDER [--json]

FOLDER holds `lfw-dev`, `album`, `face-boxes` and `models`. `engines.py` and `pipeline.py` tell what is measured, and
run alone for a part of it. Takes half an hour on two cores, which should have nothing else to do.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import engines
import pipeline


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    data = options.data.resolve()
    figures = {**engines.measure(data), "index": pipeline.measure(data)}
    print(json.dumps(figures, indent=2) if options.json else engines.text(figures))


if __name__ == "__main__":
    main()
