from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from phototag.imaging.walk import walk
from phototag.types import PhotoFile, Problem

ODD_NAMES = [
    b"plain.jpg",
    b"caf\xe9 latin-1.jpg",
    b"\xff\xfe\x80.jpg",
    b"new\nline.jpg",
    b"esc\x1b[31mred\x1b[0m.jpg",
    b"bell\x07.jpg",
    b"tab\t.jpg",
    "bidi \u202egpj.exe.jpg".encode(),
    "zero\u200bwidth.jpg".encode(),
    "emoji \U0001f469\u200d\U0001f680.jpg".encode(),
    "nfc \u00e9.jpg".encode(),
    "nfd e\u0301.jpg".encode(),
    b"<img src=x onerror=alert(1)>.jpg",
    b"'quote\".jpg",
    b"javascript:a.jpg",
    b"-rf",
    b"--help.jpg",
    b"space at end.jpg ",
    b" space at start.jpg",
    b"back\\slash.jpg",
    b"per%20cent.jpg",
    b"no suffix",
    b"x" * 251 + b".jpg",
    b"~tilde.jpg",
    b"*glob?.jpg",
    b"$HOME.jpg",
    b"`id`.jpg",
    b"a;b|c&d.jpg",
    b"trailing dot.",
    b"UPPER.JPG",
]


def walked(root: Path, **options: bool) -> tuple[list[PhotoFile], list[Problem]]:
    problems: list[Problem] = []
    return list(walk(bytes(root), on_problem=problems.append, **options)), problems


def paths(root: Path, **options: bool) -> list[bytes]:
    files, problems = walked(root, **options)
    assert not problems
    return [file.path for file in files]


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_names_come_back_byte_for_byte(tmp_path: Path) -> None:
    if sys.platform == "darwin":
        pytest.skip("macOS refuses names that are not UTF-8")
    folder = os.path.join(bytes(tmp_path), b"fo\xffl\nder")
    os.mkdir(folder)
    for name in ODD_NAMES:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(name)
    found = paths(tmp_path)
    assert found == sorted(b"fo\xffl\nder/" + name for name in ODD_NAMES)
    for path in found:
        with open(os.path.join(bytes(tmp_path), path), "rb") as file:
            assert file.read() == path.partition(b"/")[2]


def test_order_is_that_of_whole_paths(tmp_path: Path) -> None:
    touch(tmp_path, "a/b.jpg", "a.jpg", "a-b/c.jpg", "a/a/z.jpg", "B.jpg", "z.jpg", "a/a.jpg")
    found = paths(tmp_path)
    assert len(found) == 7
    assert found == sorted(found)


def test_size_and_time_are_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"12345")
    os.utime(tmp_path / "a.jpg", ns=(0, -1_000_000_001))
    files, _ = walked(tmp_path)
    changed = (tmp_path / "a.jpg").stat().st_ctime_ns
    assert files == [PhotoFile(b"a.jpg", 5, -1_000_000_001, changed)]


def test_what_is_left_out(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "kept.jpg",
        "kept without suffix",
        "kept.weird",
        "raw/kept.nef",
        ".hidden.jpg",
        ".thumbnails/a.jpg",
        "private/.nomedia",
        "private/a.jpg",
        "private/deeper/a.jpg",
        "cache/.noimage",
        "cache/a.jpg",
        "2019/@eaDir/a.jpg",
        "#recycle/a.jpg",
        "$RECYCLE.BIN/a.jpg",
        "lost+found/a.jpg",
        "System Volume Information/a.jpg",
        "film.MP4",
        "kept.jpg.xmp",
        "meta.json",
        "notes.txt",
        "index.html",
        "all.zip",
        "phototag.sqlite",
    )
    (tmp_path / "empty").mkdir()
    assert paths(tmp_path) == [b"kept without suffix", b"kept.jpg", b"kept.weird", b"raw/kept.nef"]


def test_what_is_left_out_is_logged_with_its_reason(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    touch(tmp_path, "a.jpg", ".hidden/a.jpg", "private/.nomedia", "@eaDir/a.jpg", "film.mp4")
    (tmp_path / "link.jpg").symlink_to("a.jpg")
    skipped = [
        "skipped .hidden: hidden",
        "skipped @eaDir: a system folder",
        "skipped film.mp4: no photo, by its name",
        "skipped link.jpg: a symbolic link",
        "skipped private: it holds a .nomedia or .noimage file",
    ]
    with caplog.at_level("DEBUG", logger="phototag.imaging.walk"):
        paths(tmp_path)
        assert sorted(caplog.messages) == skipped
        caplog.clear()
        paths(tmp_path, follow=True)
        assert sorted(caplog.messages) == [line for line in skipped if "link" not in line]


def test_the_root_itself_was_named_on_purpose(tmp_path: Path) -> None:
    root = tmp_path / ".photos"
    touch(root, ".nomedia", "a.jpg")
    assert paths(root) == [b"a.jpg"]


def test_only_regular_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(tmp_path)  # a socket's path has about 100 bytes
        try:
            listener.bind("socket.jpg")
        finally:
            os.chdir(here)
        assert paths(tmp_path) == []


def test_links_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "library/a.jpg", "outside/b.jpg")
    (tmp_path / "library/link.jpg").symlink_to(tmp_path / "outside/b.jpg")
    (tmp_path / "library/folder").symlink_to(tmp_path / "outside")
    assert paths(tmp_path / "library") == [b"a.jpg"]


def test_followed_links_come_once_and_loops_end(tmp_path: Path) -> None:
    touch(tmp_path, "library/z/a.jpg", "outside/b.jpg", "outside/deep/c.jpg", "single.jpg")
    library = tmp_path / "library"
    (library / "a loop").symlink_to(library)
    (library / "z/loop").symlink_to(library / "z")
    (tmp_path / "outside/back").symlink_to(library)
    (library / "again").symlink_to(tmp_path / "outside")
    (library / "out").symlink_to(tmp_path / "outside")
    (library / "b known.jpg").symlink_to(library / "z/a.jpg")
    (library / "c single.jpg").symlink_to(tmp_path / "single.jpg")
    (library / "d single again.jpg").symlink_to(tmp_path / "single.jpg")
    (library / "dangling.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (library / "self.jpg").symlink_to(library / "self.jpg")
    assert paths(library, follow=True) == [
        b"z/a.jpg",
        b"again/b.jpg",
        b"again/deep/c.jpg",
        b"c single.jpg",
    ]


def test_an_unreadable_folder_is_told_and_the_rest_goes_on() -> None:
    script = """
        import os, tempfile
        from phototag.imaging.walk import walk

        with tempfile.TemporaryDirectory() as root:
            os.chmod(root, 0o755)
            for folder in ("a", "closed", "listed only", "z"):
                os.mkdir(f"{root}/{folder}")
                open(f"{root}/{folder}/x.jpg", "wb").close()
            os.chmod(f"{root}/closed", 0)
            os.chmod(f"{root}/listed only", 0o444)
            was_root = os.geteuid() == 0
            if was_root:  # root may read everything
                os.seteuid(65534)
            problems = []
            files = [file.path for file in walk(os.fsencode(root), on_problem=problems.append)]
            if was_root:
                os.seteuid(0)
            os.chmod(f"{root}/closed", 0o755)
            os.chmod(f"{root}/listed only", 0o755)
            print(files, [(problem.path, problem.stage, problem.code) for problem in problems])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.strip() == (
        "[b'a/x.jpg', b'z/x.jpg'] [(b'closed', 'walk', 'denied'), (b'listed only', 'walk', 'denied')]"
    )


def test_a_missing_root_is_a_problem_not_an_exception(tmp_path: Path) -> None:
    files, problems = walked(tmp_path / "nowhere")
    assert files == []
    assert [(problem.path, problem.code) for problem in problems] == [(b"", "vanished")]


def test_other_trouble_with_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "bad/a.jpg", "good/a.jpg")
    scandir = os.scandir

    def failing(path: bytes) -> object:
        if path.endswith(b"bad"):
            raise OSError(5, "Input/output error")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    files, problems = walked(tmp_path)
    assert [file.path for file in files] == [b"good/a.jpg"]
    assert [(problem.path, problem.code) for problem in problems] == [(b"bad", "unreadable")]
    assert "Input/output error" in problems[0].message


def test_importing_it_stays_cheap() -> None:
    script = "import sys, phototag.imaging.walk; print([m for m in ('PIL', 'dlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
