"""What commands print with `--json` is what docs/json/ says."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click
import pytest
from jsonschema import Draft202012Validator, ValidationError

from docs.generate import commands, json_output
from tests.cli.conftest import Demo, Run

EILEEN = "Eileen Collins"
#: Checked where they can run: tests/workflows/test_train_embedder.py and tests/engines/test_catalogue.py.
ELSEWHERE = {"train-embedder", "engines install"}


@pytest.fixture
def db(demo: Demo, tmp_path: Path) -> Path:
    """The demo's database, for this test alone."""
    copy = tmp_path / "copy.db"
    shutil.copyfile(demo.db, copy)
    return copy


def _runs(demo: Demo, tree: Path, tmp_path: Path) -> dict[str, list[list[object]]]:
    """How each command is run, by its words."""
    photos = demo.folder / "photos"
    photo = next(tree.rglob("*.jpg"))
    names = tmp_path / "names.json"
    return {
        "run": [["--out", tmp_path / "album"]],
        "people export": [[names]],
        "people import": [[names, "--overrule"]],
        "people list": [[]],
        "people show": [[EILEEN]],
        "people forget": [[EILEEN, "--dry-run"], [EILEEN, "--yes", "--name-again", EILEEN]],
        "faces list": [[]],
        "history": [[]],
        "report": [[tmp_path / "album"]],
        "status": [[]],
        "index": [[]],
        "cluster": [["--preview"], ["--from-scratch"]],
        "label": [["--from-folders", photos]],
        "forget": [["--missing", "--dry-run"], [photos, "--yes"]],
        "train": [[]],
        "tag": [[]],
        "tune": [[]],
        "audit": [[]],
        "identify": [[photo]],
        "verify": [[photo, photo], [photo, photo, "--all"]],
        "evaluate": [[tree]],
        "engines list": [[]],
        "demo": [["--out", tmp_path / "demo"]],
    }


def _with_json() -> list[str]:
    """The commands that have `--json`."""
    return [
        " ".join(path)
        for path, command in commands.commands()
        if not isinstance(command, click.Group) and any("--json" in option.opts for option in command.params)
    ]


def test_every_json_output_is_described_and_run(demo: Demo, tree: Path, tmp_path: Path) -> None:
    assert set(_with_json()) == json_output.schemas().keys()
    assert set(_with_json()) - ELSEWHERE <= _runs(demo, tree, tmp_path).keys()


@pytest.mark.parametrize("command", sorted(set(_with_json()) - ELSEWHERE))
def test_the_output_is_as_described(
    command: str, phototag: Run, demo: Demo, tree: Path, db: Path, tmp_path: Path
) -> None:
    runs = _runs(demo, tree, tmp_path)
    if command == "people import":
        done = phototag("people", "export", *runs["people export"][0], "--db", db)
        assert done.returncode == 0, done.stderr
    for arguments in runs[command]:
        database = [] if command in ("verify", "evaluate", "engines list", "demo") else ["--db", db]
        done = phototag(*command.split(), *arguments, *database, "--json")
        assert done.returncode in (0, 3), done.stderr
        json_output.checked(command, done.stdout)


@pytest.mark.parametrize("command", json_output.schemas())
def test_schemas_are_schemas_that_allow_no_other_key(command: str) -> None:
    schema = json_output.schemas()[command]
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == f"phototag {command} --json"
    for inside in (schema.get("items", schema), *schema.get("$defs", {}).values()):
        assert inside["additionalProperties"] is False
        with pytest.raises(ValidationError):
            Draft202012Validator({**inside, "$defs": schema.get("$defs", {})}).validate(_with_a_new_key(inside))


def _with_a_new_key(schema: dict[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(schema["required"]), "new": 1}
