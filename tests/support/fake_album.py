"""An album in memory, with coloured squares for faces, and a strict reader of the pages made from it."""

from __future__ import annotations

import colorsys
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from html.parser import HTMLParser
from pathlib import Path

from PIL import Image

from phototag.report.album import (
    FaceEntry,
    GroupEntry,
    PersonEntry,
    PhotoEntry,
    ProblemEntry,
    ReliabilityEntry,
    Summary,
)
from phototag.types import Box

ROOT = b"/home/ada/Pictures"


@cache
def jpeg(hue: int, size: int = 24) -> bytes:
    """A square of one colour."""
    red, green, blue = (int(255 * part) for part in colorsys.hsv_to_rgb(hue / 12, 0.5, 0.8))
    file = io.BytesIO()
    Image.new("RGB", (size, size), (red, green, blue)).save(file, "JPEG")
    return file.getvalue()


@dataclass
class FakeAlbum:
    """`shots`: the photos in time order, undated last; all else is counted from them."""

    shots: list[PhotoEntry] = field(default_factory=list)
    troubles: list[ProblemEntry] = field(default_factory=list)
    title: str = "Our album"
    bins: tuple[ReliabilityEntry, ...] = ()
    names: dict[int, str] = field(default_factory=dict)

    def _faces(self) -> list[FaceEntry]:
        return [face for photo in self.shots for face in photo.faces]

    def summary(self) -> Summary:
        faces = self._faces()
        named = sum(face.person_id is not None for face in faces)
        return Summary(
            title=self.title,
            created_at="2024-05-04T10:00:00",
            photos=len(self.shots) + 7,
            faces=len(faces),
            people=len(self.people()),
            named_faces=named,
            unknown_groups=len({face.group for face in faces if face.group is not None}),
            unknown_faces=len(faces) - named,
            problems=len(self.troubles),
            version="0.1.0",
        )

    def people(self) -> Sequence[PersonEntry]:
        return self._people

    @cached_property
    def _people(self) -> list[PersonEntry]:
        theirs: dict[int, list[FaceEntry]] = {}
        for face in self._faces():
            if face.person_id is not None:
                theirs.setdefault(face.person_id, []).append(face)
        people = []
        for person_id, faces in theirs.items():
            times = sorted(face.taken_at for face in faces if face.taken_at)
            confirmed = sum(face.source == "human" for face in faces)
            ends = (times[0], times[-1]) if times else (None, None)
            name = faces[0].person or ""
            people.append(PersonEntry(person_id, name, len(faces), confirmed, faces[0].id, *ends))
        return sorted(people, key=lambda person: -person.faces)

    def faces_of(self, person_id: int) -> Iterable[FaceEntry]:
        return (face for face in self._faces() if face.person_id == person_id)

    def together(self, person_id: int) -> Sequence[tuple[PersonEntry, int]]:
        there: Counter[int] = Counter()
        for photo in self.shots:
            on_it = {face.person_id for face in photo.faces if face.person_id is not None}
            if person_id in on_it:
                there.update(on_it - {person_id})
        people = {person.id: person for person in self.people()}
        return [(people[other], photos) for other, photos in there.most_common()]

    def groups(self) -> Iterable[GroupEntry]:
        grouped: dict[int, list[FaceEntry]] = {}
        for face in self._faces():
            if face.group is not None:
                grouped.setdefault(face.group, []).append(face)
        for number, faces in sorted(grouped.items(), key=lambda pair: -len(pair[1])):
            yield GroupEntry(number, faces)

    def photos(self) -> Iterator[PhotoEntry]:
        return iter(self.shots)

    def problems(self) -> Iterable[ProblemEntry]:
        return iter(sorted(self.troubles, key=lambda problem: problem.code))

    def reliability(self) -> tuple[ReliabilityEntry, ...]:
        return self.bins

    def crop(self, face_id: int) -> bytes | None:
        return jpeg(face_id % 12)

    def preview(self, photo_id: int) -> bytes | None:
        return jpeg(photo_id % 12, 60)


def face(
    id: int,
    photo_id: int,
    name: str | None = None,
    *,
    person: int | None = None,
    probability: float | None = None,
    taken_at: str | None = None,
    group: int | None = None,
    box: Box | None = None,
) -> FaceEntry:
    """A face; with a probability the machine named it, with a name alone a human did."""
    source = None if name is None else "human" if probability is None else "machine"
    person_id = None if name is None else person or 1
    box = box or Box(30, 40, 20, 20)
    return FaceEntry(id, photo_id, person_id, name, source, probability, box, taken_at, group)  # type: ignore[arg-type]


def photo(id: int, faces: Iterable[FaceEntry], path: bytes = b"2019/a.jpg", taken_at: str | None = None) -> PhotoEntry:
    """A photo of 200 × 100 pixels."""
    return PhotoEntry(id, path, ROOT, 200, 100, taken_at, tuple(faces))


def family() -> FakeAlbum:
    """Three people over three years, two unknown groups, a lone unknown face, problems of two kinds."""
    shots = []
    for number in range(1, 31):
        when = f"{2017 + number // 11}-{1 + number % 12:02d}-03T10:00:00" if number < 28 else None
        first = number * 10
        faces = [face(first, number, "Ada Lovelace", person=1, taken_at=when)]
        if number % 2:
            faces.append(face(first + 1, number, "Ben", person=2, probability=0.934, taken_at=when))
        if number % 5 == 0:
            faces.append(face(first + 2, number, "Zoë", person=3, probability=0.61, taken_at=when))
        if number % 3 == 0:
            faces.append(face(first + 3, number, taken_at=when, group=12 if number % 2 else 4))
        if number == 7:
            faces.append(face(first + 4, number, taken_at=when))
        shots.append(photo(number, faces, b"trip/IMG_%04d.jpg" % number, when))
    shots.sort(key=lambda shot: (shot.taken_at is None, shot.taken_at or ""))
    troubles = [ProblemEntry(b"bad/%d.jpg" % n, ROOT, "decode", "truncated", "it ends early", 1) for n in range(8)]
    troubles.append(ProblemEntry(b"notes.jpg", ROOT, "decode", "unknown", "no picture", 3))
    bins = (ReliabilityEntry(900, 0.01, 0.02), ReliabilityEntry(40, 0.55, 0.5), ReliabilityEntry(800, 0.99, 0.98))
    return FakeAlbum(shots, troubles, bins=bins)


_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Page(HTMLParser):
    """A page read strictly: every tag closed in its order; AssertionError otherwise."""

    def __init__(self, file: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.file = file
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.source = file.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert not self._open, f"{file}: {self._open} never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        assert len(named) == len(attrs), f"{self.file}: doubled attribute in <{tag}>"
        self.tags.append((tag, named))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"{self.file}: </{tag}> closes nothing"
        assert self._open.pop() == tag, f"{self.file}: </{tag}> out of order"

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def words(self) -> str:
        """The visible text, white space single."""
        return " ".join(self.text.split())

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """Attributes of the elements `tag`; `class_="face"`: those with that class among theirs."""
        return [
            attrs
            for name, attrs in self.tags
            if name == tag and all(value in (attrs.get(key.rstrip("_")) or "").split() for key, value in wanted.items())
        ]

    @property
    def links(self) -> list[str]:
        """Everything that the page refers to."""
        keys = ("href", "src", "xlink:href", "action", "srcset", "poster", "data", "formaction")
        return [value or "" for _, attrs in self.tags for key, value in attrs.items() if key in keys]


def pages(report: Path) -> list[Page]:
    """All pages of a report."""
    return [Page(file) for file in sorted(report.rglob("*.html"))]
