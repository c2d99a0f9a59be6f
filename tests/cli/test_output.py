"""What goes to standard output and standard error besides a command's result: broken pipes, logs, versions."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from phototag.cli.logs import log_to_stderr
from phototag.cli.main import main
from phototag.weights import cached
from tests.cli.conftest import Run


@pytest.mark.parametrize("reader", ["true", "head -c 1"])
@pytest.mark.parametrize(
    ("command", "code"),
    [("--help", 0), ("--version", 0), ("engines list", 0), ("--nonsense 2>&1", 2), ("status --db nowhere.db 2>&1", 2)],
)
def test_a_command_whose_output_nobody_reads_keeps_its_code(
    command: str, code: int, reader: str, environment: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"$0" -m phototag {command} | {reader} > /dev/null; exit ${{PIPESTATUS[0]}}', sys.executable],
        capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_rich_meets_a_broken_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich's console leaves with code 1 where a pipe breaks; any other exit keeps its code."""

    def broken(*_: object, **__: object) -> None:
        try:
            raise BrokenPipeError
        except BrokenPipeError:
            raise SystemExit(1) from None

    def ended(*_: object, **__: object) -> None:
        raise SystemExit(3)

    for leave, code in ((broken, 0), (ended, 3)):
        monkeypatch.setattr("phototag.cli.main.cli.main", leave)
        with pytest.raises(SystemExit) as left:
            main(["status"])
        assert left.value.code == code


def test_version_says_what_matters(phototag: Run) -> None:
    done = phototag("--version")
    lines = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
    assert done.returncode == 0
    assert list(lines)[:3] == ["phototag", "Python", "SQLite"]
    assert lines["tensorflow"] == version("tensorflow") and lines["numpy"] == version("numpy")


@pytest.mark.parametrize("how", ["before", "after", "environment"])
def test_verbose_tells_more_on_standard_error_alone(how: str, phototag: Run, indexed: Path) -> None:
    words = {"before": ["--verbose", "undo"], "after": ["undo", "--verbose"], "environment": ["undo"]}[how]
    plain = phototag("undo", "--dry-run", "--db", indexed)
    told = phototag(*words, "--dry-run", "--db", indexed, env={"PHOTOTAG_LOG": "debug"} if how == "environment" else {})
    assert (plain.returncode, plain.stderr) == (0, "")
    assert told.returncode == 0 and told.stdout == plain.stdout
    assert "DEBUG   phototag.store.connect: committed" in told.stderr


def test_a_cache_that_cannot_be_written_says_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").touch()
    monkeypatch.setenv("PHOTOTAG_CACHE", str(tmp_path / "cache"))
    log_to_stderr("")
    assert cached("net.tflite", lambda: b"built") == b"built"
    told = capsys.readouterr().err
    assert told.startswith("phototag: net.tflite can't be kept in ") and "PHOTOTAG_CACHE" in told


def test_an_unknown_level_of_logging_is_refused(phototag: Run) -> None:
    done = phototag("status", env={"PHOTOTAG_LOG": "loud"})
    assert done.returncode == 2 and "must be one of debug, info, warning, error" in done.stderr
