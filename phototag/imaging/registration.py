"""Registration: how a picture lies in an edited version of itself that was cropped, scaled, turned, mirrored or re-lit.

Keypoints of both (SIFT: Lowe 2004) give an affine map by RANSAC (Fischler and Bolles 1981), which counts only if the
pictures correlate under it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from phototag.types import RGB, Box, Point

Matrix: TypeAlias = npt.NDArray[np.float64]  #: (2, 3)
#: (n, 2) places of keypoints, and OpenCV's (n, 128) descriptors of them.
Keypoints: TypeAlias = tuple[npt.NDArray[np.float64], Any]

#: Long sides, in pixels, between which pictures are compared.
_SMALL, _LARGE = 400, 800
#: A keypoint's nearest neighbour counts if it is so much nearer than the next.
_RATIO = 0.8
#: Keypoints that have to agree, how nearly (pixels), and the correlation of the pictures that is asked of them.
_LEAST, _NEAR, _ALIKE = 8, 4.0, 0.5
#: The correlation that is asked where keypoints say nothing; from which on nothing else can be meant; and from which
#: on a picture is the whole of the other: then no keypoints are looked for, a few of which may agree on a part of it.
_VERY_ALIKE, _EQUAL, _SAME = 0.75, 0.95, 0.98
#: A long side, in pixels, at which what lies in a box is compared.
_COARSE = 24
#: Standard deviation, in grey levels, below which a ground is plain; and how far apart plain ones of one colour are.
_PLAIN, _SHADE = 3.0, 32.0
#: How differently a version may be scaled in its two directions.
_STRETCH = 1.6


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """An affine map of pixels of one picture to pixels of another; `sure`: by more than faces that look alike."""

    matrix: Matrix
    sure: bool

    @property
    def quarters(self) -> int:
        """Quarter turns to the left that make the other picture as upright as the one was."""
        linear = self.matrix[:, :2] @ np.diag([np.sign(np.linalg.det(self.matrix[:, :2])), 1])
        return int(np.round(np.degrees(np.arctan2(linear[1, 0], linear[0, 0])) / 90)) % 4

    def rescaled(self, before: float, after: float) -> Transform:
        """The same map between pictures so many times as large."""
        return Transform(np.column_stack([self.matrix[:, :2] * after / before, self.matrix[:, 2] * after]), self.sure)

    def point(self, point: Point) -> Point:
        """Where a point lies in the other picture."""
        x, y = (self.matrix @ np.array([*point, 1.0])).tolist()
        return x, y

    def box(self, box: Box) -> Box:
        """Where a box lies in the other picture: its middle, as large, its sides exchanged if it lies on its side."""
        x, y = self.point((box.x + box.w / 2, box.y + box.h / 2))
        scale = float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))
        sides = (box.w * scale, box.h * scale)
        w, h = sides[::-1] if self.quarters % 2 else sides
        return Box(x - w / 2, y - h / 2, w, h)


def register(before: RGB, after: RGB, hints: Sequence[tuple[Box, Box]] = ()) -> Transform | None:
    """How `before` lies in `after`; None unless `after` is surely a version of it.

    `hints`: boxes of `before` and `after` (pixels) that may show one face, for pictures with little else to hold on to.
    """
    one, two = _grey(before), _grey(after)
    sizes = before.shape[1] / one.shape[1], after.shape[1] / two.shape[1]
    soft = cv2.GaussianBlur(one, (0, 0), 2.0), cv2.GaussianBlur(two, (0, 0), 2.0)
    whole, best = _likeliest(soft, list(_wholes(one, two)))
    if whole is not None and best >= _SAME:
        return Transform(whole, True).rescaled(*sizes)
    theirs = _keypoints(two)
    agreed, matrix = max((_aligned(one, theirs, mirrored) for mirrored in (False, True)), key=lambda pair: pair[0])
    if agreed >= _LEAST and matrix is not None and _sane(matrix) and _correlation(*soft, matrix) >= _ALIKE:
        return Transform(matrix, True).rescaled(*sizes)
    pairs = [(mine.scaled(1 / sizes[0]), other.scaled(1 / sizes[1])) for mine, other in hints]
    tried = [matrix for mine, other in pairs if _agree_beside(*soft, matrix := _fitted(mine, other), other)]
    fitted, alike = _likeliest(soft, tried if whole is None else [whole, *tried])
    return Transform(fitted, alike >= _EQUAL).rescaled(*sizes) if fitted is not None and alike >= _VERY_ALIKE else None


def alike_in(before: RGB, after: RGB, transform: Transform, box: Box) -> bool:
    """Whether two pictures, one laid on the other, correlate within a box of `after`: what was there is still there."""
    left, top, right, bottom = math.floor(box.x), math.floor(box.y), math.ceil(box.x + box.w), math.ceil(box.y + box.h)
    there = after[max(top, 0) : bottom, max(left, 0) : right]
    if not there.size:
        return False
    matrix = transform.matrix - np.array([[0, 0, max(left, 0)], [0, 0, max(top, 0)]])
    size = there.shape[1], there.shape[0]
    laid = cv2.warpAffine(np.ascontiguousarray(before), matrix, size, borderMode=cv2.BORDER_REPLICATE)
    one, two = (_shrunk(np.asarray(patch, np.uint8)) for patch in (laid, there))
    plain = one.std() < _PLAIN, two.std() < _PLAIN
    if any(plain):
        apart = np.abs(laid.mean(axis=(0, 1)) - there.mean(axis=(0, 1))).max()
        return all(plain) and bool(apart <= _SHADE)
    return _correlated(one, two) >= _ALIKE


def _shrunk(patch: RGB) -> npt.NDArray[np.uint8]:
    """A patch in grey, so coarse and soft that a small shift doesn't matter."""
    grey = cv2.cvtColor(np.ascontiguousarray(patch), cv2.COLOR_RGB2GRAY)
    factor = min(1.0, _COARSE / max(grey.shape))
    size = max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor))
    return np.asarray(cv2.GaussianBlur(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), (0, 0), 1.0), np.uint8)


def _likeliest(soft: tuple[Any, Any], tried: Sequence[Matrix]) -> tuple[Matrix | None, float]:
    """The map under which softened grey pictures correlate best, and how well; None for none."""
    alike = [(_correlation(*soft, matrix), number) for number, matrix in enumerate(tried) if _sane(matrix)]
    best, number = max(alike, default=(0.0, -1))
    return (tried[number], best) if alike else (None, 0.0)


def _wholes(before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> Iterator[Matrix]:
    """The maps that lay the whole of one picture on the whole of the other, turned and mirrored in all eight ways."""
    height, width = before.shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    for quarters in range(4):
        sides = (after.shape[0], after.shape[1]) if quarters % 2 else (after.shape[1], after.shape[0])
        if not 0.97 < sides[0] * height / (sides[1] * width) < 1.03:
            continue
        for mirrored in (False, True):
            across, down = after.shape[1], after.shape[0]
            theirs = np.roll(np.array([(0, 0), (across, 0), (across, down), (0, down)], np.float32), -quarters, axis=0)
            mine = corners[[1, 0, 3, 2]] if mirrored else corners
            yield np.asarray(cv2.getAffineTransform(mine[:3], np.ascontiguousarray(theirs[:3])), np.float64)


def _fitted(mine: Box, theirs: Box) -> Matrix:
    """The map that enlarges and moves one box to where the other one is."""
    scale = float(np.sqrt(theirs.w * theirs.h / (mine.w * mine.h)))
    move = (
        theirs.x + theirs.w / 2 - scale * (mine.x + mine.w / 2),
        theirs.y + theirs.h / 2 - scale * (mine.y + mine.h / 2),
    )
    return np.array([[scale, 0, move[0]], [0, scale, move[1]]])


def _grey(picture: RGB) -> npt.NDArray[np.uint8]:
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    long = max(grey.shape)
    factor = min(_LARGE / long, max(1.0, _SMALL / long))
    size = max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor))
    resized = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    return np.asarray(resized, np.uint8)


def _keypoints(picture: npt.NDArray[np.uint8]) -> Keypoints:
    points, words = cv2.SIFT.create(nfeatures=1500, contrastThreshold=0.01).detectAndCompute(picture, None)
    return np.array([point.pt for point in points]).reshape(-1, 2), words


def _aligned(before: npt.NDArray[np.uint8], after: Keypoints, mirrored: bool) -> tuple[int, Matrix | None]:
    """How many keypoints agree on a map from `before` (mirrored first), and the map."""
    points, words = _keypoints(np.ascontiguousarray(before[:, ::-1]) if mirrored else before)
    others, other_words = after
    if min(len(points), len(others)) < 2:
        return 0, None
    pairs = cv2.BFMatcher().knnMatch(words, other_words, k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < _RATIO * pair[1].distance]
    if len(good) < _LEAST:
        return 0, None
    ours = points[[match.queryIdx for match in good]]
    theirs = others[[match.trainIdx for match in good]]
    if mirrored:
        ours[:, 0] = before.shape[1] - 1 - ours[:, 0]
    matrix: Matrix | None
    matrix, inliers = cv2.estimateAffine2D(ours, theirs, method=cv2.RANSAC, ransacReprojThreshold=_NEAR)  # type: ignore[assignment]
    if matrix is None:
        return 0, None
    agreed = inliers.ravel() > 0
    return len(np.unique(np.round(theirs[agreed]), axis=0)), np.asarray(matrix, np.float64)


def _sane(matrix: Matrix) -> bool:
    sizes = np.linalg.svd(matrix[:, :2], compute_uv=False)
    return bool(sizes[1] > 0.05 and sizes[0] < 20 and sizes[0] <= _STRETCH * sizes[1])


def _correlation(before: Any, after: Any, matrix: Matrix) -> float:
    """How well softened grey pictures correlate where they overlap under a map, −1 to 1; 0 if they hardly do."""
    laid, there = _overlap(before, after, matrix)
    return _correlated(laid[there], after[there]) if there.sum() >= 0.05 * there.size else 0.0


def _agree_beside(before: Any, after: Any, matrix: Matrix, face: Box) -> bool:
    """Whether pictures correlate not only in a face: as people look alike, so do their pictures there."""
    laid, there = _overlap(before, after, matrix)
    margin = 0.25 * max(face.w, face.h)
    left, top = max(0, math.floor(face.x - margin)), max(0, math.floor(face.y - margin))
    there[top : math.ceil(face.y + face.h + margin), left : math.ceil(face.x + face.w + margin)] = False
    if not there.any():
        return True
    one, two = laid[there], after[there]
    plain = one.std() < _PLAIN, two.std() < _PLAIN
    return all(plain) if any(plain) else _correlated(one, two) >= _ALIKE


def _overlap(before: Any, after: Any, matrix: Matrix) -> tuple[Any, npt.NDArray[np.bool_]]:
    """A picture laid on another one, and where it lies."""
    size = after.shape[1], after.shape[0]
    laid = cv2.warpAffine(before, matrix, size, flags=cv2.INTER_AREA)
    return laid, cv2.warpAffine(np.full_like(before, 255), matrix, size) > 254


def _correlated(one: Any, two: Any) -> float:
    one, two = one.astype(np.float64), two.astype(np.float64)
    one, two = one - one.mean(), two - two.mean()
    size_of = float(np.sqrt((one**2).sum() * (two**2).sum()))
    return float((one * two).sum()) / size_of if size_of > 0 else 0.0
