"""The parts that pages are made of: tables, words, charts, what is due, small counts."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rigs.linkage import POLICY

from app.destruction.dues import dues_of
from app.runs.counts import NOTHING_SHOWN, Found, NotLinked, Step, hide_small, histogram_of
from app.web.answer import json_stream
from app.web.pages.deliveries import state_of
from app.web.project_words import run_sentence
from app.web.rendering import show_duration, show_time
from app.web.run_figures import RunFigures, rate_words
from app.web.table import Table
from app.web.weights import (
    AT_AUTO,
    AT_REVIEW,
    AUTO,
    BELOW,
    REVIEW,
    probability_words,
    table_rows,
    weight_chart,
    weight_rows,
)
from schemas.documents.canonical import parse_json
from schemas.documents.printable import inert
from schemas.shared.amounts import byte_size, plain_time, shown
from schemas.shared.page import nice_ticks

NOW = "2026-09-10T00:00:00Z"
CELLS = st.one_of(st.none(), st.integers(), st.text(st.characters(exclude_categories=["Cs"])))


def written(table: Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(table.to_csv()).decode(), newline="")))


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3)))
def test_a_table_reads_back_as_it_was(rows: list[list[Any]]) -> None:
    found = written(Table(("a", "b", "c"), rows))
    assert found[0] == ["a", "b", "c"]
    for row, given_row in zip(found[1:], rows, strict=True):
        for cell, value in zip(row, given_row, strict=True):
            assert cell == inert("" if value is None else str(value))


def test_no_cell_is_a_formula_for_a_spreadsheet_and_values_are_written_plainly() -> None:
    for start in ("=", "+", "-", "@", "\t", "\r"):
        assert written(Table(("a",), [(f"{start}1+1",)]))[1] == [f"'{start}1+1"], start
    # A number below zero stays a number.
    assert written(Table(("a",), [(-3,)]))[1] == ["-3"]
    # Yes and no are written in words.
    assert written(Table(("a", "b"), [(True, False)]))[1] == ["yes", "no"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_a_streamed_list_is_json(items: list[str]) -> None:
    text = b"".join(json_stream({"of": "x"}, "items", iter(items)))
    assert parse_json(text) == {"of": "x", "items": items}
    assert parse_json(b"".join(json_stream({}, "items", items))) == {"items": items}


def test_times_and_counts_are_shown_as_they_are_read() -> None:
    assert plain_time("2026-09-01T06:00:00Z") == "2026-09-01 06:00:00"
    assert show_time(None) == "never"
    assert show_time("2026-09-01") == '<time datetime="2026-09-01">2026-09-01</time>'
    # A count below the floor is said to be so.
    assert shown(None) == "not shown"
    assert shown(1234567) == "1,234,567"


def test_sizes_have_units_and_durations_two_of_them() -> None:
    for size, words in (
        (0, "0 bytes"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (2**60, "1,048,576.0 TiB"),
    ):
        assert byte_size(size) == words, size
    for seconds, words in (
        (0, "0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (90061, "1 d 1 h"),
    ):
        assert show_duration(seconds) == words, seconds


COUNTS = st.lists(st.integers(0, 60), max_size=12)


@given(COUNTS, st.integers(0, 30))
def test_no_count_is_hidden_without_need(counts: list[int], floor: int) -> None:
    shown = hide_small(counts, floor)
    kept = [count for count in counts if count >= floor]
    if sum(count for count in counts if count < floor) >= floor or len(kept) == len(counts):
        assert [count for count in shown if count is not None] == kept


BOUNDS = POLICY.model_copy(update={"auto": "0.9", "review": "0.05"})


def steps_of(pairs: list[int], auto: int, review: int) -> tuple[Step, ...]:
    """Return steps of one bit from 1 on, of which `auto` pairs are linked, by a floor of 10.

    Linked is from 3.17 bits on, so that the third step has pairs of both bands.
    """
    run: Any = SimpleNamespace(histogram=json.dumps(list(enumerate(pairs, 1))))
    found = Found(sum(pairs), auto, review, 0, 0, 0, (), 0)
    return histogram_of(run, found, BOUNDS, 10, NOTHING_SHOWN)


def test_steps_are_of_one_bit_without_a_gap() -> None:
    run: Any = SimpleNamespace(histogram=json.dumps([[-2, 20], [1, 30]]))
    whole_bits = BOUNDS.model_copy(update={"review": "0.5"})
    not_linked = NotLinked(30, 10, 0)
    found = Found(50, 20, 20, 0, 0, 0, (), 0)
    steps = histogram_of(run, found, whole_bits, 0, not_linked)
    assert steps == (Step(-2, 20), Step(-1, 0), Step(0, 0), Step(1, 30))


def test_there_are_no_steps_nor_a_chart_where_nothing_is_shown() -> None:
    run: Any = SimpleNamespace(histogram=None)
    assert histogram_of(run, None, BOUNDS, 10, NOTHING_SHOWN) == ()
    # There is no chart of steps that are all hidden.
    assert weight_chart([Step(1, None), Step(2, None)], BOUNDS, 10) is None


def test_small_steps_are_protected_and_do_not_add_up_to_a_hidden_number() -> None:
    shown = [step.pairs for step in steps_of([20, 30, 40, 50, 60, 70], 115, 150)]
    assert None in shown
    # Small steps are protected on either side of the auto bound.
    shown = [step.pairs for step in steps_of([20, 3, 5, 60, 70, 80], 215, 20)]
    assert shown == [None, None, None, None, 70, 80]


def test_a_step_says_where_it_lies() -> None:
    # The bounds, probabilities of 0.05 and 0.9, are at -4.2 and 3.2 bits.
    steps = [Step(at, 50) for at in (-6, -5, -4, 2, 3, 4)]
    assert [row.place for row in weight_rows(steps, BOUNDS)] == [
        BELOW, AT_REVIEW, REVIEW, REVIEW, AT_AUTO, AUTO,
    ]  # fmt: skip
    whole = [Step(at, 50) for at in range(-6, 5)]
    chart = weight_chart(whole, BOUNDS, 10)
    assert chart is not None
    assert re.findall(r">([a-z ]+ from [.0-9]+)<", chart) == [
        "sent to review from 0.05",
        "linked from 0.9",
    ]
    assert set(re.findall(r'<rect class="(\w+)"', chart)) == {"reject", "review", "auto"}
    assert weight_chart([], BOUNDS, 10) is None


def test_neighbouring_hidden_steps_with_one_outcome_are_one_row() -> None:
    steps = [Step(-8, None), Step(-7, None), Step(-6, 20), Step(0, None), Step(1, None)]
    rows = table_rows(weight_rows(steps, BOUNDS))
    assert [(row.start, row.end, row.pairs) for row in rows] == [
        (-8, -6, None), (-6, -5, 20), (0, 2, None),
    ]  # fmt: skip


@pytest.mark.parametrize(("linked", "most"), [(None, None), (60, 40), (95, None)])
def test_no_more_matches_are_missed_than_records_are_not_linked(
    linked: int | None, most: int | None
) -> None:
    view: Any = SimpleNamespace(
        counts=SimpleNamespace(auto_pairs=linked), specification=SimpleNamespace(floor=10)
    )
    assert RunFigures(view, NOTHING_SHOWN, larger=200, smaller=100).missed == most


@given(st.integers(0, 10**12))
def test_ticks_are_few_round_and_reach_the_largest(largest: int) -> None:
    ticks = nice_ticks(largest)
    step = ticks[1]
    assert 2 <= len(ticks) <= 6
    assert ticks[0] == 0
    assert ticks[-1] >= largest
    assert ticks == list(range(0, ticks[-1] + 1, step))
    assert str(step).rstrip("0") in {"1", "2", "5"}


def upload(**changes: Any) -> Any:
    stated = {
        "id": "upl-1",
        "party": "a-party",
        "state": "committed",
        "created": "2026-09-01T00:00:00Z",
        "expires": "2026-09-02T00:00:00Z",
        "committed": "2026-09-01T01:00:00Z",
        "keep_until": "2026-09-20T00:00:00Z",
    }
    return SimpleNamespace(**{**stated, **changes})


def release(**changes: Any) -> Any:
    stated = {
        "id": "rel-1",
        "recipient": "a-party",
        "created": "2026-09-01T00:00:00Z",
        "keep_until": "2026-09-15T00:00:00Z",
        "destroyed": None,
    }
    return SimpleNamespace(**{**stated, **changes})


def record(**changes: Any) -> Any:
    stated = {"run": "run-1", "keep_until": "2026-09-14T00:00:00Z", "destroyed": None}
    return SimpleNamespace(**{**stated, **changes})


def review(**changes: Any) -> Any:
    stated = {
        "run": "run-1",
        "created": "2026-09-05T00:00:00Z",
        "deadline": "2026-09-19T00:00:00Z",
        "keep_until": None,
        "destroyed": None,
    }
    return SimpleNamespace(**{**stated, **changes})


def dues(**held: Any) -> list[Any]:
    kinds = ("uploads", "releases", "records", "messages", "reviews", "deliveries")
    return dues_of(NOW, **{kind: held.get(kind, []) for kind in kinds})


def test_what_is_due_first_is_at_the_top() -> None:
    message: Any = SimpleNamespace(
        kind="claims",
        round=3,
        party="k12",
        received="2026-09-01T00:00:00Z",
        keep_until="2026-09-12T00:00:00Z",
        destroyed=None,
    )
    found = dues(
        uploads=[upload()],
        releases=[release()],
        records=[record()],
        messages=[message],
        reviews=[review()],
    )
    assert found[0].what == "sealed claims of round 3"
    assert [due.object for due in found] == [None, "run-1", "rel-1", "run-1", "upl-1"]
    assert found[3].what == "questions, cards and decisions of a review"
    assert [due.days_left(datetime(2026, 9, 10, tzinfo=UTC)) for due in found] == [2, 4, 5, 9, 10]


def test_an_unfinished_upload_is_due_when_it_expires() -> None:
    (due,) = dues(uploads=[upload(state="open", committed=None, keep_until=None)])
    assert (due.due, due.what) == ("2026-09-02T00:00:00Z", "encodings of an unfinished upload")
    assert due.state == "overdue"


def test_what_has_ended_but_is_still_there_says_so() -> None:
    ended = dues(
        uploads=[upload(state="destroyed")],
        releases=[release(destroyed=NOW)],
        records=[record(destroyed=NOW)],
        reviews=[review(keep_until=NOW, destroyed=NOW)],
    )
    assert [due.state for due in ended] == ["ended"] * 4
    (over,) = dues(reviews=[review(keep_until=NOW)])
    assert over.state == "overdue"


def test_a_delivery_is_due_as_long_as_it_is_kept_or_until_it_was_replaced() -> None:
    stated = {
        "id": "dlv-1",
        "round": 3,
        "sender": "k12",
        "received": "2026-09-01T00:00:00Z",
        "keep_until": "2026-09-12T00:00:00Z",
        "destroyed": None,
    }
    (due,) = dues(deliveries=[SimpleNamespace(**stated)])
    assert (due.what, due.object, due.party) == ("sealed delivery of round 3", "dlv-1", "k12")
    assert due.state == "held"
    (ended,) = dues(deliveries=[SimpleNamespace(**{**stated, "destroyed": NOW})])
    assert ended.state == "ended"


def test_what_became_of_a_delivery_is_said_in_words() -> None:
    none = {"keep_until": NOW} | dict.fromkeys(("fetched", "opened", "fault", "replaced", "ended"))
    said = {
        name: state_of(cast(Any, SimpleNamespace(**{**none, **changes})))
        for name, changes in {
            "waits": {},
            "fetched": {"fetched": NOW},
            "opened": {"fetched": NOW, "opened": NOW, "replaced": NOW},
            "fault": {"fetched": NOW, "fault": "unreadable"},
            "replaced": {"replaced": NOW, "ended": NOW},
            "expired": {"ended": NOW},
            "destroyed": {"ended": NOW, "keep_until": "2026-09-11T00:00:00Z"},
        }.items()
    }
    assert said == {
        "waits": ("wait", "waits for its recipient"),
        "fetched": ("wait", "fetched"),
        "opened": ("good", "opened"),
        "fault": ("bad", "not used: it could not be opened"),
        "replaced": ("wait", "replaced, and never fetched"),
        "expired": ("bad", "expired, and never fetched"),
        "destroyed": ("bad", "destroyed, and never fetched"),
    }


def test_a_run_says_what_it_does_or_why_it_ended() -> None:
    assert run_sentence("queued", "waiting", None) == "It waits for its turn."
    assert "approved" in run_sentence("awaiting", "waiting", None)
    assert "key-gone" in run_sentence("failed", "done", "key-gone")
    assert run_sentence("succeeded", "done", None) == ""


@pytest.mark.parametrize(
    ("bits", "shown"),
    [(0, "0.50"), (1, "0.67"), (-5, "0.030"), (7, "0.9922"), (16, "0.999985"), (-16, "0.000015")],
)
def test_a_weight_has_a_match_probability(bits: int, shown: str) -> None:
    assert probability_words(bits) == shown


def test_a_share_says_nothing_where_one_of_its_numbers_is_hidden() -> None:
    assert rate_words(210, 400) == "52.5%"
    assert rate_words(21, 210, of_hundred=True) == "0.10%"
    assert rate_words(None, 400) == rate_words(3, None) == rate_words(3, 0) == "not shown"
