"""Must-link and cannot-link constraints, made consistent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from phototag.learn.constraints import Constraint, ConstraintSet

CONSTRAINTS = st.lists(st.builds(Constraint, st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=40)


@given(CONSTRAINTS, st.sets(st.integers(0, 9), max_size=3))
def test_all_that_is_kept_holds_and_only_contradictions_are_left_out(
    constraints: list[Constraint], people: set[int]
) -> None:
    found = ConstraintSet()
    for person in people:
        found.add_person(person)
    left_out = found.add(constraints)
    kept = [constraint for constraint in constraints if not any(constraint is other for other in left_out)]
    keys = found.cannot_link_keys()
    for constraint in kept:
        one, other = found.representative(constraint.one), found.representative(constraint.other)
        if constraint.same:
            assert one == other
        else:
            assert one != other
            assert keys[one] & keys[other]
    for constraint in left_out:
        one, other = found.representative(constraint.one), found.representative(constraint.other)
        if constraint.same:
            assert one != other
            assert keys[one] & keys[other]
        else:
            assert one == other
    tops = [found.representative(person) for person in people]
    assert len(set(tops)) == len(people)
    for top in keys:
        assert found.representative(top) == top


def test_the_first_constraint_holds() -> None:
    found = ConstraintSet()
    newest = [Constraint(1, 2, False), Constraint(2, 3, True), Constraint(1, 3, True)]
    assert found.add(newest) == [newest[2]]
    assert found.representative(2) == found.representative(3) != found.representative(1)


def test_nobody_is_two_people() -> None:
    found = ConstraintSet()
    found.add_person(-1)
    found.add_person(-2)
    assert not found.add([Constraint(10, -1, True), Constraint(20, -2, True), Constraint(10, 11, True)])
    assert found.add([Constraint(11, 20, True)])
    assert found.cannot_link_keys()[found.representative(11)] & found.cannot_link_keys()[found.representative(20)]
