"""Settings: flags before environment before the user's phototag.toml before defaults."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_args

import platformdirs

from phototag.errors import UsageError
from phototag.types import Device

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEVICES = get_args(Device)
#: From where to where a number may go. MTCNN's first network looks at 12 pixels; a picture of 8,192 × 8,192 takes
#: 200 MB, several times over.
BOUNDS = {
    "jobs": (1, 256),
    "image_side": (64, 8192),
    "detail_side": (64, 8192),
    "min_face": (12, 8192),
    "batch_photos": (1, 10_000),
    "precision": (0.5, 0.9999),
}
#: What the command line calls otherwise than we do.
_CALLED = {"detail": "image_side"}
#: What a library keeps as it is, unless somebody says otherwise.
_LASTING = frozenset({"image_side", "min_face", "precision"})
#: More decoders and engines than this take more memory than they save time, unless somebody asks for them.
_MOST_JOBS = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is told besides its paths.

    `detector`, `embedder`: None leaves a library with those it was indexed with, and gives a new one the
    best that are installed. `device`: where engines run that can use a GPU. `jobs`: processes that decode,
    and as many pairs of engines. `min_face`: the smallest face sought, in pixels of a picture whose long side
    is `image_side`. `detail_side`: long side, in pixels, of the pictures that faces are cut from.
    `batch_photos`: photos a transaction. `precision`: the share of the machine's tags that should be right. `unsaid`:
    which settings nobody made, and a library has its own of.
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
    unsaid: frozenset[str] = frozenset()

    def said_precision(self) -> float | None:
        """The precision, if anybody said it."""
        return None if "precision" in self.unsaid else self.precision


def config_file() -> Path:
    """The user's settings file; never one from the current folder, which may be a stranger's."""
    return Path(platformdirs.user_config_dir("phototag", appauthor=False)) / "phototag.toml"


def load(**flags: Any) -> Settings:
    """Settings from flags (None: not given), `PHOTOTAG_*`, the settings file and defaults. Raises UsageError.

    A setting has the name of its option, with `_` or `-`.
    """
    settings = Settings(
        db=Path(platformdirs.user_data_dir("phototag", appauthor=False)) / "phototag.db",
        jobs=min(_cores(), _MOST_JOBS),
    )
    defaults = {field.name: getattr(settings, field.name) for field in fields(settings) if field.name != "unsaid"}
    kinds = {name: str if default is None else type(default) for name, default in defaults.items()}
    names = {name: name for name in kinds} | _CALLED
    environment = {name: value for name in names if (value := os.environ.get(f"PHOTOTAG_{name.upper()}"))}
    given = {name: value for name, value in flags.items() if value is not None}
    made: dict[str, Any] = {}
    for source, values in (
        (str(config_file()), _from_file()),
        ("the environment", environment),
        ("the command line", given),
    ):
        for said, value in values.items():
            name = names.get(said.replace("-", "_"))
            if name is None:
                raise UsageError(f"{source} sets {said!r}, which is no setting: use one of {', '.join(sorted(names))}")
            made[name] = _converted(f"{source} sets {said}", name, value, kinds[name])
    return replace(settings, **made, unsaid=_LASTING - made.keys())


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 2


def _from_file() -> dict[str, Any]:
    path = config_file()
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} can't be read ({error}): mend or remove it") from error


def _converted(saying: str, name: str, value: Any, kind: type[Any]) -> Any:
    try:
        if isinstance(value, bool):  # which Python would take for 0 or 1
            raise TypeError
        converted: Any = Path(value).expanduser() if issubclass(kind, Path) else kind(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise UsageError(f"{saying} to {value!r}, which is no {kind.__name__}") from error
    if name == "device" and converted not in DEVICES:
        raise UsageError(f"{saying} to {value!r}: it must be one of {', '.join(DEVICES)}")
    if name in BOUNDS and not BOUNDS[name][0] <= converted <= BOUNDS[name][1]:
        raise UsageError(f"{saying} to {value!r}: it must be from {BOUNDS[name][0]:,} to {BOUNDS[name][1]:,}")
    return converted
