"""Files: the places where photos lie, and the states that each passes through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from phototag.display import path_text
from phototag.store.connect import Store
from phototag.store.moments import now
from phototag.store.photos import ANALYZED
from phototag.types import PhotoFile


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What the database knows of a file before it is opened again.

    `ctime_ns`: None where it was never noted. `analyzed`: by the current detector, and every face by the current
    embedder.
    """

    id: int
    size: int
    mtime_ns: int
    ctime_ns: int | None
    state: str
    attempts: int
    analyzed: bool

    def matches(self, file: PhotoFile) -> bool:
        """Whether a file on disk is, by size and times, what it was when it was last opened."""
        same = (file.size, file.mtime_ns) == (self.size, self.mtime_ns)
        return same and (self.ctime_ns is None or file.ctime_ns is None or file.ctime_ns == self.ctime_ns)


def known(store: Store, library: int, detector: int, embedder: int) -> dict[bytes, KnownFile]:
    """Every file of a library by its path."""
    return {
        path: KnownFile(*columns)
        for path, *columns in store.rows(
            f"""
            SELECT q.path, q.id, q.size, q.mtime_ns, q.ctime_ns, q.state, q.attempts, p.id IS NOT NULL AND {ANALYZED}
            FROM file q LEFT JOIN photo p ON p.id = q.photo
            WHERE q.library = :library
            """,
            library=library,
            detector=detector,
            embedder=embedder,
        )
    }


def mark_missing(store: Store, ids: Iterable[int]) -> None:
    """These files are gone from an online root; everything about their photos is kept."""
    with store.write():
        store.run_many(
            "UPDATE file SET state = 'missing', missing_since = ? WHERE id = ?", [(now(), number) for number in ids]
        )
        # Their photos were moved, or were one of several copies.
        store.run(
            """
            DELETE FROM file
            WHERE state = 'missing'
              AND EXISTS (SELECT 1 FROM file o WHERE o.photo = file.photo AND o.state <> 'missing')
            """
        )


def mark_found(store: Store, ids: Iterable[int]) -> None:
    """These missing files are back, unchanged."""
    with store.write():
        store.run_many(
            """
            UPDATE file SET state = CASE WHEN photo IS NULL THEN 'new' ELSE 'done' END, missing_since = NULL
            WHERE id = ?
            """,
            [(number,) for number in ids],
        )


def record_times(store: Store, files: Iterable[tuple[int, PhotoFile]]) -> None:
    """Note when the inodes of unchanged files last changed, where that was never noted."""
    with store.write():
        store.run_many("UPDATE file SET ctime_ns = ? WHERE id = ?", [(file.ctime_ns, number) for number, file in files])


def begin(store: Store, library: int, found: Sequence[PhotoFile]) -> list[int]:
    """Note that these files are about to be opened; returns their ids (inside a write transaction).

    A file that takes the whole run down with it keeps its attempt, and is tried last at the next one.
    """
    return [
        store.run(
            """
            INSERT INTO file (library, path, path_text, size, mtime_ns, ctime_ns, attempts)
            VALUES (:library, :path, :path_text, :size, :mtime_ns, :ctime_ns, 1)
            ON CONFLICT (library, path) DO UPDATE SET attempts = attempts + 1
            RETURNING id
            """,
            library=library,
            path=file.path,
            path_text=path_text(file.path),
            size=file.size,
            mtime_ns=file.mtime_ns,
            ctime_ns=file.ctime_ns,
        ).fetchone()[0]
        for file in found
    ]


def reset_attempts(store: Store, ids: Iterable[int]) -> None:
    """Take off the attempts of files that were not opened after all (inside a write transaction)."""
    store.run_many("UPDATE file SET attempts = max(attempts - 1, 0) WHERE id = ?", [(number,) for number in ids])


def finish(store: Store, number: int, file: PhotoFile, photo: int, *, version: bool = False) -> None:
    """The file holds this photo (inside the write transaction that stored its faces, if it is new).

    What was there before is remembered; `version`: the photo may be an edited version of that, because it was never
    seen anywhere else, or shows faces of it again.
    """
    if not _is_known(store, number, file):
        return
    _remember_former(store, number, photo, photo if version else None)
    _update(store, number, file, "done", photo)
    store.run(  # from where it was moved
        """
        DELETE FROM file
        WHERE photo = :photo AND state = 'missing'
          AND EXISTS (SELECT 1 FROM file o WHERE o.photo = file.photo AND o.state <> 'missing')
        """,
        photo=photo,
    )


def fail(store: Store, number: int, file: PhotoFile, *, quarantined: bool) -> None:
    """The file can't be used as it is on disk now: its content is unknown (inside a write transaction)."""
    if not _is_known(store, number, file):
        return
    _remember_former(store, number, None, None)
    _update(store, number, file, "quarantined" if quarantined else "failed", None)


def _update(store: Store, number: int, file: PhotoFile, state: str, photo: int | None) -> None:
    store.run(
        """
        UPDATE file
        SET state = :state, missing_since = NULL, attempts = 0, size = :size, mtime_ns = :mtime_ns,
            ctime_ns = :ctime_ns, photo = :photo
        WHERE id = :number
        """,
        number=number,
        state=state,
        size=file.size,
        mtime_ns=file.mtime_ns,
        ctime_ns=file.ctime_ns,
        photo=photo,
    )


def drop(store: Store, number: int, file: PhotoFile) -> None:
    """Drop the row of a file that turned out to be no photo; keep it if it once was (inside a write transaction)."""
    if not store.run(
        """
        DELETE FROM file
        WHERE id = :number AND photo IS NULL
          AND NOT EXISTS (SELECT 1 FROM former f WHERE f.library = file.library AND f.path = file.path)
        """,
        number=number,
    ).rowcount:
        fail(store, number, file, quarantined=False)


def _is_known(store: Store, number: int, file: PhotoFile) -> bool:
    """Whether a file is still known: it may have been forgotten while it was analyzed."""
    return (
        store.value("SELECT 1 FROM file WHERE id = :number AND path = :path", number=number, path=file.path) is not None
    )


def _remember_former(store: Store, number: int, photo: int | None, successor: int | None) -> None:
    """Remember the content that is no longer at a place, and what came there."""
    store.run(
        """
        INSERT INTO former (library, path, photo, successor, since)
        SELECT library, path, photo, :successor, :since
        FROM file
        WHERE id = :number AND photo IS NOT NULL AND photo IS NOT :photo
        """,
        number=number,
        photo=photo,
        successor=successor,
        since=now(),
    )
    if successor is not None:  # an unreadable file came between
        store.run(
            """
            UPDATE former SET successor = :successor
            WHERE successor IS NULL AND photo <> :successor
              AND id = (
                  SELECT max(o.id)
                  FROM former o JOIN file q ON q.library = o.library AND q.path = o.path
                  WHERE q.id = :number AND q.photo IS NULL
              )
            """,
            number=number,
            successor=successor,
        )


def predecessors(store: Store, number: int, most: int) -> list[int]:
    """The photo that a file holds, then those of which that is an edited version, the latest first, at most `most`.

    If what is there now can't be read: the last photo that it held.
    """
    return store.column(
        """
        WITH RECURSIVE back(photo, step) AS (
            SELECT
                coalesce(
                    q.photo,
                    (
                        SELECT o.photo FROM former o
                        WHERE o.library = q.library AND o.path = q.path
                        ORDER BY o.id DESC LIMIT 1
                    )
                ),
                0
            FROM file q WHERE q.id = :number
            UNION
            SELECT o.photo, b.step + 1
            FROM back b JOIN former o ON o.successor = b.photo
            WHERE b.step < :most
        )
        SELECT photo FROM back
        WHERE photo IS NOT NULL
        GROUP BY photo
        ORDER BY min(step), photo DESC
        LIMIT :most
        """,
        number=number,
        most=most,
    )


def counts(store: Store) -> dict[str, int]:
    """Files by state."""
    return dict(store.rows("SELECT state, count(*) FROM file GROUP BY state"))


def sample(store: Store, library: int, most: int) -> list[tuple[bytes, str]]:
    """Relative paths and SHA-256 of at most `most` files of a library, spread over it."""
    return list(
        store.rows(
            """
            SELECT path, sha256
            FROM (
                SELECT q.path, p.sha256, row_number() OVER (ORDER BY q.path) - 1 AS row, count(*) OVER () AS files
                FROM file q JOIN photo p ON p.id = q.photo
                WHERE q.library = :library AND q.state = 'done'
            )
            WHERE files <= :most OR row = 0 OR row * :most / files <> (row - 1) * :most / files
            LIMIT :most
            """,
            library=library,
            most=most,
        )
    )
