"""Import names: the decisions of a names file become one answer, beside what was decided here already.

Photos are told by their content, faces by their place. What a human decided here and the file says otherwise stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from phototag.analysis.engine_provider import INSTALLED, EngineProvider
from phototag.config import Settings
from phototag.interop.names_file import NamesFile
from phototag.progress import Progress
from phototag.store import decisions, face_places, models, people, person_updates
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.store.photos import LocatedPhoto
from phototag.types import Box, Problem
from phototag.workflows.naming.add_face import DrawnFaces, describe_drawn_faces
from phototag.workflows.naming.import_plan import Difference, FaceId, ImportPlan, PlannedDecision, Who


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import wrote, or would write.

    `answer`: its number in the journal, None if nothing is new. `names`: faces that got a name; `faces`: all that a new
    decision is about; `people`: who is new here; `pairs`: of faces, or of people. `added`: faces that no detector found
    here and that were cut out as the file says. `standing`: decisions that stood here already. `differences`: where the
    file and humans here differ; `overruled`: of these, how many went as the file says. `not_indexed`: the file's paths
    of photos whose content isn't known here. `forgotten`: faces left out because they show somebody who was forgotten
    here. `problems`: photos that can't be used, so that faces couldn't be added. `left_out`: invalid entries.
    """

    answer: int | None
    names: int
    faces: int
    people: int
    pairs: int
    added: int
    standing: int
    overruled: int
    differences: tuple[Difference, ...]
    not_indexed: tuple[bytes, ...]
    forgotten: int
    problems: tuple[Problem, ...]
    left_out: tuple[str, ...] = ()


def import_names(
    store: Store,
    names: NamesFile,
    settings: Settings,
    progress: Progress,
    *,
    overrule: bool = False,
    dry_run: bool = False,
    engines: EngineProvider = INSTALLED,
) -> Imported:
    """Write, as one answer, the file's decisions that don't stand here yet; a second time nothing is left to do.

    `overrule`: where a human decided otherwise here, the file goes. `dry_run`: nothing is written. Raises
    UsageError, WeightsError where faces are to be added and the embedder in use can't be had.
    """
    with store.snapshot():
        plan = ImportPlan(store, names, overrule=overrule)
    if dry_run:
        return _result(plan, None, plan.planned, len(plan.faces_to_add()), ())
    drawn = _describe_missing(store, plan, settings, progress, engines)
    with store.write():
        plan = ImportPlan(store, names, overrule=overrule)  # beside what stands by now
        answer, written, added = _write(store, plan, drawn)
    return _result(plan, answer, written, added, tuple(drawn.problems) if drawn else ())


def _describe_missing(
    store: Store, plan: ImportPlan, settings: Settings, progress: Progress, engines: EngineProvider
) -> DrawnFaces | None:
    """The faces that the file lists and no detector found here, cut out of their photos."""
    wanted: dict[LocatedPhoto, list[Box]] = {}
    for photo, box in plan.faces_to_add().values():
        wanted.setdefault(photo, []).append(box)
    return describe_drawn_faces(store, wanted, settings, progress, engines) if wanted else None


def _write(store: Store, plan: ImportPlan, drawn: DrawnFaces | None) -> tuple[int | None, list[PlannedDecision], int]:
    """The answer's number, its decisions, and how many faces were added (inside a write transaction)."""
    to_add = plan.faces_to_add()
    cut_out = drawn.faces if drawn else {}
    unusable = {face for face, (photo, box) in to_add.items() if (photo.id, box) not in cut_out}
    written = [one for one in plan.planned if not {one.face, one.other_face} & unusable]
    # An added face is there because the import says so: undoing the import takes it away, too.
    written += [PlannedDecision("a-face", face) for face in to_add if face not in unusable and not plan.is_added(face)]
    if not written:
        return None, [], 0
    ids: dict[FaceId, int] = {}
    for face in _faces_in(written):
        if face in to_add and drawn is not None:
            photo, box = to_add[face]
            known = face if face > 0 else None
            ids[face] = face_places.add(
                store, photo.id, drawn.embedder, cut_out[photo.id, box], drawn.previews[photo.id], known
            )
        elif face < 0:
            photo, box = plan.place(face)
            ids[face] = face_places.add_place(store, photo.id, box)
        else:
            ids[face] = face
    return _record(store, written, ids), written, sum(face in to_add for face in ids)


def _record(store: Store, planned: Sequence[PlannedDecision], ids: dict[FaceId, int]) -> int:
    """Write the decisions as one answer, with new people; `ids`: each planned face's row. Returns its number."""
    person_ids = {who: people.ensure(store, who).id if isinstance(who, str) else who for who in _people_in(planned)}
    final = [
        Decision(
            one.verb,
            face=None if one.face is None else ids[one.face],
            person=None if one.person is None else person_ids[one.person],
            other_face=None if one.other_face is None else ids[one.other_face],
            other_person=None if one.other_person is None else person_ids[one.other_person],
        )
        for one in planned
    ]
    answer = decisions.record(store, final, "imported")
    person_updates.refresh(store, person_ids.values())
    for one in final:
        if one.verb == "merge" and one.person is not None and one.other_person is not None:
            models.reassign_guesses(store, one.person, one.other_person)
    models.drop_stale_guesses(store)
    return answer


def _result(
    plan: ImportPlan,
    answer: int | None,
    written: Sequence[PlannedDecision],
    added: int,
    problems: tuple[Problem, ...],
) -> Imported:
    newcomers = {who for who in _people_in(written) if isinstance(who, str)}
    merged = {one.person for one in written if one.verb == "merge"}
    return Imported(
        answer=answer,
        names=len({one.face for one in written if one.verb == "is"}),
        faces=len(_faces_in(written)),
        people=len(newcomers - merged),
        pairs=sum(one.verb in ("same", "different") for one in written),
        added=added,
        standing=plan.standing,
        overruled=plan.overruled,
        differences=tuple(plan.differences),
        not_indexed=tuple(plan.not_indexed),
        forgotten=plan.forgotten,
        problems=problems,
        left_out=tuple(plan.left_out),
    )


def _faces_in(planned: Sequence[PlannedDecision]) -> list[FaceId]:
    """The faces that decisions are about, each once."""
    return list(dict.fromkeys(face for one in planned for face in (one.face, one.other_face) if face is not None))


def _people_in(planned: Sequence[PlannedDecision]) -> list[Who]:
    """The people whom decisions are about, each once."""
    return list(dict.fromkeys(who for one in planned for who in (one.person, one.other_person) if who is not None))
