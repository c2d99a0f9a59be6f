"""What was said about pairs, made consistent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from phototag.learn.constraints import Reconciled, Statement

STATEMENTS = st.lists(st.builds(Statement, st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=40)


@given(STATEMENTS, st.sets(st.integers(0, 9), max_size=3))
def test_all_that_is_kept_holds_and_only_contradictions_are_passed_over(
    statements: list[Statement], people: set[int]
) -> None:
    said = Reconciled()
    for person in people:
        said.name(person)
    passed = said.add(statements)
    kept = [statement for statement in statements if not any(statement is other for other in passed)]
    marks = said.marks()
    for statement in kept:
        one, other = said.of(statement.one), said.of(statement.other)
        if statement.together:
            assert one == other
        else:
            assert one != other
            assert marks[one] & marks[other]
    for statement in passed:
        one, other = said.of(statement.one), said.of(statement.other)
        if statement.together:
            assert one != other
            assert marks[one] & marks[other]
        else:
            assert one == other
    tops = [said.of(person) for person in people]
    assert len(set(tops)) == len(people)
    for top in marks:
        assert said.of(top) == top


def test_the_first_statement_holds() -> None:
    said = Reconciled()
    newest = [Statement(1, 2, False), Statement(2, 3, True), Statement(1, 3, True)]
    assert said.add(newest) == [newest[2]]
    assert said.of(2) == said.of(3) != said.of(1)


def test_nobody_is_two_people() -> None:
    said = Reconciled()
    said.name(-1)
    said.name(-2)
    assert not said.add([Statement(10, -1, True), Statement(20, -2, True), Statement(10, 11, True)])
    assert said.add([Statement(11, 20, True)])
    assert said.marks()[said.of(11)] & said.marks()[said.of(20)]
