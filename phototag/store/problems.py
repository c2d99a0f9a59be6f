"""Files that could not be used, and why."""

from __future__ import annotations

from collections.abc import Iterator

from phototag.display import path_text
from phototag.store.connect import Store
from phototag.store.moments import now
from phototag.types import Problem


def record(store: Store, library: int, problem: Problem) -> None:
    """Note a problem, or that it is still there (inside a write transaction)."""
    store.run(
        """
        INSERT INTO problem (library, path, path_text, stage, code, message, at)
        VALUES (:library, :path, :path_text, :stage, :code, :message, :at)
        ON CONFLICT DO UPDATE
        SET count = count + 1, code = excluded.code, message = excluded.message, at = excluded.at
        """,
        library=library,
        path=problem.path,
        path_text=path_text(problem.path),
        stage=problem.stage,
        code=problem.code,
        message=problem.message,
        at=now(),
    )


def clear(store: Store, library: int, path: bytes, *, but: str | None = None) -> None:
    """The file is fine now, perhaps `but` for one stage (inside a write transaction)."""
    store.run(
        "DELETE FROM problem WHERE library = :library AND path = :path AND stage IS NOT :but",
        library=library,
        path=path,
        but=but,
    )


def clear_stage(store: Store, library: int, stage: str) -> None:
    """Forget the problems of one stage, which is about to be done again (inside a write transaction)."""
    store.run("DELETE FROM problem WHERE library = :library AND stage = :stage", library=library, stage=stage)


def listed(store: Store) -> Iterator[tuple[bytes, Problem, int]]:
    """Library root, problem and how often it was met, by code and path."""
    for row in store.records(
        """
        SELECT l.root, q.path, q.stage, q.code, q.message, q.count
        FROM problem q JOIN library l ON l.id = q.library
        ORDER BY q.code, l.root, q.path
        """
    ):
        yield row["root"], Problem(row["path"], row["stage"], row["code"], row["message"]), row["count"]


def count(store: Store, library: int | None = None) -> int:
    """How many files (of one library) have a problem."""
    return int(
        store.value(
            """
            SELECT count(*)
            FROM (SELECT DISTINCT library, path FROM problem WHERE coalesce(library = :library, TRUE))
            """,
            library=library,
        )
    )
