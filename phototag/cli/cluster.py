"""`phototag cluster`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phototag.cli import options
from phototag.display import counted, path_text, printable

if TYPE_CHECKING:
    from phototag.store.faces import Place
    from phototag.workflows.recognition.cluster import Clustered
    from phototag.workflows.recognition.conflicts import Conflict
    from phototag.workflows.recognition.group_numbers import ChangedGroup

#: Groups and conflicts that are shown; `--json` has all.
_GROUPS, _CONFLICTS = 10, 3
_OTHER_THRESHOLDS = (
    "Groups were made with other thresholds: `phototag cluster --from-scratch --preview` shows what today's change."
)


@click.command(short_help="Group the faces that nobody named.")
@options.database
@click.option("--from-scratch", is_flag=True, help="Group all faces again; groups get new numbers.")
@click.option("--preview", is_flag=True, help="Only show what would change.")
@options.as_json
def cluster(db: Path | None, from_scratch: bool, preview: bool, as_json: bool) -> None:
    """Group the faces that nobody has named yet.

    New faces join the group that they belong to, or make new groups; groups keep their faces and numbers.
    Your answers are always respected.
    """
    from phototag.workflows.recognition.cluster import cluster_faces

    with options.store(db, write=not preview) as store:
        done = cluster_faces(store, options.progress(as_json), from_scratch=from_scratch, preview=preview)
    lines = [f"{counted(done.faces, 'unnamed face')}: {counted(done.groups, 'group')}, {done.alone:,} alone."]
    lines += _changes(done, preview) + _conflicts(done.conflicts)
    if done.other_thresholds:
        lines.append(_OTHER_THRESHOLDS)
    if preview:
        lines.append("This is a preview: nothing was changed.")
    options.show({**asdict(done), "preview": preview}, "\n".join(lines), as_json)


def remarks(done: Clustered) -> list[str]:
    """Sentences that point to conflicts and other thresholds, for commands that group in passing."""
    twice = sum(conflict.reason == "one photo" for conflict in done.conflicts)
    ignored = len(done.conflicts) - twice
    pairs = (
        "pair of faces in one photo that look like one person",
        "pairs of faces in one photo that look like one person",
    )
    answers = "answer that later ones contradict", "answers that later ones contradict"
    found = [counted(count, *what) for count, what in ((twice, pairs), (ignored, answers)) if count]
    lines = [f"`phototag cluster --preview` shows {' and '.join(found)}."] if found else []
    return [*lines, _OTHER_THRESHOLDS] if done.other_thresholds else lines


def _changes(done: Clustered, preview: bool) -> list[str]:
    if not done.changed:
        return ["No group changes."] if preview else []
    parts = [
        f"{counted(done.founded, 'group')} new",
        f"{counted(done.joined, 'face')} added to existing groups",
        f"{counted(done.moved, 'face leaves its group', 'faces leave their groups')}",
    ]
    counts = [part for part, count in zip(parts, (done.founded, done.joined, done.moved), strict=True) if count]
    lines = [", ".join(counts) + (":" if preview else ".")]
    if preview:
        lines += options.first_lines([_change(group) for group in done.changed], _GROUPS)
    return lines


def _change(group: ChangedGroup) -> str:
    number = f"group {group.number}"
    if group.was is None:
        return f"{number}, new: {counted(group.after, 'face')}"
    if not group.after:
        return f"{number}, gone: had {counted(group.before, 'face')}"
    if group.was != group.number:
        number += f" (was {group.was})"
    changes = [f"{count:,} {what}" for count, what in ((group.gained, "added"), (group.lost, "gone")) if count]
    return f"{number}: {counted(group.after, 'face')} instead of {group.before:,} ({', '.join(changes)})"


def _conflicts(conflicts: tuple[Conflict, ...]) -> list[str]:
    twice = [conflict.faces for conflict in conflicts if conflict.reason == "one photo"]
    lines = []
    if twice:
        pairs = counted(len(twice), "pair of faces in one photo looks", "pairs of faces in one photo look")
        lines.append(f"{pairs} like one person:")
        faces = [
            f"faces {one.face} and {other.face} in {path_text(one.photo)}, at {_spot(one)} and {_spot(other)}"
            for one, other in twice
        ]
        lines += options.first_lines(faces, _CONFLICTS)
        one, other = twice[0]
        lines.append(f"  Say `phototag faces same {one.face} {other.face}`, or `different` instead of `same`.")
    ignored = [conflict for conflict in conflicts if conflict.reason == "answers"]
    if ignored:
        they = "it" if len(ignored) == 1 else "them"
        lines.append(f"{counted(len(ignored), 'answer')} ignored, because later ones contradict {they}:")
        lines += options.first_lines([_answer(conflict) for conflict in ignored], _CONFLICTS)
    return lines


def _answer(conflict: Conflict) -> str:
    faces = [f"face {place.face} ({path_text(place.photo)}, at {_spot(place)})" for place in conflict.faces]
    if conflict.person is not None:
        return f"{faces[0]} {'is' if conflict.said == 'is' else 'is not'} {printable(conflict.person)}"
    return f"{faces[0]} and {faces[1]} are {'the same person' if conflict.said == 'same' else 'different people'}"


def _spot(place: Place) -> str:
    """Where in its photo a face begins, in pixels."""
    return f"{place.box.x:.0f},{place.box.y:.0f}"
