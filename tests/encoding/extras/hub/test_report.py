"""The report of a hub: in the order in which somebody should look, and without a number that tells of few."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from vectors.round_report import round_report_vectors

from encoding.extras.hub.page import hub_page
from encoding.extras.hub.report import (
    HubReport,
    Outcome,
    SpokeSeen,
    State,
    hub_report,
    keep_outcome,
    kept_outcome,
)
from encoding.extras.hub.spokes import Spoke
from schemas.reports.round_report import RoundReport

NOW = "2026-10-25T23:00:00Z"
ROUND = RoundReport.from_canonical(round_report_vectors()["good"][0]["text"].encode())


def spoke(number: int) -> Spoke:
    return Spoke(f"d-{number}", f"District {number}", f"hub-d-{number}", {})


def outcome(number: int, state: State, message: str = "done", exit_code: int = 0) -> Outcome:
    return Outcome(
        project=f"hub-d-{number}", party=f"d-{number}", at=NOW, state=state, code="done",
        exit_code=exit_code, message=message, hint=None, warnings=(), seconds=1, round=3, linked_at=NOW,
        links=1, new=None, ended=None, changed=None,
    )  # fmt: skip


def linked(number: int, records: int, links: int, state: State = "linked") -> SpokeSeen:
    now = ROUND.now.model_copy(update={"records": records, "linked": links})
    report = ROUND.model_copy(update={"now": now, "floor": 10})
    return SpokeSeen(spoke(number), outcome(number, state), report)


def made(*found: SpokeSeen) -> HubReport:
    report = hub_report("hub", found, NOW)
    # As it is read again.
    return HubReport.from_canonical(report.to_canonical())


def test_those_come_first_that_need_somebody() -> None:
    report = made(
        linked(1, 900, 100),
        SpokeSeen(spoke(2), None, None),
        SpokeSeen(spoke(3), outcome(3, "late", "waits for d-3"), None),
        linked(4, 900, 100, "failed"),
    )
    assert [one.party for one in report.spokes] == ["d-4", "d-3", "d-1", "d-2"]
    assert report.states == {"failed": 1, "late": 1, "linked": 1, "new": 1}
    page = hub_page(report)
    assert "1 of 4 spokes need attention at the hub." in page
    assert "waits for d-3" in page
    assert "<script" not in page


def test_few_links_are_not_shown_and_do_not_follow_from_the_sum() -> None:
    report = made(linked(1, 900, 100), linked(2, 900, 200), linked(3, 900, 4))
    shown = {one.party: one.linked for one in report.spokes}
    assert report.linked == 304
    assert shown["d-3"] is None
    # Else it would be the sum less the others.
    assert list(shown.values()).count(None) == 2
    assert "not shown" in hub_page(report)
    alone = made(linked(1, 900, 4))
    assert (alone.linked, alone.spokes[0].linked) == (None, None)


COUNTING: dict[str, tuple[State, int, str]] = {
    "linked": ("linked", 0, "round 3: 4 records have a link ID"),
    "columns": ("idle", 0, "nothing is due; 4 of your rows have columns of d-1, in d-1.csv"),
    "a file": (
        "failed",
        3,
        "the file has 4 records that can be encoded, and the agreement takes 20",
    ),
    "held": ("failed", 8, "4 of 90 links in force end in round 4 (4.4%)"),
    "an alarm": ("failed", 9, "2 of 4 matches join records that do not share a row"),
}


def test_why_does_not_tell_the_numbers_that_are_left_out() -> None:
    for name, (state, exit_code, message) in COUNTING.items():
        few = replace(linked(1, 900, 4), outcome=outcome(1, state, message, exit_code))
        report = made(few, linked(2, 900, 200))
        line = next(one for one in report.spokes if one.party == "d-1")
        assert line.linked is None, name
        assert line.why, name
        assert re.findall("[0-9]+", line.why) == (["3"] if state == "linked" else []), name
        assert message not in hub_page(report), name
    # It is what the spoke said where that counts nobody.
    failed = SpokeSeen(spoke(1), outcome(1, "failed", "the trusted persons are damaged", 1), None)
    assert made(failed).spokes[0].why == "the trusted persons are damaged"


def test_an_outcome_is_kept_and_one_that_is_damaged_is_none(tmp_path: Path) -> None:
    keep_outcome(tmp_path, outcome(1, "late"))
    assert kept_outcome(tmp_path) == outcome(1, "late")
    next(tmp_path.iterdir()).write_bytes(b"{")
    assert kept_outcome(tmp_path) is None
