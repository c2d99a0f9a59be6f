"""Hostile text is shown, never obeyed."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from phototag.display import name_key, path_text, person_name, printable, relative_url

ANY_TEXT = st.text(st.characters())  # surrogates, too
ANY_PATH = st.binary(min_size=1).filter(lambda path: b"\0" not in path)
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def harmless(text: str) -> bool:
    return not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or char in BIDI for char in text)


@given(ANY_TEXT)
@example("\x1b]0;title\x07\x9b31m\n\r\t")
@example("\u202egpj.exe")
@example("\udcff\ud800\u2028\u2029")
def test_printable_is_harmless(text: str) -> None:
    shown = printable(text)
    assert harmless(shown)
    shown.encode()
    assert printable(shown) == shown
    if harmless(text):
        assert shown == text


@given(ANY_PATH)
@example(b"\xff\x1b[2J\n")
def test_paths_are_shown_harmlessly(path: bytes) -> None:
    assert harmless(path_text(path))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"a b.jpg", "a b.jpg"),
        (b"caf\xe9.jpg", "caf\\xe9.jpg"),
        (b"new\nline\x1b", "new\\x0aline\\x1b"),
        ("\u202egpj.exe".encode(), "\\u202egpj.exe"),
        ("Zoë 👩‍👧 日本.jpg".encode(), "Zoë 👩‍👧 日本.jpg"),
    ],
)
def test_what_paths_look_like(path: bytes, shown: str) -> None:
    assert path_text(path) == shown


@given(ANY_PATH)
@example(b"javascript:alert(1)")
@example(b"//evil.example/a.jpg")
@example(b"/absolute")
@example(b"data:text/html,<script>")
@example(b"a?b#c%20d\"'<>&\\ \n")
def test_links_stay_here_and_lead_back(path: bytes) -> None:
    url = relative_url(path)
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert url.startswith("./")
    assert re.fullmatch(r"[A-Za-z0-9._~%/-]+", url)  # nothing to break out of an attribute with
    assert unquote_to_bytes(url)[2:] == path


# --- names ---


@given(ANY_TEXT)
def test_a_name_that_is_kept_is_harmless(text: str) -> None:
    try:
        name = person_name(text)
    except ValueError:
        return
    assert harmless(name)
    assert name == " ".join(name.split())
    assert 1 <= len(name) <= 200
    assert unicodedata.is_normalized("NFC", name)
    assert person_name(name) == name
    assert name_key(name) == name_key(unicodedata.normalize("NFD", name))


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("  Ada \t\n Lovelace ", "Ada Lovelace"),
        ("Ada\x00\x1b[31m", "Ada[31m"),
        ("\u202eadA\u202c", "adA"),
        ("e\u0301", "é"),
        ("e\x00\u0301", "é"),  # composed once the control between is gone
        ("a\u2028b\u00a0c", "a b c"),
        ("<b>Ada</b>", "<b>Ada</b>"),  # escaped where it is shown
        ("O'Brien", "O'Brien"),
        ("محمد", "محمد"),
        ("👩‍👧", "👩‍👧"),
        ("نیک\u200cپور", "نیک\u200cپور"),  # Persian joins otherwise
        ("क्\u200dष", "क्\u200dष"),
        ("❤\ufe0f Ada", "❤\ufe0f Ada"),
        ("葛\U000e0100飾", "葛\U000e0100飾"),
        ("\u200dAda\u200d \u200c\ufe0f Lovelace", "Ada Lovelace"),  # nothing to join
        ("\ufeffZo\u200be\u00ad\u2060", "Zoe"),
        ("\u3164Zoe\uffa0", "Zoe"),
        ("x" * 200, "x" * 200),
    ],
)
def test_names_as_they_are_kept(given_: str, kept: str) -> None:
    assert person_name(given_) == kept


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t", "\x00", "\u3164", "\u200b", "\u200d\ufe0f", "\u202e", "\u2066\u2069", "\u00ad"]
)
def test_nothing_visible_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match="at least one visible character"):
        person_name(text)


@pytest.mark.parametrize("text", ["\udc80", "Ren\udce9", "\ud83d", "Ada \udfff Lovelace"])
def test_what_is_no_text_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not text in UTF-8") as refused:
        person_name(text)
    str(refused.value).encode()


def test_long_names_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 200 characters, this one 10000"):
        person_name("x" * 10000)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ADA", "ada"), ("Straße", "STRASSE"), ("É", "e\u0301"), ("Σίσυφος", "ΣΊΣΥΦΟΣ"), ("Zoe", "Zoe\u200b"),
        ("Zoe", "Z\u00adoe"), ("Zoe", "\ufeffzoe"), ("Zoe", "Ｚｏｅ"), ("Zoe", "Zo\u200de"), ("Zoe", "𝒁oe"),
        ("ﬁnn", "Finn"), ("Ada\u3164", "Ada"), ("ｶﾞ", "ガ"), ("A\u00a0b", "a  b"), ("❤️", "❤"),
    ],
)  # fmt: skip
def test_spellings_of_one_name(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@given(ANY_TEXT)
def test_keys_are_what_they_say(text: str) -> None:
    key = name_key(text)
    assert name_key(key) == key
    assert key == " ".join(key.split())
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert name_key(unicodedata.normalize(form, text)) == key
    assert name_key(text.casefold()) == key


@given(st.lists(st.sampled_from(["Zo", "é", "ﬁ", "Ｋ", " ", "ß"]), min_size=1), st.data())
def test_what_shows_nothing_makes_no_other_name(parts: list[str], data: st.DataObject) -> None:
    """Default-ignorable characters, wherever they are put between others."""
    ignorable = st.sampled_from(
        "\u00ad\u034f\u200b\u200c\u200d\u2060\u2063\u3164\ufe0f\ufeff\uffa0\U000e0020\U000e01ef"
    )
    strewn = "".join(part + "".join(data.draw(st.lists(ignorable, max_size=2))) for part in parts)
    assert name_key(strewn) == name_key("".join(parts))


def test_characters_that_show_nothing() -> None:
    """As many as DerivedCoreProperties.txt lists."""
    assert sum(name_key(f"a{chr(code)}b") == "ab" for code in range(0x110000)) == 4174


def test_different_names() -> None:
    assert len({name_key(name) for name in ("Ada", "Adá", "Ad a", "Ida")}) == 4
