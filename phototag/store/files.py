"""Files: the places where photos lie, and the states that each passes through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from phototag.display import path_text
from phototag.store.connect import Store
from phototag.store.photos import SEEN
from phototag.types import PhotoFile


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of a file before it is opened again.

    `ctime_ns`: None where nobody noted it yet. `seen`: by the current detector, and every face by the current embedder.
    """

    id: int
    size: int
    mtime_ns: int
    ctime_ns: int | None
    state: str
    attempts: int
    seen: bool

    def matches(self, file: PhotoFile) -> bool:
        """Whether a file on disk is, by size and times, what it was when it was last opened."""
        same = (file.size, file.mtime_ns) == (self.size, self.mtime_ns)
        return same and (self.ctime_ns is None or file.ctime_ns is None or file.ctime_ns == self.ctime_ns)


#: A missing file whose photo has a file elsewhere: it was moved there, or was one of several copies.
_ELSEWHERE = "state = 'missing' AND EXISTS (SELECT 1 FROM file o WHERE o.photo = file.photo AND o.state <> 'missing')"


def known(store: Store, library: int, detector: int, embedder: int) -> dict[bytes, Known]:
    """Every file of a library by its path."""
    return {
        row[0]: Known(*row[1:])
        for row in store.rows(
            "SELECT q.path, q.id, q.size, q.mtime_ns, q.ctime_ns, q.state, q.attempts,"
            f" p.id IS NOT NULL AND {SEEN} FROM file q LEFT JOIN photo p ON p.id = q.photo WHERE q.library = ?",
            (detector, embedder, library),
        )
    }


def mark_missing(store: Store, ids: Iterable[int]) -> None:
    """These files are gone from an online root; everything about their photos is kept."""
    with store.write():
        store.connection.executemany(
            "UPDATE file SET state = 'missing', missing_since = ? WHERE id = ?", [(_now(), number) for number in ids]
        )
        store.run(f"DELETE FROM file WHERE {_ELSEWHERE}")


def mark_found(store: Store, ids: Iterable[int]) -> None:
    """These missing files are back, unchanged."""
    with store.write():
        store.connection.executemany(
            "UPDATE file SET state = CASE WHEN photo IS NULL THEN 'new' ELSE 'done' END, missing_since = NULL"
            " WHERE id = ?",
            [(i,) for i in ids],
        )


def record_times(store: Store, files: Iterable[tuple[int, PhotoFile]]) -> None:
    """Note when the inodes of unchanged files last changed, where nobody did yet."""
    with store.write():
        store.connection.executemany(
            "UPDATE file SET ctime_ns = ? WHERE id = ?", [(file.ctime_ns, number) for number, file in files]
        )


def begin(store: Store, library: int, found: Sequence[PhotoFile]) -> list[int]:
    """Note, before they are opened, that these files will be; returns their ids (inside a write transaction).

    A file that takes the whole run down with it keeps its attempt, and is tried last at the next one.
    """
    return [
        store.run(
            "INSERT INTO file (library, path, path_text, size, mtime_ns, ctime_ns, attempts)"
            " VALUES (?, ?, ?, ?, ?, ?, 1)"
            " ON CONFLICT (library, path) DO UPDATE SET attempts = attempts + 1 RETURNING id",
            (library, file.path, path_text(file.path), file.size, file.mtime_ns, file.ctime_ns),
        ).fetchone()[0]
        for file in found
    ]


def reset_attempts(store: Store, ids: Iterable[int]) -> None:
    """Take off the attempts of files that were not opened after all (inside a write transaction)."""
    store.connection.executemany("UPDATE file SET attempts = max(attempts - 1, 0) WHERE id = ?", [(i,) for i in ids])


def finish(store: Store, number: int, file: PhotoFile, photo: int, *, version: bool = False) -> None:
    """The file holds this photo (inside the write transaction that stored its faces, if it is new).

    What was there before is remembered; `version`: the photo may be an edited version of that, as it was never seen
    anywhere else, or shows faces of it again.
    """
    if not _is_there(store, number, file):
        return
    _leave(store, number, photo, photo if version else None)
    store.run(
        "UPDATE file SET state = 'done', missing_since = NULL, attempts = 0, size = ?, mtime_ns = ?, ctime_ns = ?,"
        " photo = ? WHERE id = ?",
        (file.size, file.mtime_ns, file.ctime_ns, photo, number),
    )
    store.run(f"DELETE FROM file WHERE photo = ? AND {_ELSEWHERE}", (photo,))


def fail(store: Store, number: int, file: PhotoFile, *, quarantined: bool) -> None:
    """The file can't be used as it is on disk now: its content is unknown (inside a write transaction)."""
    if not _is_there(store, number, file):
        return
    _leave(store, number, None, None)
    store.run(
        "UPDATE file SET state = ?, missing_since = NULL, attempts = 0, size = ?, mtime_ns = ?, ctime_ns = ?,"
        " photo = NULL WHERE id = ?",
        ("quarantined" if quarantined else "failed", file.size, file.mtime_ns, file.ctime_ns, number),
    )


def drop(store: Store, number: int, file: PhotoFile) -> None:
    """Drop the row of a file that turned out to be no photo; keep it if it once was (inside a write transaction)."""
    if not store.run(
        "DELETE FROM file WHERE id = ? AND photo IS NULL AND NOT EXISTS (SELECT 1 FROM former f"
        " WHERE f.library = file.library AND f.path = file.path)",
        (number,),
    ).rowcount:
        fail(store, number, file, quarantined=False)


def _is_there(store: Store, number: int, file: PhotoFile) -> bool:
    """Whether a place is still known: it may have been forgotten while its file was looked at."""
    return store.value("SELECT 1 FROM file WHERE id = ? AND path = ?", (number, file.path)) is not None


def _leave(store: Store, number: int, photo: int | None, successor: int | None) -> None:
    """Remember what content is no longer at a place, and what came there."""
    store.run(
        "INSERT INTO former (library, path, photo, successor, since)"
        " SELECT library, path, photo, ?, ? FROM file WHERE id = ? AND photo IS NOT NULL AND photo IS NOT ?",
        (successor, _now(), number, photo),
    )
    if successor is not None:  # an unreadable file came between
        store.run(
            "UPDATE former SET successor = ? WHERE successor IS NULL AND photo <> ? AND id = (SELECT max(o.id)"
            " FROM former o JOIN file q ON q.library = o.library AND q.path = o.path"
            " WHERE q.id = ? AND q.photo IS NULL)",
            (successor, successor, number),
        )


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def predecessors(store: Store, number: int, most: int) -> list[int]:
    """The photo that a file holds (the last one that it held, if what is there now can't be read), then those of which
    that is a version, the latest first."""
    return [
        row[0]
        for row in store.rows(
            "WITH RECURSIVE back(photo, step) AS (SELECT coalesce(q.photo, (SELECT o.photo FROM former o WHERE"
            " o.library = q.library AND o.path = q.path ORDER BY o.id DESC LIMIT 1)), 0 FROM file q WHERE q.id = ?"
            " UNION SELECT o.photo, b.step + 1 FROM back b JOIN former o ON o.successor = b.photo WHERE b.step < ?)"
            " SELECT photo FROM back WHERE photo IS NOT NULL GROUP BY photo ORDER BY min(step), photo DESC LIMIT ?",
            (number, most, most),
        )
    ]


def counts(store: Store) -> dict[str, int]:
    """Files by state."""
    return dict(store.rows("SELECT state, count(*) FROM file GROUP BY state"))


def sample(store: Store, library: int, most: int) -> list[tuple[bytes, str]]:
    """Relative paths and contents of so many files of a library, spread over it."""
    return list(
        store.rows(
            "SELECT path, sha256 FROM (SELECT q.path, p.sha256, row_number() OVER (ORDER BY q.path) - 1 AS row,"
            " count(*) OVER () AS every FROM file q JOIN photo p ON p.id = q.photo"
            " WHERE q.library = ? AND q.state = 'done')"
            " WHERE every <= ? OR row * ? / every <> (row - 1) * ? / every OR row = 0 LIMIT ?",
            (library, most, most, most, most),
        )
    )
