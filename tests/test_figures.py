"""Figures: the docs show what the result files say, and the files what the benchmarks declare."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import tables
from benchmarks.figures import (
    RESULTS,
    ROOT,
    Figure,
    Machine,
    Measure,
    Measured,
    Run,
    Wanted,
    add_run,
    at_least,
    at_most,
    declared_anew,
    exactly,
    figures,
    filled,
    percent,
    read,
    results_file,
    text_of,
    write,
)

_MACHINE = Machine("a processor", 2, 24, "3.11.7")


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[Run, ...]]:
    return tables.declared_results()


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in tables.pages()])
def test_pages_show_the_figures_of_the_result_files(page: str, results: dict[str, tuple[Run, ...]]) -> None:
    shown = (ROOT / page).read_text("utf-8")
    assert shown == tables.filled_in(shown, results), f"{page} differs from benchmarks/results: run `make tables`"


@pytest.mark.parametrize("name", tables.BENCHMARKS)
def test_result_files_say_what_benchmarks_declare(name: str, results: dict[str, tuple[Run, ...]]) -> None:
    assert results_file(name).read_text("utf-8") == text_of(name, results[name]), "run `make tables`"
    if not any(run.repeat for run in results[name]):
        declared = {measure.key for measure in tables.measures_of(name)}
        assert set(figures(results[name])) == declared, "run the benchmark"


def test_every_result_file_and_every_program_is_listed() -> None:
    assert {path.stem for path in RESULTS.glob("*.json")} == set(tables.BENCHMARKS)
    programs = {path.stem for path in RESULTS.parent.glob("*.py") if "MEASURES = " in path.read_text("utf-8")}
    assert programs == set(tables.BENCHMARKS)


def test_keys_are_unique() -> None:
    for name in tables.BENCHMARKS:
        keys = [measure.key for measure in tables.measures_of(name)]
        assert len(keys) == len(set(keys))


def test_result_files_name_no_paths() -> None:
    for path in RESULTS.glob("*.json"):
        for run in read(path.stem):
            assert not re.search(r"(^|\s)[/~]", run.command), path.name


def test_markers_are_closed() -> None:
    for page in tables.pages():
        text = page.read_text("utf-8")
        assert len(re.findall(r"<!-- figures?: ", text)) == text.count("<!-- end -->"), page.name


# --- bounds ---


def test_bounds() -> None:
    assert at_least(0.98).reached_by(0.98)
    assert not at_least(0.98).reached_by(0.979)
    assert at_most(10).reached_by(10)
    assert not at_most(10).reached_by(10.1)
    assert exactly(0).reached_by(0)
    assert not exactly(0).reached_by(1)


def test_a_weaker_bound_holds_in_tests_only() -> None:
    wanted = at_least(24, tests=18)
    assert wanted.held_by(18)
    assert not wanted.held_by(17)
    assert not wanted.reached_by(23)


def test_a_missed_bound_is_said() -> None:
    assert _figure("part.a", 23, wanted=at_least(24)).wanted_text() == "≥ 24: **missed**"
    assert _figure("part.a", 24, wanted=at_least(24)).wanted_text() == "≥ 24"


def test_a_count_of_many_is_judged_by_its_share() -> None:
    kept = _figure("part.a", Measured(634, of=635), wanted=at_least(0.99))
    assert kept.reached
    assert (kept.text(), kept.wanted_text()) == ("634 of 635 (99.8 %)", "≥ 99 %")
    assert not _figure("part.a", Measured(1, of=2), wanted=at_least(0.99)).reached


@pytest.mark.parametrize(("share", "said"), [(1.0, "100 %"), (0.9999, "99.9 %"), (0.947, "94.7 %"), (0.5, "50 %")])
def test_only_the_whole_is_100_percent(share: float, said: str) -> None:
    assert percent(share) == said


# --- files ---


def test_files_give_back_what_was_written(tmp_path: Path) -> None:
    runs = (_run(_figure("part.a", Measured(0.5, 0.4, 0.6), digits=2, wanted=at_least(0.4)), date="2026-01-01"),)
    write("some", runs, tmp_path)
    assert read("some", tmp_path) == runs
    assert read("other", tmp_path) == ()


def test_a_new_run_replaces_only_the_figures_that_it_measured() -> None:
    old = _run(_figure("part.a", 1), _figure("other.b", 2), date="2026-01-01")
    new = _run(_figure("part.a", 3), date="2026-02-02")
    both = add_run([old], new)
    assert {key: figure.measured.value for key, figure in figures(both).items()} == {"part.a": 3, "other.b": 2}
    assert [run.date for run in both] == ["2026-01-01", "2026-02-02"]
    assert add_run([_run(_figure("part.a", 1))], new) == (new,)


def test_labels_and_bounds_follow_the_declaration() -> None:
    measure = Measure("part.a", "a better label", "the data", wanted=at_least(2))
    old = [_run(_figure("part.a", 1), _figure("part.gone", 5))]
    assert [run.figures for run in declared_anew(old, [measure])] == [(Figure(measure, Measured(1)),)]


def test_values_are_rounded_to_the_decimals_shown() -> None:
    (figure,) = filled([Measure("part.a", "a", "data", digits=2)], {"part.a": Measured(0.98765, 0.1234, 0.999)})
    assert figure.measured == Measured(0.99, 0.12, 1.0)
    with pytest.raises(KeyError, match=r"part\.b"):
        filled([Measure("part.a", "a", "data")], {"part.b": 1})


# --- pages ---


def test_tables_and_sentences_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = [
        _figure("part.a", 0.5, label="first", digits=1, wanted=at_least(0.6)),
        _figure("grid.x", 1, label="row", column="one"),
        _figure("grid.y", 2, label="row", column="two"),
        _figure("both.x", 1, label="row", column="one", wanted=at_least(2)),
        _figure("both.y", 2, label="row", column="two", wanted=at_least(2)),
    ]
    monkeypatch.setattr(tables, "measures_of", lambda name: [figure.measure for figure in shown])
    results = {"some": (_run(*shown),)}
    page = tables.filled_in(
        "<!-- figures: some.part -->old<!-- end -->\n"
        "<!-- figures: some.part -->\nold\n<!-- end -->\n"
        "<!-- figures: some.grid -->\n<!-- end -->\n"
        "<!-- figures: some.both -->\n<!-- end -->\n"
        "A figure: <!-- figure: some.part.a -->?<!-- end --> or <!-- figure: some.part.a % -->?<!-- end -->.",
        results,
    )
    assert "| first | 0.5 | ≥ 0.6: **missed** |" in page
    assert "| row | 1 | 2 |" in page
    assert "| row | 1 | 2 | ≥ 2: **missed** by one |" in page
    assert (
        "A figure: <!-- figure: some.part.a -->0.5<!-- end --> or <!-- figure: some.part.a % -->50 %<!-- end -->."
        in page
    )
    assert tables.filled_in(page, results) == page
    worst = "<!-- figure: some.grid.* -->2<!-- end -->"
    assert tables.filled_in(worst.replace(">2<", "><"), results) == worst
    with pytest.raises(KeyError):
        tables.filled_in("<!-- figure: some.part.b -->?<!-- end -->", results)


def _figure(
    key: str,
    value: float | Measured,
    *,
    label: str = "a",
    digits: int = 0,
    wanted: Wanted | None = None,
    column: str = "",
) -> Figure:
    found = value if isinstance(value, Measured) else Measured(value)
    return Figure(Measure(key, label, "the data", digits=digits, wanted=wanted, column=column), found)


def _run(*found: Figure, date: str = "2026-01-01") -> Run:
    return Run("python -m benchmarks.some --data FOLDER", "abc", date, _MACHINE, 1.5, found)
