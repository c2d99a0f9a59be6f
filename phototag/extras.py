"""Optional packages, and the extra of phototag that installs each."""

from __future__ import annotations

from importlib.util import find_spec

from phototag.errors import UsageError

#: Import name of an optional package: the extra that brings it, as in `pip install 'phototag[onnx]'`.
EXTRA_OF = {
    "h5py": "hdf5",
    "matplotlib": "plots",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "starlette": "review",
    "usearch": "large",
    "uvicorn": "review",
}


def require(purpose: str, *packages: str) -> None:
    """Raises UsageError if any of the packages is not installed. `purpose`: what needs them."""
    if missing := [package for package in packages if find_spec(package) is None]:
        raise UsageError(f"{purpose} needs {' and '.join(missing)}: run {install_command(*missing)}")


def install_command(*packages: str) -> str:
    """The command that installs the packages, in backquotes: their extras, or the packages that no extra brings."""
    wanted = dict.fromkeys(f"'phototag[{EXTRA_OF[name]}]'" if name in EXTRA_OF else name for name in packages)
    return f"`pip install {' '.join(wanted)}`"
