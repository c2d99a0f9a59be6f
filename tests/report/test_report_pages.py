"""What the pages of a report say, and that every one is whole, bounded and linked."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from phototag.progress import Silent
from phototag.report.album import PhotoEntry, ProblemEntry
from phototag.report.publish import publish_album
from phototag.types import Box
from tests.support.fake_album import ROOT, FakeAlbum, Page, face, family, pages, photo


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_album(family(), tmp_path_factory.mktemp("family") / "report", Silent()).parent


def check_links(report: Path) -> list[Page]:
    """All pages, each link of which leads to a file, and to an element if it names one."""
    read = {page.file: page for page in pages(report)}
    files = {str(file) for file in report.rglob("*") if file.is_file()}
    for page in read.values():
        originals = {attrs["href"] for attrs in page.all("a", class_="path")}
        for link in page.links:
            if link in originals:
                continue
            target, anchor = urldefrag(link)
            file = os.path.normpath(page.file.parent / unquote(target)) if target else str(page.file)
            assert file in files, f"{page.file}: {link} leads nowhere"
            if anchor:
                ids = [attrs.get("id") for _, attrs in read[Path(file)].tags]
                assert ids.count(anchor) == 1, f"{page.file}: no {anchor} on {file}"
    return list(read.values())


def test_every_page_is_whole_and_every_link_leads_somewhere(report: Path) -> None:
    read = check_links(report)
    assert len(read) == len(list(report.rglob("*.html"))) > 40
    for page in read:
        assert page.source.startswith("<!doctype html>")
        assert len(page.all("h1")) == 1
        assert all("alt" in image for image in page.all("img"))
        ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
        assert len(ids) == len(set(ids)), page.file


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(report: Path) -> None:
    for page in pages(report):
        policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
        assert policy is not None
        assert "default-src 'none'" in policy
        assert "script-src 'none'" in policy
        assert "unsafe" not in policy
        assert not page.all("style") and not page.all("script")
        assert not any("style" in attrs for _, attrs in page.tags)
        assert not any(":" in link or link.startswith(("/", "\\")) for link in page.links)
    style = (report / "assets/style.css").read_text()
    assert "url(" not in style and "@import" not in style
    assert "prefers-color-scheme: dark" in style


def test_home_tells_the_figures(report: Path) -> None:
    home = Page(report / "index.html")
    for figure in ("photos37", "faces62", "people3", "faces with a name51", "unknown faces11"):
        assert figure in home.words
    assert home.words.index("Ada Lovelace") < home.words.index("Ben") < home.words.index("Zoë")
    assert 'phototag name 12 "Name"' in home.words


def test_home_shows_the_latest_dated_photos_latest_first(report: Path) -> None:
    latest = [shot.id for shot in family().shots if shot.taken_at][:-13:-1]
    section = Page(report / "index.html").source.split("Latest photos")[1]
    assert [int(number) for number in re.findall(r"photos/000/(\d+)\.html", section)] == latest


def test_a_person_page_tells_who_said_so(report: Path) -> None:
    ada = Page(report / "people/000/000001.html")
    assert "30 faces · 2017 – 2019" in ada.words
    assert "✓ 30 confirmed" in ada.words and "recognised" not in ada.words
    assert "Ben 15 photos" in ada.words and "Zoë 6 photos" in ada.words
    assert ada.words.index("Ben 15 photos") < ada.words.index("Zoë 6 photos")
    assert len(ada.all("a", class_="face")) == len(ada.all("a", class_="human")) == 30
    assert [a["href"] for a in ada.all("a") if "#year" in (a["href"] or "")] == [
        f"../../people/000/000001.html#year-{year}" for year in ("2017", "2018", "2019", "undated")
    ]
    ben = Page(report / "people/000/000002.html")
    assert "≈ 15 recognised" in ben.words and "confirmed" not in ben.words
    assert ben.words.count("≈ 93 %") == len(ben.all("a", class_="machine")) == 15


def test_faces_are_in_time_order_undated_last(report: Path) -> None:
    ada = Page(report / "people/000/000001.html")
    shown = [int((a["href"] or "")[-11:-5]) for a in ada.all("a", class_="face")]
    assert shown == [shot.id for shot in family().shots]


def test_a_photo_page_marks_each_face_by_more_than_colour(tmp_path: Path) -> None:
    faces = [
        face(1, 5, "Ada Lovelace", person=1, box=Box(20, 25, 40, 50)),
        face(2, 5, "Ben", person=2, probability=0.934, box=Box(100, 40, 20, 20)),
        face(3, 5, group=12, box=Box(150, 40, 20, 20)),
        face(4, 5, box=Box(180, 80, 10, 10)),
    ]
    album = FakeAlbum([photo(5, faces, b"sub dir/caf\xe9?.jpg", "2019-07-14T18:03:22")])
    out = tmp_path / "report"
    publish_album(album, out, Silent())
    page = Page(out / "photos/000/000005.html")
    boxes = [(rect["x"], rect["y"], rect["width"], rect["height"]) for rect in page.all("rect")]
    assert boxes[0] == ("10.00%", "25.00%", "20.00%", "50.00%")
    assert len(boxes) == 4
    labels = page.source.split("<svg")[1]
    assert "✓ Ada Lovelace" in labels and "≈ Ben <tspan>93 %</tspan>" in labels and labels.count(">?</text>") == 2
    marks = [attrs for tag, attrs in page.tags if "mark" in (attrs.get("class") or "").split()]
    assert [mark["class"] for mark in marks] == ["mark human", "mark machine", "mark unknown", "mark unknown"]
    assert [mark.get("href") for mark in marks] == [
        "../../people/000/000001.html",
        "../../people/000/000002.html",
        "../../unknown/000/000012.html",
        None,
    ]
    assert "14 July 2019, 18:03" in page.words
    assert "Pictures/sub dir/caf\\xe9?.jpg" in page.words
    (original,) = (a["href"] for a in page.all("a", class_="path"))
    assert original is not None and original.startswith("./..") and original.endswith("/sub%20dir/caf%E9%3F.jpg")
    (picture,) = (image["alt"] for image in page.all("img") if image.get("width") == "200")
    assert picture == "Photo of Ada Lovelace, Ben and 2 unknown faces, 14 July 2019"


def test_the_original_is_where_the_link_leads(tmp_path: Path) -> None:
    library = tmp_path / "my pictures"
    (library / "a").mkdir(parents=True)
    (library / "a" / "x#1%.jpg").write_bytes(b"the original")
    shot = replace(photo(5, [face(1, 5, "Ada")], b"a/x#1%.jpg"), root=bytes(library))
    publish_album(FakeAlbum([shot]), tmp_path / "deep/er/report", Silent())
    page = Page(tmp_path / "deep/er/report/photos/000/000005.html")
    (original,) = (a["href"] for a in page.all("a", class_="path"))
    assert (page.file.parent / unquote(original or "")).read_bytes() == b"the original"


def test_previous_and_next_walk_through_all_photos(report: Path) -> None:
    shots = family().shots
    page = Page(report / f"photos/000/{shots[0].id:06d}.html")
    seen = []
    while True:
        seen.append(int(page.file.stem))
        onward = page.all("a", rel="next")
        if not onward:
            break
        page = Page((page.file.parent / (onward[0]["href"] or "")).resolve())
    assert seen == [shot.id for shot in shots]


def test_unknown_groups_keep_their_order_with_their_command(report: Path) -> None:
    page = Page(report / "unknown/index.html")
    assert page.words.index("Group 12 5 faces") > 0 and page.words.index("Group 4 5 faces") > 0
    assert page.words.count('phototag name 12 "Name"') == 1
    assert 'phototag name 4 "Name"' in Page(report / "unknown/000/000004.html").words


def test_problems_are_grouped_by_code_most_frequent_first(report: Path) -> None:
    page = Page(report / "problems/index.html")
    assert page.words.index("truncated 8 files") < page.words.index("unknown 1 file")
    assert "Pictures/notes.jpg no picture · in 3 runs" in page.words
    assert page.words.count("it ends early") == 5
    assert Page(report / "problems/kind-1.html").words.count("it ends early") == 8


def test_people_by_name_stand_under_their_letters(tmp_path: Path) -> None:
    names = ["zoe", "Ärpad", "Adam", "Øyvind", "42nd Street"]
    shots = [photo(n, [face(n, n, name, person=n)]) for n, name in enumerate(names, 1)]
    publish_album(FakeAlbum(shots), tmp_path / "report", Silent())
    page = Page(tmp_path / "report/people/by-name.html")
    listed = page.words.split("A–Z")[1]
    order = ["Adam", "Ärpad", "zoe", "Øyvind", "42nd Street"]
    assert [listed.index(name) for name in order] == sorted(listed.index(name) for name in order)
    assert len([a for a in page.all("a") if "#letter" in (a["href"] or "")]) == 4


def test_an_empty_album_says_what_to_do(tmp_path: Path) -> None:
    publish_album(FakeAlbum(), tmp_path / "report", Silent())
    check_links(tmp_path / "report")
    assert "phototag run FOLDER" in Page(tmp_path / "report/index.html").words
    assert "phototag name" in Page(tmp_path / "report/people/index.html").words
    assert "every photo could be read" in Page(tmp_path / "report/problems/index.html").words


class WithoutPictures(FakeAlbum):
    """Neither crops nor previews were kept."""

    def crop(self, face_id: int) -> None:
        return None

    def preview(self, photo_id: int) -> None:
        return None


def test_pictures_that_were_not_kept_are_not_linked(tmp_path: Path) -> None:
    publish_album(WithoutPictures(family().shots), tmp_path / "report", Silent())
    check_links(tmp_path / "report")
    assert not list(tmp_path.rglob("*.jpg"))


def crowd() -> FakeAlbum:
    """5,000 faces of one person with the longest name, 250 further people, 45 groups, 450 problems."""
    shots = []
    for number in range(1, 26):
        faces = [
            face(number * 1000 + n, number, "W" * 200, person=1, probability=0.5, taken_at="2019-01-01T00:00:00")
            for n in range(200)
        ]
        shots.append(photo(number, faces, b"x" * 250, "2019-01-01T00:00:00"))
    many = [face(500_000 + n, 101, f"Person {n}", person=n + 10) for n in range(250)]
    shots.append(photo(101, many, taken_at="2019-01-02T00:00:00"))
    for number in range(102, 222):
        unknown = [face(number * 1000 + n, number, group=number % 45 + 1) for n in range(5)]
        shots.append(photo(number, unknown))
    troubles = [
        ProblemEntry(b"\xff" * (4000 if n < 20 else 9), ROOT, "decode", "c" * 900, "m" * 9000, 1) for n in range(450)
    ]
    return FakeAlbum(shots, troubles)


def test_pages_are_bounded(tmp_path: Path) -> None:
    out = tmp_path / "report"
    publish_album(crowd(), out, Silent())
    for page in check_links(out):
        assert page.file.stat().st_size < 2_000_000
        assert len(page.all("a", class_="face")) <= 200
        assert len(page.all("rect")) <= 200
        for grid in ("people", "photos"):
            for part in page.source.split(f'<ul class="{grid}">')[1:]:
                assert part.split("</ul>")[0].count("<li>") <= 100
    assert len(list(out.glob("people/000/000001*.html"))) == 25
    assert len(list(out.glob("people/index*.html"))) == 3
    assert len(list(out.glob("unknown/index*.html"))) == 3
    assert len(list(out.glob("photos/undated*.html"))) == 2
    assert len(list(out.glob("problems/kind-1*.html"))) == 3
    last = Page(out / "people/000/000001-25.html")
    assert [a["href"] for a in last.all("a", rel="prev")] == ["../../people/000/000001-24.html"]
    assert not last.all("a", rel="next")


class Streamed(FakeAlbum):
    """Watches, from inside the stream, that pages are written as it goes and photos are let go."""

    parent: Path
    ended = False

    def photos(self) -> Iterator[PhotoEntry]:
        for number in range(1, 601):
            if number > 2:
                (written,) = self.parent.glob(f".phototag-new-*/photos/000/{number - 2:06d}.html")
                assert written.stat().st_size
            yield photo(number, [face(number, number, "Ada")], b"streamed.jpg", "2019-01-01T00:00:00")
        gc.collect()  # Jinja's contexts are cycles, which may wait long to be freed
        alive = sum(isinstance(thing, PhotoEntry) and thing.path == b"streamed.jpg" for thing in gc.get_objects())
        assert alive < 150, f"{alive} photos held"
        self.ended = True


def test_photos_stream(tmp_path: Path) -> None:
    album = Streamed()
    album.parent = tmp_path
    publish_album(album, tmp_path / "report", Silent())
    assert album.ended
    assert len(list((tmp_path / "report").glob("photos/000/*.html"))) == 600


class Steps(Silent):
    """Adds up progress."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int | None]] = []
        self.steps = 0
        self.finished = 0

    def start(self, job: str, total: int | None) -> None:
        self.said.append((job, total))

    def advance(self, steps: int = 1) -> None:
        self.steps += steps

    def finish(self) -> None:
        self.finished += 1


def test_progress_counts_faces(tmp_path: Path) -> None:
    steps = Steps()
    publish_album(family(), tmp_path / "report", steps)
    assert steps.said == [("report", 62)]
    assert steps.steps == 62
    assert steps.finished == 1


def test_how_sure_the_names_are(report: Path, tmp_path: Path) -> None:
    page = Page(report / "people/how-sure.html")
    dots = [(float(dot["cx"] or 0), float(dot["cy"] or 0), float(dot["r"] or 0)) for dot in page.all("circle")]
    assert [(x, y) for x, y, _ in dots] == [(3.2, 313.6), (176.0, 160.0), (316.8, 6.4)]
    assert dots[0][2] > dots[2][2] > dots[1][2]
    assert "<td>98 %</td><td>800</td>" in page.source
    assert not page.all("script")
    assert "how-sure.html" in " ".join(Page(report / "people/index.html").links)
    publish_album(FakeAlbum(), tmp_path / "new", Silent())  # nothing was measured
    assert not (tmp_path / "new/people/how-sure.html").exists()
