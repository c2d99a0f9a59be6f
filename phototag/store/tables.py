"""What each table, view and column of the database holds, in a sentence; the schema page is made from it.

SQLite keeps no comments that can be changed later, so they are here; a test compares them with the database.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Documented:
    """A table or view: what a row is, and what its columns hold."""

    purpose: str
    columns: dict[str, str]


TABLES: dict[str, Documented] = {
    "library": Documented(
        "A folder that is indexed, with all that lies below it.",
        {
            "id": "Its number.",
            "root": "The folder's absolute path, as bytes.",
            "root_text": "The same as text that is safe to print.",
            "state": "`online`, or `offline` if the folder wasn't there when it was last indexed.",
        },
    ),
    "file": Documented(
        "A place where a photo lies, or lay until its file went missing.",
        {
            "id": "Its number.",
            "library": "The library that the path is relative to.",
            "path": "The path below the library's root, as bytes.",
            "path_text": "The same as text that is safe to print.",
            "size": "The file's size in bytes when it was last opened.",
            "mtime_ns": "Its modification time, in nanoseconds.",
            "ctime_ns": "When its inode last changed, in nanoseconds; NULL: not noted.",
            "photo": "The photo that it holds; NULL: its content is unknown.",
            "state": "`new`, `done`, `failed` (can't be read), `quarantined` (given up) or `missing`.",
            "attempts": "How often it was opened without coming to an end.",
            "missing_since": "Since when it is missing (ISO 8601, UTC).",
        },
    ),
    "photo": Documented(
        "A photo: the content of one or more equal files.",
        {
            "id": "Its number.",
            "sha256": "SHA-256 of the content, in hexadecimal; NULL: never read by this version.",
            "width": "Upright width in pixels.",
            "height": "Upright height in pixels.",
            "taken_at": "When it was taken, in local time (ISO 8601), if known.",
        },
    ),
    "former": Documented(
        "A photo that lay at a place before other content came there.",
        {
            "id": "Its number.",
            "library": "The library that the path is relative to.",
            "path": "The path below the library's root, as bytes.",
            "photo": "The photo that lay there.",
            "successor": "The photo that came there and may be an edited version of it.",
            "since": "Since when it is no longer there (ISO 8601, UTC).",
        },
    ),
    "preview": Documented(
        "A photo, made small for a page.",
        {"photo": "The photo.", "jpeg": "The preview, as a JPEG file."},
    ),
    "engine": Documented(
        "A detector or an embedder, with all that changes what it finds.",
        {
            "id": "Its number.",
            "kind": "`detector` or `embedder`.",
            "name": "Its name.",
            "weights_sha256": "SHA-256 of its weights.",
            "params": "JSON: (name, value) pairs that change what it finds.",
            "dim": "An embedder's number of dimensions.",
            "thresholds": "JSON: what distances mean in an embedder's space.",
            "current": "1: in use; 2: to be used once it has seen every known face; 0: neither.",
        },
    ),
    "detection": Documented(
        "A detector has searched a photo, also if it found no face.",
        {"photo": "The photo.", "engine": "The detector.", "faces": "How many faces it found."},
    ),
    "face": Documented(
        "A place on a photo that shows somebody, or that a decision is about.",
        {
            "id": "Its number.",
            "photo": "The photo.",
            "engine": "The detector that finds it; NULL: none, it is kept for a decision.",
            "x": "Left edge of its box, in pixels of the upright photo.",
            "y": "Top edge.",
            "w": "Width.",
            "h": "Height.",
            "landmarks": "JSON: (x, y) of both eyes, nose tip and both mouth corners, or empty.",
            "score": "How sure the detector is, 0 to 1.",
            "quality": "How well it can be recognised, 0 to 1.",
            "present": "1 if it is seen there now.",
            "subject": "The face on the earliest version of an edited photo that it shows again; mostly itself.",
            "forgotten": "1 if it shows a person who was forgotten: what is found there is passed over.",
        },
    ),
    "crop": Documented(
        "A face with some of what is around it, for people to look at.",
        {
            "face": "The face.",
            "jpeg": "The crop, as a JPEG file.",
            "x": "Left edge of the crop's square in the photo.",
            "y": "Top edge.",
            "side": "Side of the square.",
            "turn": "Quarter turns to the left by which the crop shows the square.",
        },
    ),
    "embedding": Documented(
        "What an embedder makes of a face.",
        {
            "face": "The face.",
            "engine": "The embedder.",
            "dim": "Number of dimensions.",
            "vector": "The unit vector, little-endian float32.",
        },
    ),
    "person": Documented(
        "Somebody with a name. All columns but `id`, `given` and `forgotten` follow from the journal.",
        {
            "id": "Their number.",
            "name": "The name.",
            "name_key": "What makes two names equal (`display.name_key`); with a line break: the name was given up.",
            "hidden": "1 if the album has no page of them.",
            "given": "The name that they were first given.",
            "merged": "The person whom they turned out to be.",
            "gone": "1 if the name stands for nobody any more.",
            "forgotten": "1 if all that was known of them was dropped for good.",
        },
    ),
    "decision": Documented(
        "The journal: one row for each thing that a human decided. Rows are only ever added.",
        {
            "id": "Its number, in order of time.",
            "at": "When it was made (ISO 8601, UTC).",
            "origin": "`typed`, `folder`, `imported` or `reviewed` (in the review pages).",
            "answer": "The number of the answer that it is a part of.",
            "verb": "What was decided: `is`, `is-not`, `same`, `different`, `a-face`, `not-a-face`, `dont-care`, "
            "`rename`, `merge`, `split`, `hide`, `show` or `undo`. `dont-care` means ignore.",
            "face": "The face (subject) that it is about.",
            "other_face": "The other face, of `same` and `different`.",
            "person": "The person that it is about.",
            "other_person": "The other person, of `merge`, `split` and `different`.",
            "name": "The new name, of `rename`.",
            "undoes": "The row that an `undo` undoes.",
        },
    ),
    "undone": Documented(
        "Rows of the journal that an undo undoes which isn't undone itself; follows from the journal.",
        {"decision": "The row."},
    ),
    "clustering": Documented(
        "The last clustering; there is one row at most.",
        {
            "id": "Its number.",
            "at": "When it was made (ISO 8601, UTC).",
            "engine": "The embedder whose vectors were grouped.",
            "params": "JSON: the thresholds.",
            "next_number": "The first number that no group ever had.",
        },
    ),
    "cluster_member": Documented(
        "A face that took part in the clustering.",
        {
            "face": "The face.",
            "cluster": "The number of its group; NULL: it stands alone.",
            "rank": "Its place in the group, the most central face first (0).",
            "appearance": "The burst, or the copies of one photo, that it belongs to, numbered in its group.",
            "since": "The number of the clustering in which it first took part.",
            "base": "Its group by embeddings alone, without decisions; 0: it stands alone, NULL: it takes no part.",
        },
    ),
    "model": Documented(
        "The trained classifier of the named people.",
        {
            "id": "Its number.",
            "at": "When it was trained (ISO 8601, UTC).",
            "engine": "The embedder whose vectors it was trained on.",
            "faces": "How many faces it was trained on.",
            "params": "JSON: how it was trained, and its calibration.",
        },
    ),
    "model_class": Documented(
        "A person in the classifier.",
        {
            "model": "The model.",
            "person": "The person.",
            "coef": "Their coefficients, little-endian float32.",
            "intercept": "Their intercept.",
            "radius": "The distance within which a face may be theirs; NULL: the embedder's threshold.",
        },
    ),
    "guess": Documented(
        "What the machine thinks of a face.",
        {
            "face": "The face.",
            "person": "The tag: the person whose name it shows; NULL: it isn't sure enough.",
            "model": "The model that guessed.",
            "probability": "That the most likely person is right, 0 to 1.",
            "distance": "To that person's nearest named face.",
            "neighbours": "JSON: (face, distance) of that person's named faces which speak for it.",
        },
    ),
    "problem": Documented(
        "Why a file could not be used.",
        {
            "library": "The library that the path is relative to.",
            "path": "The path below the library's root, as bytes.",
            "path_text": "The same as text that is safe to print.",
            "stage": "The step that failed, such as `decode`.",
            "code": "A short word for the kind of problem.",
            "message": "What happened, in words.",
            "count": "How often it was met.",
            "at": "When it was met last (ISO 8601, UTC).",
        },
    ),
    "preference": Documented(
        "A setting that lasts until the user changes it.",
        {"name": "`precision`: the share of tags that should be right.", "value": "Its value."},
    ),
    "derived": Documented(
        "What tags and groups were last derived from, to know when they are outdated.",
        {
            "what": "`tags` or `groups`.",
            "decision": "The last decision at the time.",
            "face": "The last face at the time.",
            "faces": "The number of present faces at the time.",
        },
    ),
}

#: Views: the conditions that queries share. Their columns are those of the tables that they come from.
VIEWS: dict[str, str] = {
    "journal": "All decisions, and of each whether it `stands`: no undo that stands undoes it.",
    "standing": "The decisions that stand; undos are none.",
    "label": "What a human said a face (subject) is: the last such decision that stands.",
    "rejection": "The `is-not` that stand and that no later `is` of the same face and person replaced.",
    "decided_face": "Faces (subjects) that any decision was ever about.",
    "kept_face": "Faces (subjects) that stay though no detector finds them: named, ignored, or added by hand.",
    "identity": "Who each present face shows: the person of its label (`human`), else its tag (`machine`).",
    "person_face": "Faces that may be a person's, by label or guess; `identity` decides.",
    "present_photo": "Photos that lie somewhere.",
    "known_photo": "Photos that have a file, present or missing: not those that were edited since.",
    "away_photo": "Photos that are away or deleted: no file has them, nor an edited version of them.",
    "photo_place": "One place of each photo that has any, a present one if there is.",
    "photo_every_place": "Every present place of each photo.",
    "photo_last_seen": "Where each photo lies, or was last seen.",
    "photo_version": "Pairs of photos: `now` is an edited version of `before`, over any number of edits.",
    "current_person": "People who are neither merged into another nor gone.",
    "merged_person": "Everybody, and the `person` that they are after all merges.",
    "used_person": "People whose name stands for anybody.",
}
