"""Reads the values that dlib serialises, one after the other.

The format, after dlib/serialize.h: an integer is a control byte (low 4 bits: how many bytes follow; high bit: negative)
and those bytes, little-endian; a float is mantissa and exponent as two integers; a string is its length and bytes; a
flag is the character 0 or 1; a tensor is version 2, four integers (n, k, rows, columns) and their product of
little-endian float32.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from phototag.errors import WeightsError

Floats: TypeAlias = npt.NDArray[np.float32]


class DlibReader:
    """A cursor over serialised bytes. Each method raises WeightsError if the next bytes are no such value."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0
        self.saw_conv = False

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data)

    def refuse(self, what: str) -> None:
        raise WeightsError(f"dlib's network file is not as expected: {what}, before byte {self._at}")

    def check(self, what: str, holds: bool) -> None:
        if not holds:
            self.refuse(what)

    def expect(self, what: str, found: object, wanted: object) -> None:
        self.check(f"{what} is {found!r}, not {wanted!r}", found == wanted)

    def take(self, count: int) -> memoryview:
        self.check("it ends early", count <= len(self._data) - self._at)
        self._at += count
        return self._data[self._at - count : self._at]

    def integer(self) -> int:
        control = self.take(1)[0]
        count = control & 0x0F
        self.check("an integer's control byte", not control & 0x70 and 1 <= count <= 8)
        value = int.from_bytes(self.take(count), "little")
        return -value if control & 0x80 else value

    def float(self) -> float:
        mantissa, exponent = self.integer(), self.integer()
        self.check("a float's exponent", abs(exponent) < 128)
        return float(mantissa) * 2.0**exponent

    def string(self) -> str:
        length = self.integer()
        self.check("a name's length", 1 <= length <= 64)
        return self.take(length).tobytes().decode("ascii", "replace")

    def flag(self) -> bool:
        flag = self.take(1)[0]
        self.check("a flag", flag in b"01")
        return flag == ord("1")

    def sides(self) -> tuple[int, int, int, int]:
        sides = (self.integer(), self.integer(), self.integer(), self.integer())
        self.check("a tensor's sides", all(0 <= side <= 1 << 24 for side in sides))
        return sides

    def tensor(self) -> Floats:
        """A tensor's numbers in one row."""
        self.expect("a tensor's version", self.integer(), 2)
        n, k, rows, columns = self.sides()
        values = np.frombuffer(self.take(4 * n * k * rows * columns), "<f4").astype(np.float32)
        self.check("a weight is not finite", bool(np.isfinite(values).all()))
        return values

    def alias(self) -> tuple[int, int, int, int]:
        """The shape of a part of a parameter tensor."""
        self.expect("an alias's version", self.integer(), 1)
        return self.sides()

    def rates(self) -> None:
        """Skips four learning rates and decays."""
        for _ in range(4):
            self.float()
