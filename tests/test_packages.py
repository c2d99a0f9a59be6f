"""What the package imports is what it declares, and each optional package is in the extra that messages name."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from phototag import extras, toml
from phototag.errors import UsageError

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = toml.read(ROOT / "pyproject.toml")["project"]
#: Import names that installed metadata doesn't resolve: namespace packages, and packages for other versions of Python.
DISTRIBUTION = {"dlib": "dlib-bin", "google.protobuf": "protobuf", "tomli": "tomli"}


def normal(name: str) -> str:
    """A distribution's name, without its version, as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", name)[0]).lower()


def trees() -> Iterator[ast.Module]:
    for path in sorted((ROOT / "phototag").rglob("*.py")):
        yield ast.parse(path.read_text("utf-8"), str(path))


def imported() -> set[str]:
    """The distributions of everything that the package imports."""
    known = packages_distributions()
    modules = set()
    for node in (node for tree in trees() for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            modules.add(node.module)
    found = set()
    for module in modules:
        top = module.split(".")[0]
        if top == "phototag" or top in sys.stdlib_module_names:
            continue
        special = next((name for start, name in DISTRIBUTION.items() if f"{module}.".startswith(f"{start}.")), None)
        found |= {special} if special else {normal(name) for name in known.get(top, [top])}
    return found


def weights_only() -> set[str]:
    """Packages of which only a weights file is used: the first argument of `PackagedWeights`."""
    calls = (node for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Call))
    names = {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id == "PackagedWeights"
        and isinstance(call.args[0], ast.Constant)
    }
    return {normal(str(name)) for name in names}


def declared(*groups: list[str]) -> set[str]:
    return {normal(requirement) for group in groups for requirement in group}


def test_every_import_is_declared_and_every_declaration_used() -> None:
    wanted = declared(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    assert sorted(imported() | weights_only()) == sorted(wanted)


def test_each_optional_package_is_in_its_extra() -> None:
    groups = PROJECT["optional-dependencies"]
    for package, extra in extras.EXTRA_OF.items():
        assert normal(package) in declared(groups[extra])
    assert set(extras.EXTRA_OF.values()) == groups.keys()


def test_a_missing_package_is_named_with_its_extra() -> None:
    extras.require("reading", "json", "numpy")
    with pytest.raises(UsageError) as caught:
        extras.require("this engine", "numpy", "no_such_package")
    assert str(caught.value) == "this engine needs no_such_package: run `pip install no_such_package`"
    assert extras.install_command("onnx", "onnxruntime") == "`pip install 'phototag[onnx]'`"
    assert extras.install_command("h5py", "torch") == "`pip install 'phototag[hdf5]' torch`"
