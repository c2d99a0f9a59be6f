"""Settings: who overrules whom, and what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from phototag import config
from phototag.cli.index import index
from phototag.cli.options import _SETTINGS
from phototag.errors import UsageError


@pytest.fixture(autouse=True)
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody's settings; returns where the settings file would be."""
    for name in (
        "DB",
        "DETECTOR",
        "EMBEDDER",
        "DEVICE",
        "JOBS",
        "DETAIL",
        "IMAGE_SIDE",
        "DETAIL_SIDE",
        "MIN_FACE",
        "BATCH_PHOTOS",
    ):
        monkeypatch.delenv(f"PHOTOTAG_{name}", raising=False)
    monkeypatch.setattr(config, "config_file", lambda: tmp_path / "phototag.toml")
    return tmp_path / "phototag.toml"


def test_defaults() -> None:
    settings = config.load()
    assert (settings.detector, settings.embedder, settings.device, settings.min_face) == (None, None, "auto", 20)
    assert settings.db.name == "phototag.db"
    assert settings.db.is_absolute()
    assert settings.jobs >= 1
    assert settings.unset == {"image_side", "min_face", "precision"}  # a library may have its own
    assert config.load(db=None, jobs=None) == settings  # not given


def test_flags_before_environment_before_file(stranger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger.write_text('jobs = 3\nmin_face = 30\ndetector = "dlib-hog"\ndb = "/file.db"\n')
    settings = config.load()
    assert (settings.jobs, settings.min_face, settings.detector, settings.db) == (3, 30, "dlib-hog", Path("/file.db"))
    monkeypatch.setenv("PHOTOTAG_JOBS", "4")
    monkeypatch.setenv("PHOTOTAG_DB", "~/env.db")
    monkeypatch.setenv("PHOTOTAG_MIN_FACE", "")  # as good as not set
    monkeypatch.setenv("PHOTOTAG_UNHEARD_OF", "1")
    settings = config.load()
    assert (settings.jobs, settings.min_face, settings.db) == (4, 30, Path.home() / "env.db")
    settings = config.load(jobs=5, db=Path("/flag.db"), detector="mtcnn")
    assert (settings.jobs, settings.min_face, settings.db, settings.detector) == (5, 30, Path("/flag.db"), "mtcnn")


@pytest.mark.parametrize(("cores", "jobs"), [({0}, 1), ({1, 3, 5}, 3), (set(range(64)), 16)])
def test_as_many_jobs_as_cores_that_are_ours(monkeypatch: pytest.MonkeyPatch, cores: set[int], jobs: int) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: cores, raising=False)
    assert config.load().jobs == jobs
    assert config.load(jobs=40).jobs == 40


def test_settings_have_the_names_of_options(stranger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("detail = 2000\nmin-face = 30", "image_side = 2000\nmin_face = 30"):
        stranger.write_text(text)
        settings = config.load()
        assert (settings.image_side, settings.min_face, settings.unset) == (2000, 30, {"precision"})
    monkeypatch.setenv("PHOTOTAG_DETAIL", "640")
    assert config.load().image_side == 640
    assert config.load(detail=800).image_side == 800


def test_options_that_last_are_settings(stranger: Path) -> None:
    values = {"db": "'x'", "detector": "'x'", "embedder": "'x'", "device": "'cpu'"}
    for option in index.params:
        if option.name in _SETTINGS:
            stranger.write_text(f"{option.opts[0].removeprefix('--')} = {values.get(option.name, 64)}")
            assert config.load() != config.Settings(config.load().db)


def test_no_settings_are_taken_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "phototag.toml").write_text("jobs = 77\n")
    monkeypatch.chdir(folder)
    assert config.load().jobs != 77


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("jobs = 0", "jobs to 0: it must be from 1 to 256"),
        ("jobs = -3", "must be from 1"),
        ("jobs = 1000", "must be from 1 to 256"),
        ("min_face = 1", "min_face to 1: it must be from 12 to 8,192"),
        ("min-face = 11", "min-face to 11: it must be from 12"),
        ("detail = 63", "detail to 63: it must be from 64 to 8,192"),
        ("detail = 100000", "from 64 to 8,192"),
        ("image_side = 8193", "from 64 to 8,192"),
        ("detail_side = 1", "from 64 to 8,192"),
        ("batch_photos = 0", "from 1 to 10,000"),
        ('jobs = "many"', "'many', which is no whole number"),
        ("jobs = true", "which is no whole number"),
        ("jobs = inf", "which is no whole number"),
        ("jobs = nan", "which is no whole number"),
        ("jobs = []", "which is no whole number"),
        ("db = 5", "sets db to 5"),
        ('db = "~nobody-at-all/x"', "sets db to"),
        ('device = "tpu"', "device to 'tpu': it must be one of auto, cpu, gpu"),
        ("detector = true", "sets detector to True, which is no text"),
        ("treads = 2", "sets 'treads', which is no setting: use one of .*jobs"),
        ("jobs = ", "can't be read"),
        ("jobs = 1\njobs = 2", "can't be read"),
    ],
)
def test_a_file_that_makes_no_sense(stranger: Path, text: str, match: str) -> None:
    stranger.write_text(text)
    with pytest.raises(UsageError, match=match) as caught:
        config.load()
    assert str(stranger) in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_that_cannot_be_read(stranger: Path) -> None:
    stranger.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="mend or remove it"):
        config.load()
    stranger.unlink()
    stranger.mkdir()
    with pytest.raises(UsageError, match="mend or remove it"):
        config.load()


def test_other_sources_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="the command line sets 'colour'"):
        config.load(colour="red")
    with pytest.raises(UsageError, match="the command line sets jobs to 0"):
        config.load(jobs=0)
    with pytest.raises(UsageError, match="the command line sets min_face to 11: it must be from 12"):
        config.load(min_face=11)
    asked = CliRunner().invoke(index, ["--detail", "100000"])
    assert str(asked.exception) == "the command line sets detail to 100000: it must be from 64 to 8,192"
    monkeypatch.setenv("PHOTOTAG_JOBS", "two")
    with pytest.raises(UsageError, match="the environment sets jobs to 'two'"):
        config.load()
    monkeypatch.setenv("PHOTOTAG_JOBS", "2")
    monkeypatch.setenv("PHOTOTAG_MIN_FACE", "1")
    with pytest.raises(UsageError, match="the environment sets min_face to '1': it must be from 12"):
        config.load()
