"""What was trained is installed in the form that its family takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from phototag.engines import installation, registry
from phototag.engines.formats.arrays import Arrays, contents, from_npz, to_npz
from phototag.engines.installation import PreparedWeights
from phototag.engines.training.trainable import NN4, PROJECTION, trainable
from phototag.errors import UsageError
from phototag.types import EngineInfo, Thresholds

THRESHOLDS = Thresholds(same=0.5, split=0.45, join=0.4, midpoint=0.55, slope=30.0)
BASE = EngineInfo("embedder", "squinting", "a" * 64, (), 4, 8, "dlib-5-point", THRESHOLDS)


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOTAG_ENGINES", str(tmp_path / "engines"))


@pytest.mark.usefixtures("at_once")
def test_nn4_small2_becomes_an_engine_of_openface_with_its_own_thresholds(
    openface_arrays: Arrays, tmp_path: Path
) -> None:
    course = trainable(NN4, BASE)
    path = tmp_path / course.file
    course.write(path, openface_arrays)
    kept = registry.add("mine", course.family, path, course.card(THRESHOLDS))
    assert kept.card is not None and kept.card.thresholds == THRESHOLDS
    found = from_npz(installation.load(kept), "here")
    assert found.keys() == openface_arrays.keys()
    assert all(np.array_equal(found[name], array) for name, array in openface_arrays.items())
    assert (course.chip_size, course.alignment, course.on_vectors) == (96, "openface-outer-eyes-nose", False)


def test_nn4_small2_may_begin_with_weights_that_are_there(openface_arrays: Arrays) -> None:
    installation.save("published", "openface", PreparedWeights(to_npz(openface_arrays), ".npz", 128), None)
    course = trainable(NN4, BASE, "published")
    assert course.rate < trainable(NN4, BASE).rate / 100
    network = course.network(np.ones((1, 4), np.float32))
    assert np.array_equal(contents(network)["dense_layer/kernel"], openface_arrays["dense_layer/kernel"])
    for name in ("nobody", "Not a name"):
        with pytest.raises(UsageError, match="no engine of the family openface"):
            trainable(NN4, BASE, name).network(np.ones((1, 4), np.float32))


def test_a_projection_is_of_its_base() -> None:
    course = trainable(PROJECTION, BASE)
    assert (course.family, course.chip_size, course.alignment, course.on_vectors) == (
        "projection", 8, "dlib-5-point", True,
    )  # fmt: skip
    card = course.card(THRESHOLDS)
    assert (card.dim, card.input_size, card.thresholds) == (4, 8, THRESHOLDS)
    with pytest.raises(UsageError, match="--start"):
        trainable(PROJECTION, replace(BASE, dim=5), "published")
