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


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is told besides its paths.

    `detector`, `embedder`: None leaves a library with those it was indexed with, and gives a new one the
    best that are installed. `device`: where engines run that can use a GPU. `jobs`: decode processes.
    `min_face`: the smallest face sought, in pixels of a picture whose long side is `image_side`.
    `detail_side`: long side, in pixels, of the pictures that faces are cut from. `batch_photos`: photos a
    transaction.
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


def config_file() -> Path:
    """The user's settings file; never one from the current folder, which may be a stranger's."""
    return Path(platformdirs.user_config_dir("phototag", appauthor=False)) / "phototag.toml"


def load(**flags: Any) -> Settings:
    """Settings from flags (None: not given), `PHOTOTAG_*`, the settings file and defaults. Raises UsageError."""
    settings = Settings(
        db=Path(platformdirs.user_data_dir("phototag", appauthor=False)) / "phototag.db",
        jobs=os.cpu_count() or 2,
    )
    defaults = {field.name: getattr(settings, field.name) for field in fields(settings)}
    kinds = {name: str if default is None else type(default) for name, default in defaults.items()}
    environment = {name: value for name in kinds if (value := os.environ.get(f"PHOTOTAG_{name.upper()}"))}
    given = {name: value for name, value in flags.items() if value is not None}
    for source, values in (
        (str(config_file()), _from_file()),
        ("the environment", environment),
        ("the command line", given),
    ):
        for name, value in values.items():
            if name not in kinds:
                raise UsageError(f"{source} sets {name!r}, which is no setting: use one of {', '.join(sorted(kinds))}")
            settings = replace(settings, **{name: _converted(source, name, value, kinds[name])})
    # A photo may be decoded to three quarters of the side asked for, and no face is sought in fewer pixels.
    return replace(settings, detail_side=max(settings.detail_side, settings.image_side * 4 // 3))


def _from_file() -> dict[str, Any]:
    path = config_file()
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} can't be read ({error}): mend or remove it") from error


def _converted(source: str, name: str, value: Any, kind: type[Any]) -> Any:
    try:
        if isinstance(value, bool):  # which Python would take for 0 or 1
            raise TypeError
        converted: Any = Path(value).expanduser() if issubclass(kind, Path) else kind(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise UsageError(f"{source} sets {name} to {value!r}, which is no {kind.__name__}") from error
    if name == "device" and converted not in DEVICES:
        raise UsageError(f"{source} sets device to {value!r}: it must be one of {', '.join(DEVICES)}")
    if kind is int and converted < 1:
        raise UsageError(f"{source} sets {name} to {value!r}: it must be 1 or more")
    return converted
