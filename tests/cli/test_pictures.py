"""Pictures on terminals that can show them, each told by how it answers, and on those that can't."""

from __future__ import annotations

import base64
import io
import re
import sys

import pexpect
import pytest
from PIL import Image

_PROGRAM = """
import io, sys
from PIL import Image
from rich.console import Console
from phototag.cli.pictures import show
file = io.BytesIO()
Image.new("RGB", (96, 96), (200, 30, 40)).save(file, "JPEG")
show(Console(), [file.getvalue()] * 3, first=1)
print("done")
"""


def terminal(environment: dict[str, str], **more: str) -> pexpect.spawn:
    child = pexpect.spawn(
        sys.executable,
        ["-c", _PROGRAM],
        env={**environment, **more},
        encoding="latin-1",
        dimensions=(40, 110),
        timeout=15,
    )
    child.setecho(False)
    return child


#: What tells a picture: sixels' beginning; kitty's placeholder U+10EEEE and the upper half block ▀, as bytes.
@pytest.mark.parametrize(
    ("attributes", "kitty", "shown"),
    [
        ("\x1b[?62;4;22c", "", "\x1bP[0-9;]*q"),
        ("\x1b[?62;22c", "OK", "\u00f4\u008e\u00bb\u00ae"),
        ("\x1b[?62c", "EINVAL", "\u00e2\u0096\u0080"),
    ],
    ids=["sixel", "kitty", "half-blocks"],
)
def test_what_a_terminal_says_of_itself(environment: dict[str, str], attributes: str, kitty: str, shown: str) -> None:
    child = terminal(environment)
    child.expect_exact("\x1b[c")
    child.send(attributes)
    if kitty:
        child.expect(r"\x1b_G([^;]*);")
        number = re.search(r"i=(\d+)", child.match.group(1))
        assert number
        child.expect_exact("\x1b\\")
        child.send(f"\x1b_Gi={number[1]};{kitty}\x1b\\")
    child.expect(shown)
    child.expect("done")


def test_a_terminal_that_answers_nothing_gets_half_blocks_and_no_traceback(environment: dict[str, str]) -> None:
    child = terminal(environment)
    child.expect("\u00e2\u0096\u0080")
    assert "Traceback" not in child.before
    child.expect("done")


def test_iterm_gets_the_whole_picture(environment: dict[str, str]) -> None:
    child = terminal(environment, TERM_PROGRAM="iTerm.app")
    child.expect(r"\x1b\]1337;File=inline=1;size=(\d+);width=48;preserveAspectRatio=1:([A-Za-z0-9+/=]+)\x07")
    data = base64.b64decode(child.match.group(2))
    assert len(data) == int(child.match.group(1))
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.width > 2 * picture.height
    child.expect(r" 1 +2 +3\r?\n")
    child.expect("done")
