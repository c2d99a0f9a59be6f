"""The file of names: what is written is read again, and whatever else is read is refused in a sentence."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phototag.display import name_key, person_name
from phototag.errors import UsageError
from phototag.interop import files
from phototag.interop import json_checks as interop
from phototag.interop.json_checks import NamesError
from phototag.interop.names_file import (
    HEAD,
    ListedDecision,
    ListedFace,
    ListedFacePair,
    ListedPeoplePair,
    ListedPerson,
    ListedPhoto,
    NamesFile,
)
from phototag.interop.read_names import parse
from phototag.interop.write_names import render
from phototag.types import Box, Origin

GOLDEN = Path(__file__).parent / "names.json"
AT = "2026-11-25T02:03:04+00:00"
EXAMPLE = NamesFile(
    people=(
        ListedPerson("Ada Lovelace", aliases=("Ada Byron",)), ListedPerson("Zoë", hidden=True), ListedPerson("李雷"),
    ),
    photos=(
        ListedPhoto(
            "0123456789abcdef" * 4, b"/photos/2019/party.jpg", 4000, 3000,
            (
                ListedFace(1, Box(120.5, 40.0, 60.0, 72.25), (ListedDecision("is", "Ada Lovelace", AT, "typed"),)),
                ListedFace(2, Box(900.0, 80.0, 50.0, 60.0), (
                    ListedDecision("a-face", None, AT, "reviewed"), ListedDecision("is", "Zoë", AT, "reviewed"),
                    ListedDecision("is-not", "Ada Lovelace", AT, "typed"),
                )),
                ListedFace(3, Box(1500.0, 80.0, 50.0, 60.0), (ListedDecision("not-a-face", None, AT, "typed"),)),
                ListedFace(4, Box(1700.0, 80.0, 50.0, 60.0), ()),
            ),
        ),
        ListedPhoto("f" * 64, b"/photos/not utf-8 \xff.jpg", 800, 600, (
            ListedFace(5, Box(10.0, 10.0, 99.0, 99.0), (ListedDecision("dont-care", None, AT, "folder"),)),
        )),
    ),
    pairs=(ListedFacePair("same", (4, 1), AT, "typed"), ListedFacePair("different", (1, 5), AT, "imported")),
    different=(ListedPeoplePair(("Ada Lovelace", "Zoë"), AT, "reviewed"),),
)  # fmt: skip


def test_the_format_is_what_it_was() -> None:
    """A file that was written once must be read for ever: a new version of the format keeps this test and adds one."""
    assert parse(GOLDEN.read_bytes()) == EXAMPLE
    assert render(EXAMPLE) == GOLDEN.read_bytes()
    assert GOLDEN.read_bytes().startswith(HEAD)


def test_nothing_said_is_a_file_too() -> None:
    assert parse(render(NamesFile())) == NamesFile()


# --- whatever is said ---

_name = (
    st.text(min_size=1, max_size=30).filter(lambda text: _cleaned(text) is not None).map(lambda t: _cleaned(t) or "")
)
LABELS: tuple[Literal["is", "not-a-face", "dont-care"] | None, ...] = ("is", "not-a-face", "dont-care", None)
_when: st.SearchStrategy[tuple[str, Origin]] = st.tuples(
    st.datetimes().map(lambda at: at.isoformat(timespec="seconds") + "+00:00"),
    st.sampled_from(get_args(Origin)),
)


def _cleaned(text: str) -> str | None:
    try:
        return person_name(text)
    except ValueError:
        return None


@st.composite
def _names(draw: st.DrawFn) -> NamesFile:
    found = draw(st.lists(_name, unique_by=name_key, max_size=6))
    cut = draw(st.integers(0, len(found)))
    people = [ListedPerson(name, draw(st.booleans())) for name in found[:cut]]
    if people:
        people[0] = ListedPerson(people[0].name, people[0].hidden, tuple(found[cut:]))
    called = [person.name for person in people]
    photos, number = [], 0
    for _ in range(draw(st.integers(0, 3))):
        width, height = draw(st.integers(2, 9000)), draw(st.integers(2, 9000))
        faces = []
        for _ in range(draw(st.integers(0, 3))):
            number += draw(st.integers(1, 9))
            box = Box(
                draw(st.floats(0, width / 2)), draw(st.floats(0, height / 2)),
                draw(st.floats(0.5, 0.7)) * width, draw(st.floats(0.5, 0.7)) * height,
            )  # fmt: skip
            said = [ListedDecision("a-face", None, *draw(_when))] if draw(st.booleans()) else []
            about = draw(st.permutations(called))
            label = draw(st.sampled_from(LABELS))
            if label == "is" and about:
                said.append(ListedDecision("is", about[0], *draw(_when)))
            elif label in ("not-a-face", "dont-care"):
                said.append(ListedDecision(label, None, *draw(_when)))
            said += [ListedDecision("is-not", name, *draw(_when)) for name in about[1 : 1 + draw(st.integers(0, 2))]]
            faces.append(ListedFace(number, box, tuple(said)))
        sha256 = draw(st.text("0123456789abcdef", min_size=64, max_size=64))
        photos.append(ListedPhoto(sha256, draw(st.binary(max_size=40)), width, height, tuple(faces)))
    numbers = [face.number for photo in photos for face in photo.faces]
    pairs, different = [], []
    if len(numbers) > 1:
        one, other = draw(st.permutations(numbers))[:2]
        pairs.append(ListedFacePair(draw(st.sampled_from(["same", "different"])), (one, other), *draw(_when)))
    if len(called) > 1:
        different.append(ListedPeoplePair((called[0], called[1]), *draw(_when)))
    return NamesFile(tuple(people), tuple(photos), tuple(pairs), tuple(different))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(_names())
def test_what_is_written_is_read(names: NamesFile) -> None:
    assert parse(render(names)) == names


# --- whatever else ---

_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300) | _value.map(lambda value: json.dumps(value).encode()))
def test_anything_is_read_or_refused(data: bytes) -> None:
    try:
        parse(data)
    except NamesError as error:
        assert str(error)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_file_that_was_tampered_with_is_read_or_refused(data: st.DataObject) -> None:
    """One value of a good file becomes another, or bytes of it do."""
    document = json.loads(GOLDEN.read_bytes())
    spots: list[tuple[Any, Any]] = []

    def collect(value: Any) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            spots.append((value, key))
            collect(inner)

    collect(document)
    owner, key = data.draw(st.sampled_from(spots))
    owner[key] = data.draw(_value)
    whole = bytearray(json.dumps(document).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse(bytes(whole))
    except NamesError as error:
        assert str(error)


def changed(**changes: Any) -> bytes:
    document = json.loads(GOLDEN.read_bytes())
    return json.dumps({**document, **changes}).encode()


def face(**changes: Any) -> bytes:
    document = json.loads(GOLDEN.read_bytes())
    document["photos"][0]["faces"][0].update(changes)
    return json.dumps(document).encode()


def photo(**changes: Any) -> bytes:
    document = json.loads(GOLDEN.read_bytes())
    document["photos"][0].update(changes)
    return json.dumps(document).encode()


def said(*told: dict[str, object]) -> bytes:
    return face(said=[{"at": AT, "origin": "typed", **one} for one in told])


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not JSON"),
        (b"names of people", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (GOLDEN.read_bytes()[:-40], "not JSON"),
        (b"[1, 2]", "the file must be an object"),
        (b"{}", 'its "format" is not'),
        (changed(format="phototag"), 'its "format" is not'),
        (changed(version=2), "newer phototag"),
        (changed(version=0), "only version 1"),
        (changed(version="1"), "only version 1"),
        (changed(version=True), "only version 1"),
        (b'{"a": ' * 100_000, "nested too deeply"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"format": "phototag-names", "format": "x"}', "key twice"),
        (changed(photos="all"), "photos must be a list"),
        (changed(people={}), "people must be a list"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_hostile_files(data: bytes, sentence: str) -> None:
    with pytest.raises(NamesError, match=sentence) as refused:
        parse(data)
    assert len(str(refused.value)) < 300
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (changed(people=["Ada"]), "people 1 must be an object"),
        (changed(people=[{"name": "x" * 10_000}]), "at most 200 characters"),
        (changed(people=[{"name": " \u202e\n"}]), "visible character"),
        (changed(people=[{"name": 7}]), "people 1: a name must be text"),
        (changed(people=[{"name": "Ada", "hidden": 1}]), "hidden must be true or false"),
        (changed(people=[{"name": "Ada"}, {"name": "ADA"}]), "ADA is a person's name already"),
        (changed(people=[{"name": "Ada", "aliases": ["ada"]}]), "a person's name already"),
        (changed(people=[]), "is none of its people"),
        (photo(sha256="../../etc/passwd"), "64 hexadecimal digits"),
        (photo(sha256="A" * 64), "64 hexadecimal digits"),
        (photo(path="\ud800"), "path is no path"),
        (photo(width=0), "width must be a whole number"),
        (photo(width=4000.0), "width must be a whole number"),
        (photo(height=10**12), "height must be a whole number"),
        (photo(faces=None), "faces must be a list"),
        (face(box=[1, 2, 3]), "box must be left, top"),
        (face(box=[1, 2, 0, 4]), "the last two more than 0"),
        (face(box=[1, 2, -3, 4]), "the last two more than 0"),
        (face(box=[float("nan"), 2, 3, 4]), "must be of numbers"),
        (face(box=[1, 2, float("inf"), 4]), "must be of numbers"),
        (face(box=[1, 2, "3", 4]), "must be of numbers"),
        (face(box=[1, 2, True, 4]), "must be of numbers"),
        (face(box=[1, 2, 1e-9, 4]), "smaller than a pixel"),
        (face(box=None), "box must be a list"),
        (face(box=[4000, 2, 3, 4]), "outside the photo, which is 4000 × 3000 pixels"),
        (face(box=[-50, -50, 40, 40]), "outside the photo"),
        (face(box=[-50, 100, 80, 40]), "most of the box lies outside"),
        (face(box=[0, 0, 999_999, 999_999]), "most of the box lies outside"),
        (GOLDEN.read_bytes().replace(b'"box": [120.5', b'"box": [], "box": [120.5'), "faces 1 has a key twice"),
        (face(box=[1e7, 2, 3, 4]), "none beyond"),
        (GOLDEN.read_bytes().replace(b"120.5", b"1e999"), "none beyond"),
        (GOLDEN.read_bytes().replace(b"120.5", b"1" * 5000), "none beyond"),
        (face(face=2), "same number"),
        (face(face="1"), "whole number"),
        (said({"verb": "rename"}), "verb must be one of"),
        (said({"verb": ["is"]}), "verb must be one of"),
        (said({"verb": "is"}), "a name must be text"),
        (said({"verb": "is", "person": "Nobody"}), "Nobody is none of its people"),
        (said({"verb": "is", "person": "Zoë"}, {"verb": "not-a-face"}), "one person, or no face"),
        (said({"verb": "is", "person": "Zoë"}, {"verb": "is-not", "person": "Zoë"}), "two things"),
        (said({"verb": "a-face", "at": "yesterday"}), "at must be a time"),
        (said({"verb": "a-face", "origin": "guessed"}), "origin must be one of"),
        (changed(pairs=[{"verb": "same", "faces": [1, 99], "at": AT, "origin": "typed"}]), "two faces of the file"),
        (changed(pairs=[{"verb": "same", "faces": [1, 1], "at": AT, "origin": "typed"}]), "two faces of the file"),
        (changed(pairs=[{"verb": "is", "faces": [1, 2], "at": AT, "origin": "typed"}]), "verb must be one of"),
        (changed(different=[{"people": ["Zoë", "Zoë"], "at": AT, "origin": "typed"}]), "two people"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_an_entry_that_cannot_be_is_left_out_and_told(data: bytes, sentence: str) -> None:
    names = parse(data)
    assert any(re.search(sentence, one) for one in names.left_out), names.left_out
    assert all(len(one) < 300 and "\n" not in one for one in names.left_out)
    assert all(re.match(r"(people|photos|pairs|different) \d", one) for one in names.left_out)  # its place
    if "none of its people" not in sentence:
        assert names.photos[-1] == EXAMPLE.photos[-1]  # the rest is read


def test_a_small_mistake_costs_no_name() -> None:
    people = [{"name": "Ada", "hidden": "no", "aliases": [7, "Addie"]}, {"name": "ADA"}, {"name": "Ben", "aliases": 1}]
    names = [{"verb": "is", "person": who, "at": AT, "origin": "typed"} for who in ("Ada", "ADA", "Ben", "Addie")]
    document = {
        "format": "phototag-names", "version": 1, "people": people,
        "photos": [{"sha256": "a" * 64, "path": 7, "width": 100, "height": 100, "faces": [
            {"face": number, "box": [-3, 1, 9, 9], "said": [one]} for number, one in enumerate(names, 1)
        ]}],
    }  # fmt: skip
    read = parse(json.dumps(document).encode())
    assert read.people == (ListedPerson("Ada", aliases=("Addie",)), ListedPerson("Ben"))
    assert [face.decisions[0].person for face in read.photos[0].faces if face.decisions] == ["Ada", "Ada", "Ben"]
    assert read.left_out == (
        "people 1: hidden must be true or false",
        "people 1, aliases 1: a name must be text",
        "people 2: ADA is a person's name already",
        "people 3, aliases must be a list",
        "photos 1: path must be text",
        "photos 1, faces 4, said 1: Addie is none of its people",
    )


def test_a_huge_file_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interop, "MAX_BYTES", 1 << 20)
    with pytest.raises(NamesError, match="larger than 1 MiB"):
        parse(GOLDEN.read_bytes() + b" " * (1 << 20))


def test_what_others_add_is_passed_over_and_names_are_cleaned() -> None:
    people = [{"name": " Zoe\u0308 \n", "born": 1815}]
    read = parse(json.dumps({"format": "phototag-names", "version": 1, "people": people, "written by": "me"}).encode())
    assert read == NamesFile((ListedPerson("Zoë"),))


# --- on the disk ---


def test_a_file_is_replaced_whole_and_is_private(tmp_path: Path) -> None:
    file = tmp_path / "names.json"
    files.write(file, render(NamesFile()), HEAD)
    assert file.stat().st_mode & 0o777 == 0o600
    files.write(file, render(EXAMPLE), HEAD)
    assert parse(files.read(file, 1 << 20)) == EXAMPLE
    assert os.listdir(tmp_path) == ["names.json"]
    assert len(files.read(file, 10)) == 11


def test_what_is_no_file_of_names_is_not_replaced(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff")
    for path in (photo, tmp_path, Path("/dev/null")):
        with pytest.raises(UsageError, match="something else"):
            files.write(path, render(EXAMPLE), HEAD)
    assert photo.read_bytes() == b"\xff\xd8\xff"
    with pytest.raises(UsageError, match="can't be written"):
        files.write(tmp_path / "absent" / "names.json", b"", HEAD)
    for path in (tmp_path, tmp_path / "absent.json"):
        with pytest.raises(UsageError, match="can't be read"):
            files.read(path, 10)
    assert os.listdir(tmp_path) == ["photo.jpg"]


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "names.json"
    files.write(file, render(EXAMPLE), HEAD)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Exception, match="disk full"):
        files.write(file, render(NamesFile()), HEAD)
    assert parse(file.read_bytes()) == EXAMPLE
    assert os.listdir(tmp_path) == ["names.json"]


def test_names_that_are_one_by_now_are_numbered() -> None:
    """A file of before, when a character that shows nothing made another name."""
    said = {"at": "2026-11-25T02:03:04+00:00", "origin": "typed"}
    faces = [
        {"face": number, "box": [10 * number, 1, 9, 9], "said": [{"verb": "is", "person": who, **said}]}
        for number, who in enumerate(("Zoe", "Zoe\u200b", "Ｚｏｅ"), 1)
    ]
    document = {
        "format": "phototag-names", "version": 1,
        "people": [
            {"name": "Zoe", "aliases": ["Ada"]}, {"name": "Zoe\u200b", "aliases": ["A\u00adda"]}, {"name": "Ｚｏｅ"},
        ],
        "photos": [{"sha256": "a" * 64, "path": "a.jpg", "width": 100, "height": 100, "faces": faces}],
        "different": [{"people": ["Zoe", "Zoe\u200b"], **said}],
    }  # fmt: skip
    names = parse(json.dumps(document).encode())
    assert [(person.name, person.aliases) for person in names.people] == [
        ("Zoe", ("Ada",)), ("Zoe (2)", ("Ada (2)",)), ("Ｚｏｅ (3)", ()),
    ]  # fmt: skip
    assert [face.decisions[0].person for face in names.photos[0].faces] == ["Zoe", "Zoe (2)", "Ｚｏｅ (3)"]
    assert names.different[0].people == ("Zoe", "Zoe (2)")
    assert parse(render(names)) == names


def test_a_name_that_is_no_text_is_refused() -> None:
    document = {"format": "phototag-names", "version": 1, "people": [{"name": "Ren\udce9"}]}
    names = parse(json.dumps(document).encode())
    assert names.people == ()
    assert "is not text in UTF-8" in names.left_out[0]
