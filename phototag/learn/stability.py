"""When groups that were kept apart by an earlier grouping may be merged.

One more photo moves nobody, but somebody who adds photos one by one comes to the same groups in the end.
"""

from __future__ import annotations

import numpy as np

from phototag.learn.arrays import Labels, Rows


def first_groupings_by_part(first_grouping: Rows, parts: Labels) -> dict[int, Rows]:
    """For each part with faces that were grouped before: the numbers of the groupings they first took part in, sorted.

    `first_grouping` (n,): that number for each face, −1 for a new one.
    """
    old = np.flatnonzero(first_grouping >= 0)
    old = old[np.lexsort((first_grouping[old], parts[old]))]
    numbers, starts = np.unique(parts[old], return_index=True)
    return dict(zip(numbers.tolist(), np.split(first_grouping[old], starts)[1:], strict=True))


def may_merge(one: Rows, two: Rows, faces: int) -> bool:
    """Whether two parts that were kept apart may be merged.

    `one`, `two`: the first groupings of their faces that were grouped before, sorted; `faces`: how many they have in
    all. Let `new` be the faces grouped now for the first time. The parts may be merged

    - if new ≥ 2·min(|one|, |two|), or
    - if the number of faces that came since the parts first met passes m, 2m, 4m, … now, where m is twice what the
      smaller part had when they met.
    """
    old, met = len(one) + len(two), max(one[0], two[0])
    new = faces - old
    had = [int(np.searchsorted(side, met, "right")) for side in (one, two)]
    mark, came = 2 * min(had), old - sum(had)
    while mark <= came:
        mark *= 2
    return new >= 2 * min(len(one), len(two)) or came + new >= mark
