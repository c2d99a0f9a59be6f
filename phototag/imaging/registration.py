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
#: Lowe's ratio test: a keypoint's match counts if its distance is less than this share of the second-best match's.
_RATIO = 0.8
#: RANSAC: how many keypoints must agree, within how many pixels; and how well the pictures must then correlate.
_MIN_INLIERS, _INLIER_DISTANCE, _MIN_CORRELATION = 8, 4.0, 0.5
#: Correlation needed without keypoints; correlation from which on a map is certain; and from which on one picture is
#: the whole of the other: then no keypoints are matched, a few of which may agree on a part of it.
_MIN_CORRELATION_BLIND, _CERTAIN, _IDENTICAL = 0.75, 0.95, 0.98
#: Long side, in pixels, at which the content of a box is compared.
_COARSE = 24
#: Standard deviation, in grey levels, below which an area is flat; and the largest difference of flat areas of one
#: colour.
_FLAT, _MAX_SHADE = 3.0, 32.0
#: The largest ratio of a version's two scales.
_MAX_STRETCH = 1.6


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """An affine map of pixels of one picture to pixels of another; `sure`: not only by faces that look alike."""

    matrix: Matrix
    sure: bool

    @property
    def quarters(self) -> int:
        """Quarter turns to the left after which the other picture is as upright as this one."""
        linear = self.matrix[:, :2] @ np.diag([np.sign(np.linalg.det(self.matrix[:, :2])), 1])
        return int(np.round(np.degrees(np.arctan2(linear[1, 0], linear[0, 0])) / 90)) % 4

    def rescaled(self, before: float, after: float) -> Transform:
        """The same map for pictures enlarged by these factors."""
        return Transform(np.column_stack([self.matrix[:, :2] * after / before, self.matrix[:, 2] * after]), self.sure)

    def point(self, point: Point) -> Point:
        """Where a point lies in the other picture."""
        x, y = (self.matrix @ np.array([*point, 1.0])).tolist()
        return x, y

    def box(self, box: Box) -> Box:
        """A box in the other picture: its centre mapped, its sides scaled, and swapped after a quarter turn."""
        x, y = self.point((box.x + box.w / 2, box.y + box.h / 2))
        scale = float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))
        sides = (box.w * scale, box.h * scale)
        w, h = sides[::-1] if self.quarters % 2 else sides
        return Box(x - w / 2, y - h / 2, w, h)


def register(before: RGB, after: RGB, hints: Sequence[tuple[Box, Box]] = ()) -> Transform | None:
    """The map from `before` to `after`; None unless `after` is an edited version of it.

    `hints`: boxes of `before` and `after` (pixels) that may show one face, for pictures with few keypoints.
    """
    one, two = _grey(before), _grey(after)
    sizes = before.shape[1] / one.shape[1], after.shape[1] / two.shape[1]
    soft = cv2.GaussianBlur(one, (0, 0), 2.0), cv2.GaussianBlur(two, (0, 0), 2.0)
    whole, best = _best_correlated(soft, list(_whole_image_maps(one, two)))
    if whole is not None and best >= _IDENTICAL:
        return Transform(whole, True).rescaled(*sizes)
    theirs = _keypoints(two)
    agreed, matrix = max((_ransac(one, theirs, mirrored) for mirrored in (False, True)), key=lambda pair: pair[0])
    if (
        agreed >= _MIN_INLIERS
        and matrix is not None
        and _is_plausible(matrix)
        and _correlation(*soft, matrix) >= _MIN_CORRELATION
    ):
        return Transform(matrix, True).rescaled(*sizes)
    pairs = [(mine.scaled(1 / sizes[0]), other.scaled(1 / sizes[1])) for mine, other in hints]
    candidates = [
        matrix for mine, other in pairs if _correlate_around(*soft, matrix := _box_to_box(mine, other), other)
    ]
    fitted, alike = _best_correlated(soft, candidates if whole is None else [whole, *candidates])
    return (
        Transform(fitted, alike >= _CERTAIN).rescaled(*sizes)
        if fitted is not None and alike >= _MIN_CORRELATION_BLIND
        else None
    )


def correlates_within(before: RGB, after: RGB, transform: Transform, box: Box) -> bool:
    """Whether `before`, mapped to `after`, correlates with it in a box of `after`: what was there is still there."""
    left, top, right, bottom = math.floor(box.x), math.floor(box.y), math.ceil(box.x + box.w), math.ceil(box.y + box.h)
    there = after[max(top, 0) : bottom, max(left, 0) : right]
    if not there.size:
        return False
    matrix = transform.matrix - np.array([[0, 0, max(left, 0)], [0, 0, max(top, 0)]])
    size = there.shape[1], there.shape[0]
    warped = cv2.warpAffine(np.ascontiguousarray(before), matrix, size, borderMode=cv2.BORDER_REPLICATE)
    one, two = (_shrunk(np.asarray(patch, np.uint8)) for patch in (warped, there))
    plain = one.std() < _FLAT, two.std() < _FLAT
    if any(plain):
        difference = np.abs(warped.mean(axis=(0, 1)) - there.mean(axis=(0, 1))).max()
        return all(plain) and bool(difference <= _MAX_SHADE)
    return _pearson(one, two) >= _MIN_CORRELATION


def _shrunk(patch: RGB) -> npt.NDArray[np.uint8]:
    """A patch in grey, reduced and blurred so that a small shift doesn't matter."""
    grey = cv2.cvtColor(np.ascontiguousarray(patch), cv2.COLOR_RGB2GRAY)
    factor = min(1.0, _COARSE / max(grey.shape))
    size = max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor))
    return np.asarray(cv2.GaussianBlur(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), (0, 0), 1.0), np.uint8)


def _best_correlated(soft: tuple[Any, Any], candidates: Sequence[Matrix]) -> tuple[Matrix | None, float]:
    """The plausible map under which blurred grey pictures correlate best, and how well; None if there is none."""
    alike = [(_correlation(*soft, matrix), number) for number, matrix in enumerate(candidates) if _is_plausible(matrix)]
    best, number = max(alike, default=(0.0, -1))
    return (candidates[number], best) if alike else (None, 0.0)


def _whole_image_maps(before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> Iterator[Matrix]:
    """The maps of the whole of one picture to the whole of the other: all eight turns and reflections that fit."""
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


def _box_to_box(mine: Box, theirs: Box) -> Matrix:
    """The scaling and shift that map one box to another."""
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
    points, descriptors = cv2.SIFT.create(nfeatures=1500, contrastThreshold=0.01).detectAndCompute(picture, None)
    return np.array([point.pt for point in points]).reshape(-1, 2), descriptors


def _ransac(before: npt.NDArray[np.uint8], after: Keypoints, mirrored: bool) -> tuple[int, Matrix | None]:
    """How many keypoints agree on a map from `before` (which is mirrored first if asked for), and the map."""
    points, descriptors = _keypoints(np.ascontiguousarray(before[:, ::-1]) if mirrored else before)
    others, other_descriptors = after
    if min(len(points), len(others)) < 2:
        return 0, None
    pairs = cv2.BFMatcher().knnMatch(descriptors, other_descriptors, k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < _RATIO * pair[1].distance]
    if len(good) < _MIN_INLIERS:
        return 0, None
    ours = points[[match.queryIdx for match in good]]
    theirs = others[[match.trainIdx for match in good]]
    if mirrored:
        ours[:, 0] = before.shape[1] - 1 - ours[:, 0]
    matrix: Matrix | None
    matrix, inliers = cv2.estimateAffine2D(ours, theirs, method=cv2.RANSAC, ransacReprojThreshold=_INLIER_DISTANCE)  # type: ignore[assignment]
    if matrix is None:
        return 0, None
    agreed = inliers.ravel() > 0
    return len(np.unique(np.round(theirs[agreed]), axis=0)), np.asarray(matrix, np.float64)


def _is_plausible(matrix: Matrix) -> bool:
    sizes = np.linalg.svd(matrix[:, :2], compute_uv=False)
    return bool(sizes[1] > 0.05 and sizes[0] < 20 and sizes[0] <= _MAX_STRETCH * sizes[1])


def _correlation(before: Any, after: Any, matrix: Matrix) -> float:
    """Correlation of blurred grey pictures where they overlap under a map, −1 to 1; 0 if less than a twentieth does."""
    warped, there = _overlap(before, after, matrix)
    return _pearson(warped[there], after[there]) if there.sum() >= 0.05 * there.size else 0.0


def _correlate_around(before: Any, after: Any, matrix: Matrix, face: Box) -> bool:
    """Whether two pictures correlate outside a face: inside, pictures of two people correlate as well."""
    warped, there = _overlap(before, after, matrix)
    margin = 0.25 * max(face.w, face.h)
    left, top = max(0, math.floor(face.x - margin)), max(0, math.floor(face.y - margin))
    there[top : math.ceil(face.y + face.h + margin), left : math.ceil(face.x + face.w + margin)] = False
    if not there.any():
        return True
    one, two = warped[there], after[there]
    plain = one.std() < _FLAT, two.std() < _FLAT
    return all(plain) if any(plain) else _pearson(one, two) >= _MIN_CORRELATION


def _overlap(before: Any, after: Any, matrix: Matrix) -> tuple[Any, npt.NDArray[np.bool_]]:
    """A picture mapped onto another one, and the mask of the pixels that it covers."""
    size = after.shape[1], after.shape[0]
    warped = cv2.warpAffine(before, matrix, size, flags=cv2.INTER_AREA)
    return warped, cv2.warpAffine(np.full_like(before, 255), matrix, size) > 254


def _pearson(one: Any, two: Any) -> float:
    one, two = one.astype(np.float64), two.astype(np.float64)
    one, two = one - one.mean(), two - two.mean()
    size_of = float(np.sqrt((one**2).sum() * (two**2).sum()))
    return float((one * two).sum()) / size_of if size_of > 0 else 0.0
