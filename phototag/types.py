"""The frozen values that the parts of the package exchange; they depend on no file, SQL or network.

Coordinates: boxes and landmarks of stored faces are in *upright pixels* of the full-size photo
(EXIF orientation applied, origin top left, x right, y down). Inside an engine they are pixels of
the array that the engine was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

RGB: TypeAlias = npt.NDArray[np.uint8]  #: (height, width, 3), sRGB
Chips: TypeAlias = npt.NDArray[np.uint8]  #: (n, size, size, 3)
Vectors: TypeAlias = npt.NDArray[np.float32]  #: (n, dim)
Point: TypeAlias = tuple[float, float]
#: Where networks run. `auto`: on a GPU where onnxruntime or dlib finds one; TensorFlow is asked only for `gpu`.
Device: TypeAlias = Literal["auto", "cpu", "gpu"]


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle: left, top, width and height in pixels."""

    x: float
    y: float
    w: float
    h: float

    def iou(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        across = min(self.x + self.w, other.x + other.w) - max(self.x, other.x)
        down = min(self.y + self.h, other.y + other.h) - max(self.y, other.y)
        if across <= 0 or down <= 0:
            return 0.0
        both = across * down
        return both / (self.w * self.h + other.w * other.h - both)

    def scaled(self, factor: float) -> Box:
        """The rectangle in an image `factor` times as large."""
        return Box(self.x * factor, self.y * factor, self.w * factor, self.h * factor)

    def moved(self, right: float, down: float) -> Box:
        """The rectangle, moved by so many pixels."""
        return Box(self.x + right, self.y + down, self.w, self.h)

    def within(self, width: float, height: float) -> Box | None:
        """The part of the rectangle inside an image of this size; None if it lies outside."""
        left, top = max(self.x, 0.0), max(self.y, 0.0)
        right, bottom = min(self.x + self.w, width), min(self.y + self.h, height)
        return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None

    def turned(self, quarters: int, width: float, height: float) -> Box:
        """The rectangle after its image (`width` × `height` before) is rotated left by quarter turns."""
        one = turned((self.x, self.y), quarters, width, height)
        other = turned((self.x + self.w, self.y + self.h), quarters, width, height)
        left, top = min(one[0], other[0]), min(one[1], other[1])
        return Box(left, top, abs(one[0] - other[0]), abs(one[1] - other[1]))


def turned(point: Point, quarters: int, width: float, height: float) -> Point:
    """The point after its image (`width` × `height` before) is rotated left by quarter turns, as by `np.rot90`."""
    x, y = point
    for _ in range(quarters % 4):
        x, y, width, height = y, width - x, height, width
    return x, y


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A regular file found on a walk; `path` is relative to the library root, as bytes.

    `ctime_ns`: when its inode last changed, which an edit that keeps the modification time can't hide.
    """

    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """Upright pixels of a photo, perhaps scaled down.

    `scale`: at most 1; a full-size coordinate times `scale` is a coordinate in `rgb`.
    """

    rgb: RGB
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPhoto:
    """Everything that reading a photo file yields.

    `width`, `height`: upright full size. `taken_at`: ISO 8601 local time (`2019-07-14T18:03:22`) or None.
    `image`: the pixels to analyze. `notes`: harmless faults such as `corrupt EXIF ignored`.
    """

    sha256: str
    width: int
    height: int
    taken_at: str | None
    image: Image
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Detection:
    """One face found by a detector.

    `landmarks`: left eye, right eye, nose tip, left and right mouth corner (left and right in the image);
    empty if the detector gives none. `score`: 0 to 1.
    """

    box: Box
    score: float
    landmarks: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What distances mean in one embedding space (L2 between the embedder's vectors).

    `same`: two faces closer than this are taken for one person (verification). `join`, `split`: the root
    mean square distance within which two faces, or two large groups, are made one group. `midpoint`,
    `slope`: P(same person | d) = 1 / (1 + exp(slope · (d − midpoint))) for a pair, at even prior odds.
    """

    same: float
    split: float
    join: float
    midpoint: float
    slope: float


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The identity of a detector or embedder. Faces and vectors of engines with different identities are never mixed.

    `parameters`: sorted (name, value) pairs that change the results. For embedders: `dim` of the
    vectors, `chip_size` in pixels, `alignment` (a name known to `imaging.align`), `thresholds`.
    """

    kind: Literal["detector", "embedder"]
    name: str
    weights_sha256: str
    parameters: tuple[tuple[str, str], ...] = ()
    dim: int = 0
    chip_size: int = 0
    alignment: str = ""
    thresholds: Thresholds | None = None


class Detector(Protocol):
    """Finds faces. Boxes lie inside the image; results don't depend on the batch."""

    @property
    def info(self) -> EngineInfo: ...

    def detect(self, images: Sequence[RGB]) -> list[list[Detection]]:
        """Faces of each image, best score first."""
        ...


class Embedder(Protocol):
    """Turns aligned chips into unit vectors; results don't depend on the batch."""

    @property
    def info(self) -> EngineInfo: ...

    def embed(self, chips: Chips) -> Vectors:
        """One L2-normalised vector for each chip; shape (0, dim) for no chips."""
        ...


@dataclass(frozen=True, slots=True)
class Face:
    """A stored face. `quality`: 0 (useless) to 1, from size, sharpness, pose and score."""

    id: int
    photo_id: int
    box: Box
    score: float
    quality: float


@dataclass(frozen=True, slots=True, eq=False)
class NewFace:
    """A face ready to be stored, with its crop (`jpeg`) and embedding (`vector`).

    `region`: the square of the photo that the crop shows. `turn`: quarter turns to the left by which the crop is
    rotated, so that the face is upright. `subject`: the same face on an earlier version of the photo. `found`: False
    for a face that no detector found, but that is kept because of an answer.
    """

    box: Box
    landmarks: tuple[Point, ...]
    score: float
    quality: float
    jpeg: bytes
    region: Box
    vector: Vectors
    turn: int = 0
    subject: int | None = None
    found: bool = True

    @property
    def crop(self) -> StoredCrop:
        """The crop, as the database stores it."""
        return StoredCrop(self.jpeg, self.region, self.box, self.landmarks, self.turn)


@dataclass(frozen=True, slots=True, eq=False)
class StoredCrop:
    """The crop of a face as JPEG: `region` is the square that it shows, `box` and `landmarks` the face, in the photo's
    pixels.

    `turn`: quarter turns to the left by which the crop is rotated.
    """

    jpeg: bytes
    region: Box
    box: Box
    landmarks: tuple[Point, ...]
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """A group of unknown faces, `face_ids` from the most central outwards."""

    number: int
    face_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the user named."""

    id: int
    name: str
    hidden: bool = False


#: What a decision says about faces (`a-face`: one that no detector found), people, or an earlier answer (`undo`).
Verb: TypeAlias = Literal[
    "is", "is-not", "same", "different", "a-face", "not-a-face", "dont-care",
    "rename", "merge", "split", "hide", "show", "undo",
]  # fmt: skip
Origin: TypeAlias = Literal["typed", "folder", "imported", "reviewed"]


@dataclass(frozen=True, slots=True)
class Guess:
    """The most probable person for a face; `person_id` is None if that isn't sure enough for a tag.

    `probability`: that the person is right, 0 to 1. `distance`: to their nearest labelled face. `neighbours`: (id,
    distance) of their nearest labelled faces, as evidence.
    """

    face_id: int
    person_id: int | None
    probability: float
    distance: float
    neighbours: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one file (path relative to its root) could not be used, at which stage."""

    path: bytes
    stage: str
    code: str
    message: str
