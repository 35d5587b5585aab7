"""Statuses from links: what starts, ends and changes, and that the same again changes nothing."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from hypothesis import given
from hypothesis import strategies as st
from samples.refusals import raises

from encoding.errors import ExportError
from encoding.extras.export.status_formats import ceds_rows, csv_rows, ed_fi_lines
from encoding.extras.export.statuses import Pair, Period, Status, in_care, updated

NOT_LINKED = ()
NO_DATES = None
Stated = tuple[Period, ...] | None

# Written by hand from the description that Ed-Fi publishes of this resource (Data Standard 5; in 6 it has
# another name): what is required, with its types and lengths, and nothing but the properties that are exported.
ED_FI_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["educationOrganizationReference", "studentReference"],
    "additionalProperties": False,
    "properties": {
        "educationOrganizationReference": {
            "type": "object",
            "required": ["educationOrganizationId"],
            "additionalProperties": False,
            "properties": {"educationOrganizationId": {"type": "integer"}},
        },
        "studentReference": {
            "type": "object",
            "required": ["studentUniqueId"],
            "additionalProperties": False,
            "properties": {"studentUniqueId": {"type": "string", "minLength": 1, "maxLength": 32}},
        },
        "studentCharacteristics": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["studentCharacteristicDescriptor"],
                "additionalProperties": False,
                "properties": {
                    "studentCharacteristicDescriptor": {
                        "type": "string",
                        "maxLength": 306,
                        "const": "uri://ed-fi.org/StudentCharacteristicDescriptor#Foster Care",
                    },
                    "periods": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["beginDate"],
                            "additionalProperties": False,
                            "properties": {
                                "beginDate": {"type": "string", "format": "date"},
                                "endDate": {"type": "string", "format": "date"},
                            },
                        },
                    },
                },
            },
        },
    },
}


def period(begin: str, end: str | None = None) -> Period:
    return Period(begin=f"2026-{begin}", end=None if end is None else f"2026-{end}")


def stated(*periods: Period) -> Stated:
    return periods


Told = tuple[str, str, list[tuple[str, str | None]]]


def told_at(*steps: tuple[str, dict[str, Stated]]) -> dict[str, Told]:
    """Return what is told of a student by organization after exports on some days, each with what is linked."""
    known: tuple[Status, ...] = ()
    for day, linked in steps:
        now = {("s1", organization): periods for organization, periods in linked.items()}
        known = updated(known, now, f"2026-{day}")
    return {
        one.organization: (
            one.change,
            one.changed[5:],
            [(p.begin[5:], p.end and p.end[5:]) for p in one.periods],
        )
        for one in known
    }


def told(*steps: tuple[str, Stated]) -> Told:
    """Return what is told of a student at one organization; `NOT_LINKED` on some of the days."""
    days = ((day, {} if linked == NOT_LINKED else {"1": linked}) for day, linked in steps)
    return told_at(*days)["1"]


def test_without_dates_the_days_of_exports_count() -> None:
    first = ("11-01", NO_DATES)
    assert told(first) == ("start", "11-01", [("11-01", None)])
    assert told(first, ("11-08", NO_DATES)) == ("start", "11-01", [("11-01", None)])
    gone = (first, ("11-08", NOT_LINKED))
    assert told(*gone) == ("end", "11-08", [("11-01", "11-08")])
    assert told(*gone, ("11-15", NOT_LINKED)) == ("end", "11-08", [("11-01", "11-08")])
    assert told(*gone, ("11-15", NO_DATES)) == (
        "start", "11-15", [("11-01", "11-08"), ("11-15", None)],
    )  # fmt: skip
    assert told(*gone, ("11-08", NO_DATES)) == ("change", "11-08", [("11-01", None)])


def test_dates_that_the_partner_states_count() -> None:
    first = ("11-01", stated(period("03-04")))
    assert told(first) == ("start", "11-01", [("03-04", None)])
    assert told(first, ("11-08", stated(period("03-04", "11-05")))) == (
        "end", "11-08", [("03-04", "11-05")],
    )  # fmt: skip
    assert told(first, ("11-08", stated(period("03-05")))) == (
        "change", "11-08", [("03-05", None)],
    )  # fmt: skip
    assert told(("11-01", stated(period("03-04", "05-01"))), ("11-08", stated(period("10-30")))) == (
        "start", "11-08", [("03-04", "05-01"), ("10-30", None)],
    )  # fmt: skip
    assert told(("11-01", NO_DATES), ("11-08", stated(period("03-04")))) == (
        "change", "11-08", [("03-04", None)],
    )  # fmt: skip


def test_an_end_that_is_still_to_come_gives_way_to_that_of_the_link() -> None:
    first = ("11-01", stated(period("03-04", "12-20")))
    gone = (first, ("11-08", NOT_LINKED))
    assert told(*gone) == ("change", "11-08", [("03-04", "11-08")])
    assert told(*gone, ("11-15", NOT_LINKED)) == told(*gone)
    # One that has come stands.
    assert told(first, ("12-27", NOT_LINKED)) == told(first)
    before = updated((), {("s1", "7"): stated(period("03-04", "12-20"))}, "2026-11-01")
    after = updated(before, {}, "2026-11-08")
    assert [in_care(known, "2026-11-08") for known in (before, after)] == [{("s1", "7")}, set()]
    assert in_care(before, "2026-12-20") == set()


def test_whoever_changes_organizations_has_an_end_there_and_goes_on_here() -> None:
    steps: list[tuple[str, dict[str, Stated]]] = [
        ("11-01", {"7": NO_DATES}),
        ("11-08", {"9": NO_DATES}),
    ]
    left = ("end", "11-08", [("11-01", "11-08")])
    assert told_at(*steps) == {"7": left, "9": ("start", "11-08", [("11-01", None)])}
    # A second one counts from the same day on, and a change that was a mistake leaves no gap.
    steps.append(("11-15", {"7": NO_DATES, "9": NO_DATES}))
    assert told_at(*steps)["7"] == ("change", "11-15", [("11-01", None)])
    steps += [("11-22", {"9": NO_DATES}), ("11-29", {})]
    assert told_at(*steps) == {
        "7": ("end", "11-22", [("11-01", "11-22")]),
        "9": ("end", "11-29", [("11-01", "11-29")]),
    }
    # Care that begins anew begins that day, and what was before it stays.
    steps.append(("12-06", {"7": NO_DATES}))
    assert told_at(*steps)["7"] == ("start", "12-06", [("11-01", "11-22"), ("12-06", None)])
    dated = stated(period("03-04", "05-01"), period("06-01"))
    assert told_at(("11-01", {"7": dated}), ("11-08", {"9": dated})) == {
        "7": ("end", "11-08", [("03-04", "05-01"), ("06-01", "11-08")]),
        "9": ("start", "11-08", [("03-04", "05-01"), ("06-01", None)]),
    }


LINKED = st.dictionaries(
    st.tuples(st.sampled_from(["s1", "s2"]), st.sampled_from(["7", "9"])),
    st.sampled_from(
        [NO_DATES, stated(period("03-04")), stated(period("03-04", "05-01"), period("06-01"))]
    ),
)


@given(st.lists(LINKED, max_size=5))
def test_the_same_again_changes_nothing_and_nobody_is_forgotten(
    weeks: list[dict[Pair, Stated]],
) -> None:
    known: tuple[Status, ...] = ()
    for day, linked in enumerate(weeks, start=10):
        before = {one.pair for one in known}
        known = updated(known, linked, f"2026-11-{day}")
        assert updated(known, linked, f"2026-11-{day}") == known
        assert updated(known, linked, f"2026-12-{day}") == known
        assert {one.pair for one in known} == before | linked.keys()
        for one in known:
            assert (one.periods[-1].end is None) == (one.pair in linked)
            assert [p.begin for p in one.periods] == sorted({p.begin for p in one.periods})


ENDED = Status(
    student="s1",
    organization="255901",
    periods=(period("03-04", "05-01"), period("06-01")),
    change="start",
    changed="2026-11-01",
)
ELSEWHERE = ENDED.model_copy(update={"organization": "255902"})


def test_a_line_for_ed_fi_is_what_its_description_asks_for() -> None:
    lines = [json.loads(line) for line in ed_fi_lines([ENDED, ELSEWHERE])]
    for line in lines:
        jsonschema.validate(line, ED_FI_SCHEMA, format_checker=jsonschema.FormatChecker())
    assert [line["educationOrganizationReference"]["educationOrganizationId"] for line in lines] == [
        255901, 255902,
    ]  # fmt: skip
    assert lines[0]["studentCharacteristics"][0]["periods"] == [
        {"beginDate": "2026-03-04", "endDate": "2026-05-01"},
        {"beginDate": "2026-06-01"},
    ]


def test_an_id_that_ed_fi_does_not_take_is_refused_without_saying_it() -> None:
    for changed in ({"student": "s" * 33}, {"organization": "North"}, {"organization": "0"}):
        with raises(ExportError, "^student 1 of the export has an ID or organization") as found:
            list(ed_fi_lines([ENDED.model_copy(update=changed)]))
        assert "sss" not in str(found.value)


def test_csv_and_ceds_have_a_row_for_each_period() -> None:
    formula = ENDED.model_copy(update={"student": "=1+1"})
    assert list(ceds_rows([formula])) == [
        ("'=1+1", "255901", "1", "2026-03-04", "2026-05-01"),
        ("'=1+1", "255901", "1", "2026-06-01", ""),
    ]
    assert list(csv_rows([formula])) == [
        ("'=1+1", "255901", "2026-03-04", "2026-05-01", "", ""),
        ("'=1+1", "255901", "2026-06-01", "", "start", "2026-11-01"),
    ]
