"""What the counts mean, and what a shareable report hides."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from encoding.quality import BirthCounts, ColumnCounts, Counts, Finding, Report, judge
from encoding.quality.counts import BlockCounts, PassCounts
from encoding.quality.page import report_lines, report_page
from encoding.quality.report import years_shown

FIRST = ColumnCounts("first_name", "FIRST", is_required=True)
BIRTHS = BirthCounts(1000, 3, 30, 2, 0, 0, 22, {2010: 1000})
PASS = PassCounts(
    "any-sound", 3000, 0, 0, 0, (), forms=((("first_name", "surname_1"), ("birth_year",)),)
)
BLOCKS = BlockCounts((PASS,), 1000, 0, 4, 1)
GOOD = Counts(1000, 1000, 0, 0, 0, (FIRST,), (), BIRTHS, BLOCKS)


def standing(findings: tuple[Finding, ...]) -> dict[str, str]:
    return {finding.rule: finding.standing for finding in findings}


def with_births(**changes: int) -> Counts:
    return replace(GOOD, births=replace(BIRTHS, **changes))


def with_pass(**changes: object) -> Counts:
    return replace(GOOD, blocks=replace(BLOCKS, passes=(replace(PASS, **changes),)))  # type: ignore[arg-type]


def with_first(**changes: int) -> Counts:
    return replace(GOOD, columns=(replace(FIRST, **changes),))


DROPPED = partial(with_pass, dropped_by=("first_name",))
LIMITS: tuple[tuple[Counts, str, str | None], ...] = (
    (with_first(missing=10), "missing", None),
    (with_first(missing=11), "missing", "warn"),
    (with_first(missing=101), "missing", "stop"),
    (with_first(placeholder=101), "placeholder", "stop"),
    (with_first(invalid=1), "invalid", "warn"),
    (with_first(invalid=51), "invalid", "stop"),
    (with_first(garbled=1), "garbled", "warn"),
    (with_first(garbled=21), "garbled", "stop"),
    (with_births(first_of_january=101), "first-of-january", "stop"),
    (with_births(fifteenth=81), "fifteenth", "warn"),
    (with_births(commonest=101), "one-date", "stop"),
    (with_births(in_future=1), "in-future", "warn"),
    (with_births(in_future=21), "in-future", "stop"),
    (with_births(too_old=900), "too-old", "warn"),
    (with_births(at_odds=10), "at-odds", None),
    (with_births(at_odds=11), "at-odds", "warn"),
    (with_births(at_odds=101), "at-odds", "stop"),
    (replace(GOOD, duplicates=30), "duplicates", "note"),
    (replace(GOOD, duplicates=31), "duplicates", "warn"),
    (replace(GOOD, duplicates=201), "duplicates", "stop"),
    (replace(GOOD, blocks=replace(BLOCKS, keyless=10)), "no-key", None),
    (replace(GOOD, blocks=replace(BLOCKS, keyless=11)), "no-key", "warn"),
    (replace(GOOD, blocks=replace(BLOCKS, keyless=101)), "no-key", "stop"),
    (DROPPED(rows_dropped=150), "rows-dropped-any-sound", None),
    (DROPPED(rows_dropped=151), "rows-dropped-any-sound", "warn"),
    (DROPPED(rows_dropped=901), "rows-dropped-any-sound", "stop"),
    (with_pass(rows_dropped=900), "rows-dropped-any-sound", None),
    (with_pass(rows_dropped=901), "rows-dropped-any-sound", "stop"),
    (replace(GOOD, rows_refused=101), "rows-refused", "stop"),
    (replace(GOOD, rows_without_id=51), "no-record-id", "stop"),
    (replace(GOOD, absent=("sex",)), "absent", "note"),
)


def test_each_limit_is_where_it_is_documented() -> None:
    assert judge(GOOD, former_rows=1000) == ()
    for counts, rule, expected in LIMITS:
        assert standing(judge(counts)).get(rule) == expected, (rule, counts)
    # In both directions.
    for former, expected in ((1100, None), (1112, "warn"), (1430, "stop"), (700, "stop")):
        found = standing(judge(GOOD, former_rows=former))
        assert found.get("rows-changed") == expected, former


def test_a_handful_of_rows_never_stops_and_a_column_that_most_leave_empty_is_no_finding() -> None:
    few = replace(GOOD, rows=12, records=12, columns=(replace(FIRST, missing=9),))
    assert standing(judge(few)) == {"missing": "warn"}
    assert standing(judge(with_pass(rows_dropped=900))) == {}
    alias = ColumnCounts("alias_last", "AKA", is_required=False, missing=990)
    assert judge(replace(GOOD, columns=(alias,))) == ()
    counts = replace(with_first(missing=50), absent=("sex",), duplicates=500)
    # What stops comes first.
    assert [finding.standing for finding in judge(counts)] == ["stop", "warn", "note"]


def test_what_was_accepted_stops_again_only_if_it_gets_worse() -> None:
    accepted = {"missing:FIRST": 0.2}
    assert standing(judge(with_first(missing=240), accepted=accepted)) == {"missing": "warn"}
    assert standing(judge(with_first(missing=260), accepted=accepted)) == {"missing": "stop"}
    # A change of rows is of its own day.
    found = judge(GOOD, former_rows=5000, accepted={"rows-changed:": 4.0})
    assert standing(found) == {"rows-changed": "stop"}


def test_rows_that_are_left_out_are_blamed_on_a_column_by_its_own_header() -> None:
    (finding,) = judge(with_pass(rows_dropped=200, dropped_by=("first_name",)))
    assert finding.column == "FIRST"
    assert finding.sentence().startswith(
        "column FIRST: 200 of 3,000 (6.7%) keys of the pass any-sound"
    )


def report_of(counts: Counts) -> Report:
    return Report("0" * 64, counts, judge(counts), None)


@given(
    st.builds(
        ColumnCounts,
        st.just("first_name"),
        st.just("FIRST"),
        st.just(True),
        *[st.integers(0, 1000)] * 5,
    ),
    st.integers(0, 1000),
)
def test_a_shareable_document_holds_no_count_of_few_people(
    column: ColumnCounts, alike: int
) -> None:
    report = report_of(replace(GOOD, columns=(column,), duplicates=alike))
    shown = report.document(shareable=True)
    told = [
        shown["duplicates"],
        *(shown["columns"][0][name] for name in ("missing", "invalid", "garbled")),
    ]
    assert all(count is None or count == 0 or 10 <= count <= 990 or count == 1000 for count in told)


@given(st.dictionaries(st.integers(1990, 2020), st.integers(1, 30), max_size=8))
def test_no_small_year_follows_from_the_total(by_year: dict[int, int]) -> None:
    shown = years_shown(by_year, shareable=True)
    hidden = [year for year, count in shown if count is None]
    assert {year for year, count in by_year.items() if count < 10} <= set(hidden)
    assert len(hidden) != 1 or len(by_year) == 1


def test_a_shareable_page_and_its_lines_show_no_small_count() -> None:
    counts = with_first(missing=7, invalid=3, placeholder=995)
    for text in (
        "\n".join(report_lines(report_of(counts), shareable=True)),
        report_page(report_of(counts), "people.csv", shareable=True),
    ):
        assert "under 10" in text
        assert ">3<" not in text
        assert " 7 " not in text.partition("</style>")[2].partition("<svg")[0]
        assert "995" not in text
        assert "nearly all" in text


def test_a_shareable_bar_tells_nothing_of_what_the_table_leaves_out() -> None:
    for column, other, bar in (
        ({"missing": 200, "placeholder": 3}, {"missing": 200, "placeholder": 9}, "20.0% and a few"),
        ({"placeholder": 3, "invalid": 8}, {"placeholder": 9, "invalid": 7}, "a few"),
        ({"missing": 200, "invalid": 791}, {"missing": 200, "invalid": 791}, "nearly all"),
        ({"missing": 985, "invalid": 3}, {"missing": 985, "invalid": 9}, "98.5% and a few"),
        ({"missing": 993, "invalid": 3}, {"missing": 991, "invalid": 9}, "nearly all"),
    ):
        first, second = (
            report_page(report_of(with_first(**one)), "people.csv", shareable=True)
            for one in (column, other)
        )
        assert first == second, column
        assert f">{bar}<" in first


def test_the_digest_is_of_the_shareable_document_alone() -> None:
    assert report_of(with_first(missing=3)).digest() == report_of(with_first(missing=4)).digest()
    assert report_of(with_first(missing=30)).digest() != report_of(GOOD).digest()


@given(
    st.integers(0, 1000),
    st.builds(
        PassCounts,
        st.just("any-sound"),
        st.just(3000),
        st.integers(0, 1000),
        st.integers(0, 3000),
        st.integers(0, 3000),
        st.just(()),
        st.just(()),
    ),
)
def test_a_shareable_document_holds_no_small_count_of_a_pass(keyless: int, one: PassCounts) -> None:
    blocks = BlockCounts((one,), 1000, keyless, 4, 1)
    shown = report_of(replace(GOOD, blocks=blocks)).document(shareable=True)["blocks"]
    told = [
        shown["keyless"],
        *(shown["passes"][0][name] for name in ("records_without", "rows_dropped")),
    ]
    assert all(count is None or count == 0 or count >= 10 for count in told)


def test_the_page_shows_the_passes_their_keys_and_the_column_to_blame() -> None:
    report = report_of(with_pass(rows_dropped=200, blocks_too_large=12, dropped_by=("first_name",)))
    page = report_page(report, "people.csv", shareable=False)
    for text in (page, "\n".join(report_lines(report, shareable=False))):
        for said in ("any-sound", "200", "FIRST"):
            assert said in text
    page = report_page(report_of(GOOD), "people.csv", shareable=True)
    assert "(first_name and surname_1 in either order) + birth_year" in page
