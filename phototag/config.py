"""Settings and environment variables. No other module reads the environment.

(The exception is `phototag/cli/__init__.py`, which has to look at PYTHONPATH before anything is imported.)
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from phototag import toml
from phototag.errors import UsageError

if TYPE_CHECKING:  # numpy comes with it, which takes long to import
    from phototag.types import Device

DEVICES: tuple[Device, ...] = ("auto", "cpu", "gpu")
LOG_LEVELS = ("debug", "info", "warning", "error")
#: Allowed range of each numeric setting, both ends included. MTCNN's first network needs faces of 12 pixels; an image
#: of 8,192 × 8,192 pixels takes 200 MB, and several are in memory at once.
RANGES = {
    "jobs": (1, 256),
    "image_side": (64, 8192),
    "detail_side": (64, 8192),
    "min_face": (12, 8192),
    "batch_photos": (1, 10_000),
    "precision": (0.5, 0.9999),
}
#: Settings whose command-line option has another name.
_ALIASES = {"detail": "image_side"}
#: Settings that each library remembers, and that are changed only on request.
_REMEMBERED = frozenset({"image_side", "min_face", "precision"})
#: What messages call the types of settings.
_PLAIN_NAMES = {int: "whole number", float: "number", str: "text", Path: "path"}
#: The default number of jobs never exceeds this: more cost more memory than they save time.
_MAX_DEFAULT_JOBS = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a run, apart from its paths.

    `db`: the database file.
    `detector`, `embedder`: engine names; None means those the library was indexed with, or for a new library the best
    ones installed.
    `device`: where engines run that can use a GPU.
    `jobs`: number of decoding processes, and of pairs of engines.
    `image_side`: long side, in pixels, of the image that faces are detected in.
    `min_face`: smallest face to detect, in pixels of that image.
    `detail_side`: long side, in pixels, of the image that chips and crops are cut from.
    `batch_photos`: photos stored per transaction.
    `precision`: the share of tags that should be right, 0 to 1.
    `unset`: the names of settings that nobody gave a value, so that the library's own values hold.
    """

    db: Path
    detector: str | None = None
    embedder: str | None = None
    device: Device = "auto"
    jobs: int = 2
    image_side: int = 1280
    detail_side: int = 2560
    min_face: int = 20
    batch_photos: int = 32
    precision: float = 0.99
    unset: frozenset[str] = frozenset()

    @property
    def decode_side(self) -> int:
        """Long side, in pixels, to which photos are decoded.

        `imaging.decode` may return three quarters of it, and no face is sought in fewer pixels than `image_side`.
        """
        return max(self.detail_side, self.image_side * 4 // 3)

    def requested_precision(self) -> float | None:
        """The precision that the user asked for; None if they didn't."""
        return None if "precision" in self.unset else self.precision


# --- environment variables and folders ---


def environment_variable(name: str) -> str:
    """The value of an environment variable, or "" if it isn't set."""
    return os.environ.get(name, "")


def debugging() -> bool:
    """Whether to print tracebacks and the messages of native libraries (`PHOTOTAG_DEBUG`)."""
    return bool(environment_variable("PHOTOTAG_DEBUG"))


def log_level() -> str:
    """The level from which on messages are logged (`PHOTOTAG_LOG`); "" if none are. Raises UsageError."""
    level = environment_variable("PHOTOTAG_LOG").lower()
    if level and level not in LOG_LEVELS:
        raise UsageError(f"the environment sets PHOTOTAG_LOG to {level!r}: it must be one of {', '.join(LOG_LEVELS)}")
    return level


def config_file() -> Path:
    """The user's settings file. One in the current folder is never read: a stranger may have put it there."""
    return Path(platformdirs.user_config_dir("phototag", appauthor=False)) / "phototag.toml"


def data_folder() -> Path:
    """The user's folder for what phototag keeps: the default database and the installed engines."""
    return Path(platformdirs.user_data_dir("phototag", appauthor=False))


def engines_folder() -> Path:
    """The folder of installed engines (`PHOTOTAG_ENGINES`)."""
    named = environment_variable("PHOTOTAG_ENGINES")
    return Path(named) if named else data_folder() / "engines"


def cache_folder() -> Path:
    """The folder of exported networks and of other files that can be made again (`PHOTOTAG_CACHE`)."""
    named = environment_variable("PHOTOTAG_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("phototag", appauthor=False))


# --- settings ---


def load(**flags: Any) -> Settings:
    """Settings from, in order of precedence: flags (None: not given), `PHOTOTAG_*`, the settings file, defaults.

    In the file and the environment a setting is named like its option, with `_` or `-`. Raises UsageError.
    """
    settings = Settings(db=data_folder() / "phototag.db", jobs=min(_usable_cores(), _MAX_DEFAULT_JOBS))
    defaults = {field.name: getattr(settings, field.name) for field in fields(settings) if field.name != "unset"}
    types = {name: str if default is None else type(default) for name, default in defaults.items()}
    names = {name: name for name in types} | _ALIASES
    values: dict[str, Any] = {}
    variables = {name: environment_variable(f"PHOTOTAG_{name.upper()}") for name in names}
    for source, given in (
        (str(config_file()), _from_file()),
        ("the environment", {name: value for name, value in variables.items() if value}),
        ("the command line", {name: value for name, value in flags.items() if value is not None}),
    ):
        for key, value in given.items():
            name = names.get(key.replace("-", "_"))
            if name is None:
                raise UsageError(f"{source} sets {key!r}, which is no setting: use one of {', '.join(sorted(names))}")
            values[name] = _converted(f"{source} sets {key}", name, value, types[name])
    return replace(settings, **values, unset=_REMEMBERED - values.keys())


def _usable_cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 2


def _from_file() -> dict[str, Any]:
    path = config_file()
    try:
        return toml.read(path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path} can't be read ({error.strerror}): mend or remove it") from error


def _converted(prefix: str, name: str, value: Any, wanted: type[Any]) -> Any:
    """`value` as the type of setting `name`. Raises UsageError, whose message begins with `prefix`."""
    try:
        if isinstance(value, bool):  # int(True) would be 1
            raise TypeError
        converted: Any = Path(value).expanduser() if issubclass(wanted, Path) else wanted(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise UsageError(f"{prefix} to {value!r}, which is no {_PLAIN_NAMES.get(wanted, wanted.__name__)}") from error
    if name == "device" and converted not in DEVICES:
        raise UsageError(f"{prefix} to {value!r}: it must be one of {', '.join(DEVICES)}")
    if name in RANGES:
        least, most = RANGES[name]
        if not least <= converted <= most:
            raise UsageError(f"{prefix} to {value!r}: it must be from {least:,} to {most:,}")
    return converted
