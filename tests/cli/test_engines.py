"""`phototag engines`, and which engines a library is indexed with."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from phototag.analysis.engine_provider import INSTALLED
from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.cli import hints
from phototag.config import Settings
from phototag.engines import catalogue, registry
from phototag.engines.choice import best
from phototag.engines.embedders.onnx_embedder import OnnxEmbedder
from phototag.engines.installation import PreparedWeights, save
from phototag.errors import WeightsError
from phototag.store import engines as known
from phototag.store.connect import open_store
from phototag.types import EngineInfo
from phototag.workflows.library.engines_in_use import library_settings
from tests.cli.conftest import Demo, Run
from tests.support.onnx_files import card, embedder
from tests.support.plug_in import planted, plug_in

pytest.importorskip("onnxruntime")

CARD = """
input_size = 8
alignment = "arcface-5-point"
dim = 4
thresholds = {same = 1.0, split = 0.9, join = 0.8, midpoint = 1.1, slope = 20}
"""


@pytest.fixture
def own_engines(tmp_path: Path) -> dict[str, str]:
    """An environment with a own_engines of its own."""
    return {"PHOTOTAG_ENGINES": str(tmp_path / "engines")}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(embedder())
    path.with_suffix(".toml").write_text(CARD)
    return path


def listed(phototag: Run, env: dict[str, str]) -> dict[str, dict[str, object]]:
    done = phototag("engines", "list", "--json", env=env)
    assert done.returncode == 0, done.stderr
    return {row["name"]: row for row in json.loads(done.stdout)}


def test_built_in_and_installable_ones(phototag: Run, own_engines: dict[str, str]) -> None:
    rows = listed(phototag, own_engines)
    assert rows["mtcnn"]["origin"] == rows["dlib-resnet"]["origin"] == "built-in"
    assert {name for name, row in rows.items() if row["default"]} == {"mtcnn", "dlib-resnet-int8"}
    assert (rows["dlib-resnet"]["dim"], rows["dlib-resnet"]["threshold"]) == (128, 0.376)
    assert rows["mobilefacenet"]["origin"] == rows["yunet"]["origin"] == "installable"
    assert rows["mobilefacenet"]["licence"] == "Apache-2.0"
    assert not rows["mtcnn"]["gpu"]
    assert rows["dlib-resnet"]["gpu"]
    assert listed(phototag, {**own_engines, "PHOTOTAG_DETECTOR": "dlib-hog"})["dlib-hog"]["default"]
    lines = phototag("engines", "list", env=own_engines).stdout.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("*")] == ["mtcnn", "dlib-resnet-int8"]


def test_families_are_listed_before_any_of_their_weights_are_there(
    phototag: Run, own_engines: dict[str, str], model: Path
) -> None:
    hows = {
        "openface": "phototag engines add openface FOLDER",
        "facenet": "phototag engines add facenet FILE.h5",
        "onnx": "phototag engines add NAME FILE.onnx --card CARD.toml",
        "projection": "phototag train-embedder FOLDER",
    }
    rows = listed(phototag, own_engines)
    assert {name: row["how"] for name, row in rows.items() if row["origin"] == "family"} == hows
    assert not any(rows[name]["default"] for name in hows)
    assert rows["yunet"]["how"] == "phototag engines install yunet"
    assert rows["mtcnn"]["how"] == ""
    lines = phototag("engines", "list", env=own_engines).stdout.splitlines()
    assert set(hows.values()) <= {line.strip() for line in lines}
    for name in ("mine", "onnx"):
        phototag(
            "engines", "add", name, model, "--family", "onnx", "--card", model.with_suffix(".toml"), env=own_engines
        )
        origins = {name: row["origin"] for name, row in listed(phototag, own_engines).items()}
        # A family is listed until it has weights of its own name: there can be many engines of one.
        assert (origins[name], origins["onnx"]) == ("added", "added" if name == "onnx" else "family")


def test_add_list_remove(phototag: Run, own_engines: dict[str, str], model: Path) -> None:
    done = phototag("engines", "add", "mine", model, "--card", model.with_suffix(".toml"), env=own_engines)
    assert done.returncode == 0, done.stderr
    assert "mine added (onnx, SHA-256" in done.stdout
    row = listed(phototag, own_engines)["mine"]
    assert (row["kind"], row["origin"], row["dim"], row["threshold"]) == ("embedder", "added", 4, 1.0)
    assert row["source"] == str(model)
    assert not row["default"]  # nobody knows how good it is
    capitals = model.with_name("OTHER.ONNX")
    capitals.write_bytes(model.read_bytes())
    done = phototag("engines", "add", "other", capitals, "--card", model.with_suffix(".toml"), env=own_engines)
    assert done.returncode == 0, done.stderr
    again = phototag("engines", "add", "mine", model, "--card", model.with_suffix(".toml"), env=own_engines)
    assert again.returncode == 2

    for answer in ("n\n", ""):
        done = phototag("engines", "remove", "mine", env=own_engines, input=answer)
        assert (done.returncode, done.stderr.endswith("phototag: nothing was removed\n")) == (130, True)
    assert "mine" in listed(phototag, own_engines)
    assert phototag("engines", "remove", "mine", env=own_engines, input="y\n").returncode == 0
    assert "mine" not in listed(phototag, own_engines)
    assert phototag("engines", "remove", "mine", "--yes", env=own_engines).returncode == 2


def test_an_added_facenet_shows_what_its_weights_tell(
    phototag: Run, own_engines: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOTAG_ENGINES", own_engines["PHOTOTAG_ENGINES"])
    for dim in (128, 512):
        save(f"facenet-{dim}", "facenet", PreparedWeights(b"", ".npz", dim), None)
    save("old-openface", "openface", PreparedWeights(b"", ".npz"), None)
    save("orphan", "crystal-balls", PreparedWeights(b"", ".npz"), None)
    rows = listed(phototag, own_engines)
    shown = {name: (rows[name]["dim"], rows[name]["threshold"]) for name in rows if rows[name]["origin"] == "added"}
    assert shown == {
        "facenet-128": (128, 0.8),
        "facenet-512": (512, 1.04),
        "old-openface": (128, 0.7),
        "orphan": (None, None),
    }
    assert "crystal-balls, is missing" in str(rows["orphan"]["trouble"])


def test_plug_ins_are_listed_sound_or_not(
    phototag: Run, own_engines: dict[str, str], demo: Demo, tmp_path: Path
) -> None:
    packages = tmp_path / "packages"
    plug_in(packages)
    planted(packages, "phototag_no_such_module")
    env = {**own_engines, "PYTHONPATH": str(packages)}
    rows = listed(phototag, env)
    passport = rows["passport"]
    assert (passport["kind"], passport["origin"], passport["source"]) == ("detector", "plug-in", "phototag-passport")
    assert (rows["evil"]["origin"], rows["evil"]["source"], rows["evil"]["kind"]) == ("plug-in", "evil", "")
    assert "can't be loaded" in str(rows["evil"]["trouble"])
    assert {name for name, row in rows.items() if row["trouble"]} == {"evil"}
    lines = phototag("engines", "list", env=env).stdout.splitlines()
    assert sum("the package evil" in line for line in lines) == 1
    done = phototag("engines", "add", "mine", packages / "phototag_passport.py", env=env)  # whatever else is broken
    assert "with --family (facenet, onnx, openface, projection, yunet)" in done.stderr
    done = phototag("index", demo.folder / "photos" / "2015", "--detector", "evil", "--db", tmp_path / "x.db", env=env)
    assert (done.returncode, "the package evil" in done.stderr) == (2, True)
    done = phototag(
        "index", demo.folder / "photos" / "2015", "--detector", "passport", "--db", tmp_path / "x.db", env=env
    )
    assert (done.returncode, "3 faces found" in done.stdout) == (0, True), done


def test_what_is_refused(phototag: Run, own_engines: dict[str, str], model: Path, tmp_path: Path) -> None:
    toml = model.with_suffix(".toml")
    (tmp_path / "bad.toml").write_text(CARD + "colour = 3\n")
    (tmp_path / "bent.toml").write_text(CARD.replace("arcface-5-point", "by-eye"))
    (tmp_path / "evil.onnx").write_bytes(b"\x80\x04cos\nsystem\n(S'touch executed'\ntR.")
    (tmp_path / "weights.pt").write_bytes((tmp_path / "evil.onnx").read_bytes())
    (tmp_path / "weights.keras").write_bytes(b"PK\x03\x04 and so on")
    (tmp_path / "weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    for arguments, code, said in (
        (["mine", model], 2, "--card"),
        (["mine", model, "--card", tmp_path / "absent.toml"], 2, "absent.toml"),
        (["mine", model, "--card", tmp_path / "bad.toml"], 2, "colour is no key"),
        (["mine", model, "--card", tmp_path / "bent.toml"], 2, "arcface-5-point"),
        (["mine", tmp_path / "evil.onnx", "--card", toml], 16, "pickle"),
        (["mine", tmp_path / "absent.onnx", "--card", toml], 2, "absent.onnx is not there"),
        (["mine", tmp_path / "weights.pt"], 16, "a pickle"),
        (["mine", tmp_path / "weights.keras"], 16, "a zip archive"),
        (["mine", tmp_path / "weights.h5"], 2, "with --family (facenet, onnx, openface, projection, yunet)"),
        (["facenet", tmp_path / "weights.pt"], 16, "a pickle"),
        (["mine", model, "--family", "crystal", "--card", toml], 2, "crystal"),
        (["mine", tmp_path], 2, "with --family"),
        (["mtcnn", model, "--card", toml], 2, "another engine"),
        (["../mine", model, "--card", toml], 2, "is no name"),
        (["mine", model, "--family", "yunet"], 16, "no YuNet"),
        (["yunet", model], 2, "choose a name of your own"),
        (["mobilefacenet", model, "--card", toml], 2, "choose a name of your own"),
        (["mobilefacenet", model, "--family", "yunet"], 2, "choose a name of your own"),
    ):
        done = phototag("engines", "add", *arguments, env=own_engines)
        assert (done.returncode, said in done.stderr) == (code, True), (arguments, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1
    assert not any(row["origin"] == "added" for row in listed(phototag, own_engines).values())


def test_install_asks_and_needs_a_network(phototag: Run, own_engines: dict[str, str]) -> None:
    env = {**own_engines, "https_proxy": "http://127.0.0.1:9", "no_proxy": "", "NO_PROXY": ""}
    done = phototag("engines", "install", "yunet", env=env, input="n\n")
    assert (done.returncode, done.stderr.endswith("phototag: nothing was fetched\n")) == (130, True)
    assert "Apache-2.0" in done.stderr
    assert "0.3 MB" in done.stderr
    assert not Path(own_engines["PHOTOTAG_ENGINES"]).exists()  # nothing happened
    done = phototag("engines", "install", "yunet", "--yes", env=env)
    assert done.returncode == 16
    assert "check the network" in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
    done = phototag("engines", "install", "crystal-ball", env=env)
    assert done.returncode == 2
    assert "mobilefacenet, yunet" in done.stderr


def test_a_library_keeps_its_engines(tmp_path: Path) -> None:
    settings = Settings(db=tmp_path / "x.db")
    with open_store(settings.db, create=True) as store:
        assert library_settings(store, settings, INSTALLED) == settings  # a new library: the best installed
        known.register(store, EngineInfo("detector", "dlib-hog", "0" * 64))
        known.register(store, EngineInfo("embedder", "dlib-resnet", "0" * 64, dim=4, thresholds=card().thresholds))
        told = library_settings(store, settings, INSTALLED)
        assert (told.detector, told.embedder) == ("dlib-hog", "dlib-resnet")
        told = library_settings(store, Settings(db=settings.db, embedder="mine"), INSTALLED)
        assert (told.detector, told.embedder) == ("dlib-hog", "mine")


def test_a_library_whose_engine_is_gone(
    phototag: Run, demo: Demo, own_engines: dict[str, str], model: Path, tmp_path: Path
) -> None:
    db = tmp_path / "x.db"
    shutil.copyfile(demo.db, db)
    before = names(phototag, db)
    for name in ("mine", "spare"):
        phototag("engines", "add", name, model, "--card", model.with_suffix(".toml"), env=own_engines)
    assert phototag("index", "--embedder", "mine", "--db", db, env=own_engines).returncode == 3
    assert "indexed" not in phototag("engines", "remove", "spare", "--yes", "--db", db, env=own_engines).stderr
    done = phototag("engines", "remove", "mine", "--db", db, env=own_engines, input="n\n")
    assert done.returncode == 130
    assert f"{db} was indexed with mine." in done.stderr
    done = phototag("engines", "remove", "mine", "--yes", env={**own_engines, "PHOTOTAG_DB": str(db)})
    assert (done.returncode, f"{db} was indexed with mine." in done.stderr) == (0, True)
    assert "phototag index --embedder dlib-resnet" in done.stdout

    def kept() -> tuple[bytes, object]:
        return db.read_bytes(), names(phototag, db)

    untouched = kept()
    done = phototag("index", "--db", db, env=own_engines)
    assert done.returncode == 16
    assert "indexed with the embedder mine, which is no longer installed" in done.stderr
    assert "phototag engines add mine FILE" in done.stderr
    assert "phototag index --embedder dlib-resnet" in done.stderr
    assert kept() == untouched
    assert phototag("train", "--db", db, env=own_engines).returncode == 0  # what is stored needs no engine
    # With the engine added again, or with another one, it goes on, and every name is there.
    phototag("engines", "add", "mine", model, "--card", model.with_suffix(".toml"), env=own_engines)
    assert phototag("index", "--db", db, env=own_engines).returncode == 3
    phototag("engines", "remove", "mine", "--yes", "--db", db, env=own_engines)
    assert phototag("index", "--embedder", "dlib-resnet", "--db", db, env=own_engines).returncode == 3
    assert phototag("index", "--db", db, env=own_engines).returncode == 3
    assert names(phototag, db) == before


def test_an_embedder_that_is_still_coming(
    phototag: Run, demo: Demo, own_engines: dict[str, str], model: Path, tmp_path: Path
) -> None:
    db = tmp_path / "x.db"
    shutil.copyfile(demo.db, db)
    phototag("engines", "add", "mine", model, "--card", model.with_suffix(".toml"), env=own_engines)
    status = json.loads(phototag("status", "--json", "--db", db).stdout)
    assert status["coming"] is None
    with open_store(db) as store:
        engine = known.add(store, EngineInfo("embedder", "mine", "0" * 64, dim=4, thresholds=card().thresholds))
        with store.write():
            known.set_upcoming(store, engine)
    assert json.loads(phototag("status", "--json", "--db", db).stdout) == {
        **status, "coming": ["mine", status["faces"]],
    }  # fmt: skip
    assert f"mine takes over once it has seen {status['faces']} more faces" in phototag("status", "--db", db).stdout
    done = phototag("engines", "remove", "mine", "--db", db, env=own_engines, input="n\n")
    assert f"{db} is being changed to mine; without it, its former embedder stays." in done.stderr
    done = phototag("engines", "remove", "mine", "--yes", "--db", db, env=own_engines)
    assert (done.returncode, "Index with" in done.stdout) == (0, False)  # the former one goes on
    assert phototag("index", "--db", db, env=own_engines).returncode == 3


def test_a_catalogued_engine_that_is_gone_is_to_be_installed(
    own_engines: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOTAG_ENGINES", own_engines["PHOTOTAG_ENGINES"])
    settings = Settings(db=tmp_path / "x.db")
    with open_store(settings.db, create=True) as store:
        known.register(store, EngineInfo("detector", "yunet", "0" * 64))
        with pytest.raises(WeightsError, match="no longer installed") as caught:
            library_settings(store, settings, INSTALLED)
        assert re.search(
            r"phototag engines install yunet.*phototag index --detector mtcnn", hints.sentence(caught.value)
        )
        assert library_settings(store, Settings(db=settings.db, detector="dlib-hog"), INSTALLED).detector == "dlib-hog"


@pytest.mark.parametrize("kept", [None, b"", b"not a database at all, but long enough to be looked at"])
def test_no_readable_database_hinders_no_removal(
    kept: bytes | None, phototag: Run, own_engines: dict[str, str], model: Path, tmp_path: Path
) -> None:
    phototag("engines", "add", "mine", model, "--card", model.with_suffix(".toml"), env=own_engines)
    db = tmp_path / "x.db"
    if kept is not None:
        db.write_bytes(kept)
    done = phototag("engines", "remove", "mine", "--yes", "--db", db, env=own_engines)
    assert (done.returncode, done.stderr) == (0, "")
    assert (db.read_bytes() if db.exists() else None) == kept


def test_a_new_library_takes_the_best_installed(
    phototag: Run, model: Path, own_engines: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PHOTOTAG_ENGINES", own_engines["PHOTOTAG_ENGINES"])
    assert (best("detector"), best("embedder")) == ("mtcnn", "dlib-resnet-int8")
    assert best("embedder", "gpu") == "dlib-resnet"
    registry.add("mobilefacenet", "onnx", model, card())
    assert best("embedder") == "dlib-resnet-int8"  # a name alone is anybody's
    assert not listed(phototag, own_engines)["mobilefacenet"]["default"]
    entries = [replace(entry, sha256=hashlib.sha256(embedder()).hexdigest()) for entry in catalogue.entries()]
    monkeypatch.setattr(catalogue, "entries", lambda: entries)
    assert (best("detector"), best("embedder")) == ("mtcnn", "mobilefacenet")
    save("yunet", "onnx", PreparedWeights(embedder(), ".onnx"), card())
    assert best("detector") == "mtcnn"  # the right bytes, taken for an embedder
    analyzer = FaceAnalyzer.open(Settings(db=tmp_path / "x.db", detector="dlib-hog", device="cpu"))
    assert isinstance(analyzer.embedder, OnnxEmbedder)


@pytest.mark.data
def test_better_engines_from_start_to_end(
    data: Path, phototag: Run, demo: Demo, own_engines: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOTAG_ENGINES", own_engines["PHOTOTAG_ENGINES"])
    for entry, file in zip(catalogue.entries(), ("mobilefacenet.onnx", "yunet_n_dynamic.onnx"), strict=True):
        registry.add(entry.name, entry.family, data / "models" / file, entry.card)
    assert {name for name, row in listed(phototag, own_engines).items() if row["default"]} == {"yunet", "mobilefacenet"}

    # A library that is there keeps its engines until it is told otherwise, and its names in any case.
    db = tmp_path / "old.db"
    shutil.copyfile(demo.db, db)
    assert phototag("index", "--db", db, env=own_engines).returncode == 3
    assert "mtcnn, dlib-resnet-int8" in phototag("status", "--db", db).stdout
    before = names(phototag, db)
    assert len(before) == 6
    done = phototag("index", "--embedder", "mobilefacenet", "--db", db, env=own_engines)
    assert done.returncode == 3, done.stderr
    assert "mtcnn, mobilefacenet" in phototag("status", "--db", db).stdout
    assert names(phototag, db) == before

    done = phototag("demo", "--out", tmp_path / "demo", "--json", env=own_engines)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert "yunet, mobilefacenet" in phototag("status", "--db", tmp_path / "demo" / "phototag.db").stdout
    assert (result["photos"], result["people"]) == (demo.result["photos"], 2)
    assert result["tagged"] >= demo.result["tagged"]


def names(phototag: Run, db: Path) -> list[tuple[object, object]]:
    faces = json.loads(phototag("faces", "list", "--json", "--db", db).stdout)
    return sorted((face["photo"], face["person"]) for face in faces if face["source"] == "human")


@pytest.mark.data
def test_a_file_that_the_catalogue_knows_needs_no_card(data: Path, phototag: Run, tmp_path: Path) -> None:
    own_engines = {"PHOTOTAG_ENGINES": str(tmp_path / "own_engines")}
    done = phototag("engines", "add", "mine", data / "models" / "mobilefacenet.onnx", env=own_engines)
    assert done.returncode == 0, done.stderr
    listed = json.loads(phototag("engines", "list", "--json", env=own_engines).stdout)
    assert next(row for row in listed if row["name"] == "mine")["dim"] == 128


@pytest.mark.data
def test_names_survive_another_pair_of_engines(demo: Demo, data: Path, phototag: Run, tmp_path: Path) -> None:
    db = tmp_path / "x.db"
    shutil.copyfile(demo.db, db)
    own_engines = {"PHOTOTAG_ENGINES": str(tmp_path / "own_engines")}
    for name, file in (("mobilefacenet", "mobilefacenet.onnx"), ("yunet", "yunet_n_dynamic.onnx")):
        assert phototag("engines", "add", name, data / "models" / file, env=own_engines).returncode == 0

    def named() -> list[tuple[str, str]]:
        faces = json.loads(phototag("faces", "list", "--json", "--db", db, env=own_engines).stdout)
        return sorted((face["photo"], face["person"]) for face in faces if face["source"] == "human")

    before = named()
    assert len(before) == 6
    assert phototag("index", "--embedder", "mobilefacenet", "--db", db, env=own_engines).returncode == 3
    assert named() == before
    assert phototag("index", "--detector", "yunet", "--db", db, env=own_engines).returncode == 3
    assert named() == before
    assert phototag("train", "--db", db, env=own_engines).returncode == 0
    tagged = json.loads(phototag("tag", "--json", "--db", db, env=own_engines).stdout)
    assert tagged["named"] >= 20
    assert "engines   yunet, mobilefacenet" in phototag("status", "--db", db, env=own_engines).stdout


def test_what_is_wrong_with_a_photo_is_said_while_networks_run(phototag: Run, demo: Demo, tmp_path: Path) -> None:
    done = phototag("index", demo.folder / "photos", "--db", tmp_path / "x.db", "--jobs", 2)
    assert done.returncode == 3
    assert "P7160020.jpg: the JPEG file ends too early" in done.stderr
