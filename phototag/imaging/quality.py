"""How well a face can be recognised, from its size, sharpness, pose and detector's score.

quality = min(size, sharpness) · turn · nod · score, each between 0 and 1. All but the score are shares: of
the true accepts at 0.1 % false accepts that such a face keeps, compared with a large, sharp, frontal one. So a
face of quality .5 is recognised half as often. The lesser of size and sharpness counts, because both take away
the same thing, detail.

Measured with MTCNN and dlib's ResNet on 2,501 photos of 940 people (LFW's development list): 880 faces were
made smaller, blurred (Gaussian, motion) and noisy, detected and embedded again, and compared with all others.
Quality foretells the share that is left to .04 (mean of all faces in a tenth of the scale).

It says nothing about whether something is a face at all: what MTCNN takes for one by mistake is as sharp as true
faces, and only its score is a little lower.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import PIL.Image

from phototag.types import RGB, Detection, Image, Point

#: Faces of less quality are kept, shown and tagged, but people are not learnt from them. Measured: 120 people, one
#: good and two poor faces of each named, the others' good photos tagged. Learnt from those of quality .52 too, 94.5 %
#: were named rightly and 2.3 % wrongly, without them 95.9 % and .5 %; at .78 the same but for .6 % more wrong names;
#: from .9 on it pays. (Other poor faces are found more often when poor ones are learnt from.)
WORTH_LEARNING = 0.5

#: A face of lower quality founds no group and holds none together; it may join one. Quality tells how often a face is
#: recognised, beside a good one: here, once in seven times. In lfw-dev one face in 25 is below, most of them in the
#: background. Chosen low, because a face that is kept out in error costs its group a member.
WORTH_GROUPING = 0.15

SIDE = 24  #: pixels of the square in which sharpness is looked for
ENOUGH = 96  #: pixels of a face's shorter side; of more only every so many are looked at
SMOOTH = 0.25  #: what `_steps` at `SIDE` are of those at half of it in a face without any fine detail

# Where a share is a half, and how steeply it falls. Size: the box's shorter side in pixels. Sharpness: the
# figure below; a Gaussian blur of 1/26 of the face's width. Turn and nod: distances of the nose from its usual
# place (below); where they halve lies beyond the measured faces (three quarters were left at a turn of 1.1 and
# a nod of .36, and all at .9 and .28), turned by some 60°.
SIZE, SHARPNESS, TURN, NOD = (15.8, 5.4), (0.085, 4.3), (1.35, 6.0), (0.45, 6.0)
NOSE = 0.6  #: how far from the eyes to the mouth the nose is, in a face that looks straight ahead


def quality(detail: Image, face: Detection) -> float:
    """0 (useless) to 1. `face`: in upright full-size pixels; without landmarks it is taken for frontal."""
    box = face.box.scaled(detail.scale)
    left, top, right, bottom = (max(int(edge), 0) for edge in (box.x, box.y, box.x + box.w + 1, box.y + box.h + 1))
    pixels = detail.rgb[top:bottom, left:right]
    if not pixels.size:
        return 0.0
    seen = min(_share(min(box.w, box.h), SIZE), _share(sharpness(pixels), SHARPNESS))
    return seen * _pose(face.landmarks) * face.score


def sharpness(face: RGB) -> float:
    """How much fine detail a face has (the box without margin): 0 for a blurred one, .24 for a sharp one.

    The squared difference of neighbours in a thumbnail, divided by that in one half as large, less what is left
    of it without any detail; along rows or along columns, whichever is less, because a moved camera blurs one
    of them. As a ratio it depends neither on light nor on contrast.
    """
    step = max(1, min(face.shape[:2]) // ENOUGH)
    green = np.ascontiguousarray(face[::step, ::step, 1])  # most of what the eye calls brightness
    small = PIL.Image.fromarray(green).resize((SIDE, SIDE), PIL.Image.Resampling.BILINEAR, reducing_gap=2.0)
    fine = np.asarray(small, np.float32)
    coarse = fine.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3))
    ratio = min(_steps(fine, axis) / max(_steps(coarse, axis), 1.0) for axis in (0, 1))  # 1: a grey level
    return max(0.0, ratio - SMOOTH)


def _steps(plane: npt.NDArray[np.float32], axis: int) -> float:
    return float(np.square(np.diff(plane, axis=axis)).mean())


def _pose(landmarks: tuple[Point, ...]) -> float:
    """The share for where the nose is between the eyes and the mouth; a head to one side costs nothing."""
    if not landmarks:
        return 1.0
    left_eye, right_eye, nose, left_mouth, right_mouth = (complex(*point) for point in landmarks)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    half, down, tip = (right_eye - left_eye) / 2, mouth - eyes, nose - eyes
    area = _cross(half, down)
    if not area:  # no face has its eyes and mouth on one line
        return 0.0
    turn, drop = _cross(tip, down) / area, _cross(half, tip) / area  # tip = turn · half + drop · down
    return (1 - _share(abs(turn), TURN)) * (1 - _share(abs(drop - NOSE), NOD))


def _cross(one: complex, other: complex) -> float:
    return one.real * other.imag - one.imag * other.real


def _share(value: float, curve: tuple[float, float]) -> float:
    """Rises from 0 to 1 and is a half at `curve[0]` (Hill's equation)."""
    half, steepness = curve
    power = (value / half) ** steepness
    return float(power / (1 + power))
