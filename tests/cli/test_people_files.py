"""`people export`, `people import` and `faces add`: what they print, write, refuse, and with which exit code."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from phototag.cli.main import main
from phototag.interop.read_names import parse
from tests.cli.conftest import Demo, Run

Refused = Callable[..., str]
GOLDEN = Path(__file__).parents[1] / "interop" / "names.json"


@pytest.fixture
def named(demo: Demo, tmp_path: Path) -> Path:
    """The demo's database, in which somebody named faces."""
    db = tmp_path / "named.db"
    shutil.copyfile(demo.db, db)
    return db


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str], named: Path) -> Refused:
    """Run `phototag …` in this process; it says why not in one sentence, and changes nothing. Returns the sentence."""

    def run(*arguments: object) -> str:
        before, handler = named.read_bytes(), signal.getsignal(signal.SIGTERM)
        with pytest.raises(SystemExit) as left:
            main([*map(str, arguments), "--db", str(named)])
        signal.signal(signal.SIGTERM, handler)
        assert left.value.code == 2
        assert named.read_bytes() == before
        return capfd.readouterr().err.splitlines()[-1]

    return run


def test_there_and_back(named: Path, indexed: Path, phototag: Run, tmp_path: Path) -> None:
    file = tmp_path / "names.json"
    done = phototag("people", "export", file, "--db", named)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Wrote 2 people and your answers about ")
    assert file.stat().st_mode & 0o777 == 0o600
    assert [person.name for person in parse(file.read_bytes()).people] == ["Eileen Collins", "Grace Hopper"]
    assert phototag("people", "export", "-", "--db", named).stdout == file.read_text("utf-8")

    before = indexed.read_bytes()
    tried = phototag("people", "import", file, "--dry-run", "--db", indexed)
    assert tried.stdout.startswith("Would name ")
    assert indexed.read_bytes() == before
    done = phototag("people", "import", "-", "--db", indexed, input=file.read_text("utf-8"))
    assert done.returncode == 0, done.stderr
    assert "; 2 new people.\n" in done.stdout
    assert "tagged" in done.stdout  # the names are looked for in all other photos
    again = json.loads(phototag("people", "import", file, "--json", "--db", indexed).stdout)
    assert (again["answer"], again["names"], again["differences"], again["tagged"]) == (None, 0, [], None)
    assert "Undid answer" in phototag("undo", "--no-tag", "--db", indexed).stdout
    assert json.loads(phototag("people", "list", "--json", "--db", indexed).stdout) == []


def test_photos_that_are_not_here(named: Path, phototag: Run) -> None:
    done = phototag("people", "import", GOLDEN, "--db", named)
    assert done.returncode == 0
    assert "2 photos of the file not here: index them and import again:\n  /photos/2019/party.jpg\n" in done.stdout
    assert "  /photos/not utf-8 \\xff.jpg\n" in done.stdout


def test_an_impossible_box_is_listed_and_the_rest_is_imported(
    indexed: Path, named: Path, phototag: Run, tmp_path: Path
) -> None:
    file = tmp_path / "names.json"
    phototag("people", "export", file, "--db", named)
    document = json.loads(file.read_text("utf-8"))
    faces = sum(len(photo["faces"]) for photo in document["photos"])
    document["photos"][0]["faces"][0]["box"] = [-500, -500, 40, 40]
    file.write_text(json.dumps(document), "utf-8")
    done = phototag("people", "import", file, "--no-tag", "--db", indexed)
    assert done.returncode == 3
    assert f"Named {faces - 1} face" in done.stdout
    assert "1 entry of the file was invalid and left out:\n  photos 1, faces 1: box lies outside" in done.stdout


def test_what_is_said_here_stays_unless_it_is_overruled(named: Path, phototag: Run, tmp_path: Path) -> None:
    file = tmp_path / "names.json"
    phototag("people", "export", file, "--db", named)
    file.write_text(file.read_text("utf-8").replace("Grace Hopper", "Amazing Grace"), "utf-8")
    before = phototag("people", "list", "--json", "--db", named).stdout
    done = phototag("people", "import", file, "--no-tag", "--db", named)
    assert done.returncode == 0
    assert "(your answers here stay):\n" in done.stdout
    assert "here is Grace Hopper, in the file is Amazing Grace" in done.stdout
    assert phototag("people", "list", "--json", "--db", named).stdout == before
    done = phototag("people", "import", file, "--no-tag", "--overrule", "--db", named)
    assert "of them overruled):" in done.stdout
    assert "Amazing Grace" in phototag("people", "list", "--db", named).stdout


@pytest.mark.parametrize("content", [b"", b"[" * 99_999, b'{"format": "phototag-names", "version": 9}', b"\xff\xd8"])
def test_a_hostile_file_changes_nothing(refused: Refused, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    assert "x.json can't be imported, and nothing was changed: " in refused("people", "import", tmp_path / "x.json")


def test_files_that_cannot_be(refused: Refused, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff")
    assert "something else than a file that phototag wrote" in refused("people", "export", photo)
    assert photo.read_bytes() == b"\xff\xd8\xff"
    assert "can't be written" in refused("people", "export", tmp_path / "no" / "x.json")
    assert "can't be read" in refused("people", "import", tmp_path / "absent.json")


@pytest.mark.parametrize("box", ["1,2,3", "1,2,3,x", "nan,2,30,40", "1,2,-30,40", "1e999,2,30,40"])
def test_boxes_that_are_none(refused: Refused, box: str) -> None:
    assert "is not a box: give left, top, width and height" in refused("faces", "add", "x.jpg", "--box", box)


def test_faces_that_cannot_be_added(demo: Demo, refused: Refused) -> None:
    photo = demo.folder / "photos" / "2021 holiday" / "P7140001.jpg"
    assert "is no indexed photo: run `phototag index " in refused("faces", "add", "x.jpg", "--box", "1,2,30,40")
    assert "too small" in refused("faces", "add", photo, "--box", "1,2,3,4")
    assert "reaches beyond the photo" in refused("faces", "add", photo, "--box", "1e9,2,30,40")
    assert "can't be a name" in refused("faces", "add", photo, " ", "--box", "1,2,30,40")


def test_a_face_that_was_missed(demo: Demo, named: Path, phototag: Run) -> None:
    photo = demo.folder / "photos" / "2021 holiday" / "P7140001.jpg"  # which shows nobody
    done = phototag("faces", "add", photo, "Cloud", "--box", "20,20,80,80", "--db", named)
    assert done.returncode == 0, done.stderr
    assert "was added; it is Cloud.\n" in done.stdout
    assert "tagged" in done.stdout  # the name is looked for in all other photos
    again = phototag("faces", "add", photo, "--box", "24,20,80,80", "--db", named)
    assert again.stdout.endswith("was known there already.\n")
    [face] = [row for row in json.loads(phototag("faces", "list", "--json", "--db", named).stdout)
              if row["person"] == "Cloud"]  # fmt: skip
    assert (face["photo"], face["box"]) == (str(photo), [20, 20, 80, 80])
