"""Each command: what it prints, and the exit code of each kind of trouble."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import PIL.Image
import pytest

from phototag.cli.main import cli
from tests.cli.conftest import Demo, Run


def _leaves(group: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    commands = getattr(group, "commands", None)
    if commands is None:
        return [path]
    return [leaf for name, command in commands.items() for leaf in _leaves(command, (*path, name))]


@pytest.mark.parametrize("command", _leaves(cli), ids=" ".join)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_explains_itself(command: tuple[str, ...], flag: str) -> None:
    from click.testing import CliRunner

    result = CliRunner().invoke(cli, [*command, flag])
    assert result.exit_code == 0
    assert "Usage: " in result.output


def test_help_imports_nothing_heavy(phototag: Run) -> None:
    import subprocess
    import sys

    probe = (
        "import sys; from phototag.cli.main import cli; "
        "print([m for m in ('numpy', 'PIL', 'tensorflow', 'sklearn', 'dlib', 'rich', 'sqlite_utils', 'jinja2') "
        "if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_missing_folder(phototag: Run, tmp_path: Path) -> None:
    done = phototag("run", tmp_path / "nowhere", "--db", tmp_path / "x.db")
    assert done.returncode == 2
    assert "is not a folder" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "x.db").exists()


def test_an_empty_folder(phototag: Run, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    done = phototag("run", tmp_path / "photos", "--db", tmp_path / "x.db")
    assert done.returncode == 17
    assert "no photo" in done.stderr


def test_status_lists_the_files_that_could_not_be_used(phototag: Run, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(12):
        (tmp_path / "photos" / f"{number:02d}.jpg").write_bytes(b"no picture")
    done = phototag("index", tmp_path / "photos", "--db", tmp_path / "x.db")
    assert done.returncode == 3
    lines = phototag("status", "--db", tmp_path / "x.db").stdout.splitlines()
    at = lines.index("problems  12 files")
    assert [line.split(": ")[0].strip() for line in lines[at + 1 : at + 11]] == [
        str(tmp_path / "photos" / f"{number:02d}.jpg") for number in range(10)
    ]
    assert lines[at + 11] == "  and 2 more: `--json` has them all"
    told = json.loads(phototag("status", "--json", "--db", tmp_path / "x.db").stdout)["unusable"]
    assert [Path(one["path"]).name for one in told] == [f"{number:02d}.jpg" for number in range(12)]
    assert set(told[0]) == {"path", "stage", "code", "message", "runs"}


def test_copies_add_up(demo: Demo, phototag: Run, tmp_path: Path) -> None:
    """Three files of one photo: its faces are counted once, by `index` and by `status`, and `index` says why."""
    photo = next(path for path in sorted(demo.folder.rglob("*.jpg")) if "report" not in path.parts)
    (tmp_path / "photos").mkdir()
    for number in range(3):
        shutil.copyfile(photo, tmp_path / "photos" / f"{number}.jpg")
    done = phototag("index", tmp_path / "photos", "--db", tmp_path / "x.db")
    assert done.stdout.startswith("3 photos indexed (2 of them copies of known photos), ")
    told = json.loads(phototag("status", "--json", "--db", tmp_path / "x.db").stdout)
    faces = int(done.stdout.split("), ")[1].split()[0])
    assert (told["photos"], told["faces"]) == (1, faces)


def test_photos_without_faces(phototag: Run, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    PIL.Image.new("RGB", (320, 240), "teal").save(tmp_path / "photos" / "sea.jpg")
    done = phototag("run", tmp_path / "photos", "--db", tmp_path / "x.db")
    assert done.returncode == 17
    assert "no face was found in 1 photo" in done.stderr
    assert phototag("cluster", "--db", tmp_path / "x.db").returncode == 0


@pytest.mark.parametrize(
    "command",
    ["status", "cluster", "train", "tag", "tune", "audit", "report out", "people list", "people export -", "faces list",
     "name 1 Ada", "label --from-folders .", "run", "index"],
)  # fmt: skip
def test_no_database_yet(command: str, phototag: Run, tmp_path: Path) -> None:
    done = phototag(*command.split(), "--db", tmp_path / "absent.db")
    assert done.returncode == 2
    assert "phototag run" in done.stderr
    assert not (tmp_path / "absent.db").exists()


@pytest.mark.parametrize("command", ["train", "tune", "audit"])
def test_nobody_named(command: str, indexed: Path, phototag: Run) -> None:
    done = phototag(command, "--db", indexed)
    assert done.returncode == 17
    assert "nobody is named yet" in done.stderr or "phototag train" in done.stderr


def test_one_named(indexed: Path, phototag: Run) -> None:
    assert "phototag name" in phototag("tag", "--db", indexed).stderr
    assert phototag("name", 1, "Grace Hopper", "--no-tag", "--db", indexed).stdout.count("\n") == 1
    assert "phototag train" in phototag("tag", "--db", indexed).stderr
    done = phototag("train", "--db", indexed)
    assert done.returncode == 0
    assert "One person can't be compared with anybody" in done.stdout
    assert phototag("tag", "--db", indexed).returncode == 0


def test_a_new_name_is_tried_at_once(indexed: Path, phototag: Run) -> None:
    done = phototag("name", 1, "Grace Hopper", "--db", indexed)
    assert "are Grace Hopper" in done.stdout
    assert "tagged" in done.stdout
    assert "1 person" in phototag("train", "--db", indexed).stdout


def test_a_single_new_name_is_tried_at_once(indexed: Path, phototag: Run) -> None:
    def said_by(source: str | None) -> dict[int, str]:
        listed = json.loads(phototag("faces", "list", "--json", "--db", indexed).stdout)
        return {face["id"]: face["person"] for face in listed if face["source"] == source}

    one = next(iter(said_by(None)))
    alone = phototag("faces", "is", one, "Grace Hopper", "--no-tag", "--db", indexed)
    assert alone.stdout == f"Face {one} is Grace Hopper.\n"
    assert not said_by("machine")
    done = phototag("faces", "is", one, "Grace Hopper", "--db", indexed)
    assert "tagged" in done.stdout
    assert said_by("human") == {one: "Grace Hopper"}
    assert set(said_by("machine").values()) == {"Grace Hopper"}


def test_tune_and_audit_only_look(indexed: Path, phototag: Run) -> None:
    phototag("name", 1, "Grace Hopper", "--db", indexed)
    before = phototag("faces", "list", "--json", "--db", indexed).stdout
    tuned = json.loads(phototag("tune", "--json", "--db", indexed).stdout)
    assert {choice["precision"] for choice in tuned["choices"]} >= {0.9, 0.99, 0.999}
    assert "as set" in phototag("tune", 0.97, "--db", indexed).stdout
    assert phototag("tune", 2, "--db", indexed).returncode == 2
    found = json.loads(phototag("audit", "--json", "--db", indexed).stdout)
    assert set(found) == {"faces", "tags", "doubts", "alike", "twice", "unplaced"}
    assert "checked: " in phototag("audit", "--db", indexed).stdout
    assert phototag("faces", "list", "--json", "--db", indexed).stdout == before


def test_a_precision_is_a_share(indexed: Path, phototag: Run) -> None:
    phototag("name", 1, "Grace Hopper", "--no-tag", "--db", indexed)
    assert json.loads(phototag("train", "--precision", 0.9, "--json", "--db", indexed).stdout)["precision"] == 0.9
    assert json.loads(phototag("tag", "--json", "--db", indexed).stdout)["precision"] == 0.9
    done = phototag("tag", "--json", "--db", indexed, env={"PHOTOTAG_PRECISION": "0.95"})
    assert json.loads(done.stdout)["precision"] == 0.95
    for wrong in (1, 99.5, "nan", "high"):
        done = phototag("train", "--precision", wrong, "--db", indexed)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()[-1]) > 10


def test_name_train_tag(indexed: Path, phototag: Run) -> None:
    assert "are Ada Lovelace" in phototag("name", 1, "  Ada \t Lovelace ", "--db", indexed).stdout
    assert phototag("name", 2, "Eileen", "--db", indexed).returncode == 0
    assert phototag("name", 1, "Somebody", "--db", indexed).returncode == 2  # its faces are named now
    trained = json.loads(phototag("train", "--json", "--db", indexed).stdout)
    assert trained["people"] == 2
    assert phototag("tag", "--json", "--db", indexed).returncode == 0


@pytest.mark.parametrize("name", ["", "   ", "\u202e", "x" * 201])
def test_a_name_that_cannot_be(indexed: Path, phototag: Run, name: str) -> None:
    done = phototag("name", 1, name, "--db", indexed)
    assert done.returncode == 2
    assert "can't be a name" in done.stderr


def test_naming_without_a_terminal(indexed: Path, phototag: Run) -> None:
    done = phototag("name", "--db", indexed)
    assert done.returncode == 2
    assert "terminal" in done.stderr


def test_names_from_folders(indexed: Path, demo: Demo, phototag: Run) -> None:
    done = json.loads(
        phototag("label", "--from-folders", demo.folder / "photos" / "people", "--json", "--db", indexed).stdout
    )
    tagged = done.pop("tagged")
    assert done == {"faces": 6, "people": 2, "faceless": 0, "conflicts": []}
    assert (tagged["faces"], tagged["named"]) == (26, 26)
    again = json.loads(
        phototag("label", "--from-folders", demo.folder / "photos" / "people", "--json", "--db", indexed).stdout
    )
    assert again["faces"] == 0
    elsewhere = phototag("label", "--from-folders", demo.folder / "report", "--db", indexed)
    assert elsewhere.returncode == 2
    assert "phototag index" in elsewhere.stderr


@pytest.mark.parametrize("command", ["status", "cluster", "run ."])
def test_a_foreign_file_as_database(command: str, phototag: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but long enough to look at " * 20)
    before = (tmp_path / "notes.txt").read_bytes()
    assert phototag(*command.split(), "--db", tmp_path / "notes.txt").returncode == 10
    assert (tmp_path / "notes.txt").read_bytes() == before


def test_an_index_with_problems_says_so_each_time(demo: Demo, phototag: Run, tmp_path: Path) -> None:
    db = tmp_path / "x.db"
    shutil.copyfile(demo.db, db)
    done = phototag("index", "--json", "--db", db)
    assert done.returncode == 3
    result = json.loads(done.stdout)
    assert result["photos"] == 0
    assert result["unchanged"] == 30
    assert result["problems"] == 1


def test_a_library_that_is_away(demo: Demo, phototag: Run, tmp_path: Path) -> None:
    photos = tmp_path / "drive"
    shutil.copytree(demo.folder / "photos" / "people", photos)
    db = tmp_path / "x.db"
    assert phototag("run", photos, "--db", db, "--out", tmp_path / "out").returncode == 0
    before = phototag("faces", "list", "--json", "--db", db).stdout
    photos.rename(tmp_path / "unplugged")
    done = phototag("index", "--db", db)
    assert done.returncode == 15
    assert "offline" in done.stderr
    photos.mkdir()  # an empty mount point
    done = phototag("run", photos, "--db", db, "--out", tmp_path / "out")
    assert done.returncode == 15
    assert "suddenly empty" in done.stderr
    assert phototag("faces", "list", "--json", "--db", db).stdout == before


def test_csv(demo: Demo, phototag: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(phototag("faces", "list", "--csv", "--db", demo.db).stdout)))
    assert len(rows) == demo.result["faces"]
    assert {row["source"] for row in rows} == {"human", "machine"} | {
        row["source"] for row in rows if not row["source"]
    }


def test_an_unknown_detector(demo: Demo, phototag: Run, tmp_path: Path) -> None:
    done = phototag("index", demo.folder / "photos", "--detector", "crystal-ball", "--db", tmp_path / "x.db")
    assert done.returncode == 2
    assert "mtcnn" in done.stderr


def test_another_detector_keeps_every_name(demo: Demo, phototag: Run, tmp_path: Path) -> None:
    db = tmp_path / "x.db"
    shutil.copyfile(demo.db, db)
    before = {(f["photo"], f["person"]) for f in _human(phototag, db)}
    assert phototag("index", "--detector", "dlib-hog", "--db", db).returncode == 3
    assert {(f["photo"], f["person"]) for f in _human(phototag, db)} == before
    assert "dlib-hog" in phototag("status", "--db", db).stdout


def _human(phototag: Run, db: Path) -> list[dict[str, object]]:
    return [f for f in json.loads(phototag("faces", "list", "--json", "--db", db).stdout) if f["source"] == "human"]
