"""Statuses from links: what starts, ends and changes, and that the same again changes nothing."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.refusals import raises

from encoding.errors import ExportError
from encoding.outputs.status_formats import ceds_rows, csv_rows, ed_fi_lines
from encoding.outputs.statuses import Linked, Period, Status, updated

NO_DATES = Linked(("1",), None)

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


def stated(*periods: Period) -> Linked:
    return Linked(("1",), periods)


def exported(*steps: tuple[str, Linked | None]) -> Status:
    """Return a student's status after exports on some days; None: not linked."""
    known: tuple[Status, ...] = ()
    for day, linked in steps:
        known = updated(known, {} if linked is None else {"s1": linked}, f"2026-{day}")
    (found,) = known
    return found


def told(*steps: tuple[str, Linked | None]) -> tuple[str, str, list[tuple[str, str | None]]]:
    one = exported(*steps)
    return one.change, one.changed[5:], [(p.begin[5:], p.end and p.end[5:]) for p in one.periods]


def test_without_dates_the_days_of_exports_count() -> None:
    first = ("11-01", NO_DATES)
    assert told(first) == ("start", "11-01", [("11-01", None)])
    assert told(first, ("11-08", NO_DATES)) == ("start", "11-01", [("11-01", None)])
    gone = (first, ("11-08", None))
    assert told(*gone) == ("end", "11-08", [("11-01", "11-08")])
    assert told(*gone, ("11-15", None)) == ("end", "11-08", [("11-01", "11-08")])
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


LINKED = st.dictionaries(
    st.sampled_from(["s1", "s2", "s3"]),
    st.sampled_from(
        [NO_DATES, stated(period("03-04")), stated(period("03-04", "05-01"), period("06-01"))]
    ),
)


@given(st.lists(LINKED, max_size=5))
def test_the_same_again_changes_nothing_and_nobody_is_forgotten(
    weeks: list[dict[str, Linked]],
) -> None:
    known: tuple[Status, ...] = ()
    for day, linked in enumerate(weeks, start=10):
        before = {one.student for one in known}
        known = updated(known, linked, f"2026-11-{day}")
        assert updated(known, linked, f"2026-11-{day}") == known
        assert updated(known, linked, f"2026-12-{day}") == known
        assert {one.student for one in known} == before | linked.keys()
        for one in known:
            assert (one.periods[-1].end is None) == (one.student in linked)
            assert [p.begin for p in one.periods] == sorted({p.begin for p in one.periods})


ENDED = Status(
    student="s1",
    organizations=("255901", "255902"),
    periods=(period("03-04", "05-01"), period("06-01")),
    change="start",
    changed="2026-11-01",
)


def test_a_line_for_ed_fi_is_what_its_description_asks_for() -> None:
    lines = [json.loads(line) for line in ed_fi_lines([ENDED])]
    for line in lines:
        jsonschema.validate(line, ED_FI_SCHEMA, format_checker=jsonschema.FormatChecker())
    assert [line["educationOrganizationReference"]["educationOrganizationId"] for line in lines] == [
        255901, 255902,
    ]  # fmt: skip
    assert lines[0]["studentCharacteristics"][0]["periods"] == [
        {"beginDate": "2026-03-04", "endDate": "2026-05-01"},
        {"beginDate": "2026-06-01"},
    ]


@pytest.mark.parametrize(
    "changed", [{"student": "s" * 33}, {"organizations": ("North",)}, {"organizations": ("0",)}]
)
def test_an_id_that_ed_fi_does_not_take_is_refused_without_saying_it(
    changed: dict[str, Any],
) -> None:
    with raises(ExportError, "^student 1 of the export has an ID or organization") as found:
        list(ed_fi_lines([ENDED.model_copy(update=changed)]))
    assert "sss" not in str(found.value)


def test_csv_and_ceds_have_a_row_for_each_period() -> None:
    formula = ENDED.model_copy(update={"student": "=1+1", "organizations": ("255901",)})
    assert list(ceds_rows([formula])) == [
        ("'=1+1", "255901", "1", "2026-03-04", "2026-05-01"),
        ("'=1+1", "255901", "1", "2026-06-01", ""),
    ]
    assert list(csv_rows([formula])) == [
        ("'=1+1", "255901", "2026-03-04", "2026-05-01", "", ""),
        ("'=1+1", "255901", "2026-06-01", "", "start", "2026-11-01"),
    ]
