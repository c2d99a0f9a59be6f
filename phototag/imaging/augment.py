"""Chips as another shot might have shown them: for training, where a person has few photos."""

from __future__ import annotations

import cv2
import numpy as np

from phototag.types import RGB, Chips

TURN = 8.0  #: degrees to either side; this and what follows: the most
SCALE = 0.06  #: larger or smaller
SHIFT = 0.04  #: of the chip's side
LIGHT = 0.25  #: brighter or darker
CONTRAST = 0.2  #: more or less


def augmented(chips: Chips, random: np.random.Generator) -> Chips:
    """Each chip turned, scaled, shifted, mirrored (half of them), and in another light, a little and by chance."""
    return np.stack([_augmented(chip, random) for chip in chips]) if len(chips) else chips


def _augmented(chip: RGB, random: np.random.Generator) -> RGB:
    side = len(chip)
    turn, scale, right, down, light, contrast = random.uniform(-1, 1, 6)
    middle = (side - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), TURN * turn, 1 + SCALE * scale)
    matrix[:, 2] += side * SHIFT * right, side * SHIFT * down
    # Beyond the chip's edge its own pixels are mirrored: a black margin would tell how it was turned.
    moved = cv2.warpAffine(chip, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    if random.random() < 0.5:
        moved = moved[:, ::-1]
    mean = moved.mean()
    lit = ((moved - mean) * (1 + CONTRAST * contrast) + mean) * (1 + LIGHT * light)
    return np.asarray(np.clip(lit, 0, 255), np.uint8)
