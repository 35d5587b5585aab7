"""The report of a hub: in the order in which somebody should look, and without a number that tells of few."""

from __future__ import annotations

from pathlib import Path

from vectors.round_report import round_report_vectors

from encoding.hub.outcomes import Outcome, State, keep_outcome, kept_outcome
from encoding.hub.page import hub_page
from encoding.hub.report import HubReport, SpokeSeen, hub_report
from encoding.hub.spokes import Spoke
from schemas.round_report import RoundReport

NOW = "2026-10-25T23:00:00Z"
ROUND = RoundReport.from_canonical(round_report_vectors()["good"][0]["text"].encode())


def spoke(number: int) -> Spoke:
    return Spoke(f"d-{number}", f"District {number}", f"hub-d-{number}", {})


def outcome(number: int, state: State, message: str = "done") -> Outcome:
    return Outcome(
        project=f"hub-d-{number}", party=f"d-{number}", at=NOW, state=state, code="done",
        exit_code=0, message=message, hint=None, warnings=(), seconds=1, round=3, linked_at=NOW,
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
    assert "1 of 4 spokes need somebody at the hub." in page
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


def test_one_spoke_with_few_links_is_not_told_by_the_sum() -> None:
    report = made(linked(1, 900, 4))
    assert (report.linked, report.spokes[0].linked) == (None, None)


def test_an_outcome_is_kept_and_one_that_is_damaged_is_none(tmp_path: Path) -> None:
    keep_outcome(tmp_path, outcome(1, "late"))
    assert kept_outcome(tmp_path) == outcome(1, "late")
    next(tmp_path.iterdir()).write_bytes(b"{")
    assert kept_outcome(tmp_path) is None
