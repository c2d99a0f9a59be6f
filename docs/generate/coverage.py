"""The page that says which share of the lines the tests reach, and the program that measures it (`make coverage`)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "docs" / "coverage.json"

INTRODUCTION = """# Test coverage

The share of lines that `make test` runs, child processes included. It is no target: a line that a test reaches may
still be wrong.
"""


def page() -> str:
    """The page, in Markdown."""
    if not RESULT.exists():
        return f"{INTRODUCTION}\nNot measured yet: run `make coverage`.\n"
    result: dict[str, Any] = json.loads(RESULT.read_text("utf-8"))
    rooms: dict[str, list[int]] = result["rooms"]
    rows = [f"| `{room}` | {total:,} | {_share(reached, total)} |" for room, (reached, total) in rooms.items()]
    reached, total = (sum(column) for column in zip(*rooms.values(), strict=True))
    return "\n".join(
        [
            INTRODUCTION,
            f"**{_share(reached, total)}** of {total:,} lines, measured on {result['date']} at {result['commit']}.",
            "",
            "| folder or module | lines | reached |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def measured() -> dict[str, Any]:
    """The figures of the last run of the tests with `--cov`: for each room the lines that were reached, and all."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", file.name], check=True, cwd=ROOT)
        files = json.loads(Path(file.name).read_text("utf-8"))["files"]
    reached: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for path, found in files.items():
        room = "/".join(Path(path).parts[:2])
        reached[room] += found["summary"]["covered_lines"]
        total[room] += found["summary"]["num_statements"]
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], check=True, cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "commit": commit,
        "rooms": {room: [reached[room], total[room]] for room in sorted(total)},
    }


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


if __name__ == "__main__":
    RESULT.write_text(json.dumps(measured(), indent=1) + "\n", "utf-8")
    print(page())
