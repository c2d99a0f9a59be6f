"""A report is replaced all at once or not at all, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phototag.errors import DiskFullError, UsageError
from phototag.progress import Silent
from phototag.report import publish
from phototag.report.album import PhotoEntry
from phototag.report.page_writer import PageWriter
from phototag.report.publish import MARKER, publish_album
from tests.support.fake_album import FakeAlbum, face, family, photo


def tree(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def small(name: str = "Ada") -> FakeAlbum:
    return FakeAlbum([photo(1, [face(1, 1, name)])])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where a small report lies already."""
    out = tmp_path / "album"
    publish_album(small(), out, Silent())
    return out


def only_out_is_there(out: Path) -> bool:
    return [entry.name for entry in out.parent.iterdir()] == [out.name]


def test_parents_are_made_and_the_index_returned(tmp_path: Path) -> None:
    index = publish_album(small(), tmp_path / "a/b/album", Silent())
    assert index == tmp_path / "a/b/album/index.html"
    assert index.is_file()


def test_only_the_owner_may_read_it(out: Path) -> None:
    assert out.stat().st_mode & 0o777 == 0o700


def test_other_walks_are_told_to_pass_it_by(out: Path) -> None:
    assert (out / ".nomedia").is_file()


def test_a_new_report_replaces_all_of_the_old(out: Path) -> None:
    publish_album(family(), out, Silent())
    assert (out / "people/000/000003.html").is_file()
    publish_album(small("Eva"), out, Silent())
    assert "Eva" in (out / "index.html").read_text()
    assert not (out / "people/000/000003.html").exists()
    assert only_out_is_there(out)


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "album").mkdir()
    publish_album(small(), tmp_path / "album", Silent())
    assert only_out_is_there(tmp_path / "album")


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path, out: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(out)
    publish_album(small("Eva"), link, Silent())
    assert link.is_symlink()
    assert "Eva" in (out / "index.html").read_text()


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    before = tree(tmp_path)
    with pytest.raises(UsageError, match="something else than pages of phototag"):
        publish_album(small(), tmp_path, Silent())
    assert tree(tmp_path) == before


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "album").write_text("years of work")
    with pytest.raises(UsageError, match="is a file"):
        publish_album(small(), tmp_path / "album", Silent())
    with pytest.raises(UsageError, match="cannot write pages"):
        publish_album(small(), tmp_path / "album" / "below", Silent())
    assert (tmp_path / "album").read_text() == "years of work"


class Failing(FakeAlbum):
    """Breaks in the middle of the photos."""

    def photos(self) -> Iterator[PhotoEntry]:
        yield from self.shots[:15]
        raise KeyboardInterrupt


def test_a_failing_album_leaves_the_old_report(out: Path) -> None:
    before = tree(out)
    with pytest.raises(KeyboardInterrupt):
        publish_album(Failing(family().shots), out, Silent())
    assert tree(out) == before
    assert only_out_is_there(out)


def fail_file(monkeypatch: pytest.MonkeyPatch, nth: int, code: int) -> None:
    """The `nth` file of a report can't be written."""
    write, written = PageWriter.file, iter(range(1_000_000))

    def file(self: PageWriter, name: str, content: bytes) -> None:
        if next(written) == nth:
            raise OSError(code, os.strerror(code))
        write(self, name, content)

    monkeypatch.setattr(PageWriter, "file", file)


@pytest.mark.parametrize("nth", [0, 1, 2, 3, 10, 50, 99, 120, 130, 140])
def test_a_full_disk_leaves_the_old_report(out: Path, monkeypatch: pytest.MonkeyPatch, nth: int) -> None:
    before = tree(out)
    fail_file(monkeypatch, nth, errno.ENOSPC)
    with pytest.raises(DiskFullError, match=r"disk full on /.* free\).*as it was; free space") as caught:
        publish_album(family(), out, Silent())
    assert caught.value.exit_code == 14
    assert tree(out) == before
    assert only_out_is_there(out)


def test_a_full_disk_leaves_nothing_where_nothing_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_file(monkeypatch, 20, errno.EDQUOT)
    with pytest.raises(DiskFullError, match="nothing was written"):
        publish_album(family(), tmp_path / "album", Silent())
    assert not list(tmp_path.iterdir())


def test_an_unexpected_error_is_not_hidden(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_file(monkeypatch, 20, errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        publish_album(family(), out, Silent())
    assert only_out_is_there(out)


def test_a_failed_swap_puts_the_old_report_back(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(out)
    rename = Path.rename

    def stubborn(self: Path, target: Path) -> Path:
        if self.name.startswith(".phototag-new-"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stubborn)
    with pytest.raises(OSError):
        publish_album(family(), out, Silent())
    assert tree(out) == before
    assert only_out_is_there(out)


def killed(work: Callable[[], object]) -> None:
    """Runs `work` in a process that ends itself with SIGKILL."""
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


class Deadly(FakeAlbum):
    """Kills its process at the photo `last`."""

    last = 0

    def photos(self) -> Iterator[PhotoEntry]:
        for number, shot in enumerate(self.shots):
            if number == self.last:
                os.kill(os.getpid(), signal.SIGKILL)
            yield shot


@pytest.mark.parametrize("last", [0, 1, 15, 29])
def test_a_killed_run_leaves_the_old_report_and_is_swept_up(out: Path, last: int) -> None:
    before = tree(out)
    album = Deadly(family().shots)
    album.last = last
    killed(lambda: publish_album(album, out, Silent()))
    assert tree(out) == before
    assert len(list(out.parent.iterdir())) == 2
    publish_album(small("Eva"), out, Silent())
    assert "Eva" in (out / "index.html").read_text()
    assert only_out_is_there(out)


def test_killed_between_the_renames_the_old_report_comes_back(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(out)
    rename = Path.rename

    def deadly(self: Path, target: Path) -> Path:
        rename(self, target)
        os.kill(os.getpid(), signal.SIGKILL)
        return target

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", deadly)
        killed(lambda: publish_album(family(), out, Silent()))
    assert not out.exists()
    other = out.parent / "other"  # its run must not sweep up the only copy that's left
    publish_album(small(), other, Silent())
    shutil.rmtree(other)
    with pytest.raises(KeyboardInterrupt):
        publish_album(Failing(family().shots), out, Silent())
    assert tree(out) == before
    assert only_out_is_there(out)


def test_a_run_in_progress_is_not_swept_up(out: Path) -> None:
    class Meanwhile(FakeAlbum):
        def photos(self) -> Iterator[PhotoEntry]:
            publish_album(small("Eva"), out, Silent())
            assert "Eva" in (out / "index.html").read_text()
            yield from self.shots

    publish_album(Meanwhile(family().shots), out, Silent())
    assert "Zoë" in (out / "index.html").read_text()
    assert only_out_is_there(out)


def test_a_strangers_folder_beside_it_is_left_alone(out: Path) -> None:
    stranger = out.parent / f"{publish._NEW}abc"
    stranger.mkdir()
    (stranger / "thesis.txt").write_text("years of work")
    publish_album(small(), out, Silent())
    assert (stranger / "thesis.txt").exists()
    assert (out / MARKER).is_file()
