"""Each engine is made once for all tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from phototag.engines import registry
from phototag.engines.dlib_resnet import DlibResNet
from phototag.engines.mtcnn import Mtcnn
from phototag.imaging.align import align
from phototag.types import RGB, Chips, Detector, Embedder

Make = Callable[[str], Detector | Embedder]


@pytest.fixture(scope="session")
def engine() -> Make:
    """Makes an engine by its name, or hands out the one made before."""
    specs = {spec.name: spec for spec in registry.available()}
    return cache(lambda name: specs[name].create(registry.EngineOptions()))


@pytest.fixture(scope="session")
def resnet(engine: Make) -> DlibResNet:
    made = engine("dlib-resnet")
    assert isinstance(made, DlibResNet)
    return made


@pytest.fixture(scope="session")
def mtcnn(engine: Make) -> Mtcnn:
    made = engine("mtcnn")
    assert isinstance(made, Mtcnn)
    return made


@pytest.fixture(scope="session")
def portraits() -> list[RGB]:
    """Two public-domain portraits of unlike shape, one face each."""
    folder = files("phototag.imaging") / "portraits"
    names = ("eileen_collins.jpg", "grace_hopper.jpg")
    return [np.asarray(Image.open(str(folder / name)).convert("RGB")) for name in names]


@pytest.fixture(scope="session")
def chips(portraits: list[RGB], mtcnn: Mtcnn) -> Chips:
    """The aligned faces of the portraits and of their darker, turned and shrunken copies: 10 of 2 people."""
    cut = []
    for portrait in portraits:
        picture = Image.fromarray(portrait)
        variants = [
            picture,
            picture.point(lambda value: value * 0.6),
            picture.rotate(12, Image.Resampling.BICUBIC),
            picture.rotate(-8, Image.Resampling.BICUBIC),
            picture.resize((picture.width // 2, picture.height // 2)),
        ]
        for variant in variants:
            image = np.asarray(variant)
            face = mtcnn.detect([image])[0][0]
            cut.append(align(image, [face.box], alignment="dlib-5-point", size=150, landmarks=[face.landmarks])[0])
    return np.stack(cut)
