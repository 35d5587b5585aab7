"""What needs someone is told with the worst first, and nothing is told where nothing does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from samples.agreement import AGREEMENT

from encoding.rounds.known_status import KnownStatus, keep_status, read_status
from encoding.sharing.agency_page import agency_page, summary
from encoding.sharing.agency_state import AgencyState, LogState, attention
from encoding.workspace.custody import LastBackup
from schemas.agreement.agreement import Agreement

RUN = "run-" + "7" * 32
LATE = {"what": "upload", "object": "round-2", "duty": "analyst", "since": "2026-11-22T22:00:00Z"}


def status(**changes: Any) -> KnownStatus:
    said = {
        "project": "foster-k12",
        "at": "2026-11-23T08:00:00Z",
        "stage": "done",
        "sentences": ["The next round is not due yet."],
        "owed": [],
        "command": None,
        "round": 2,
        "runs": [RUN],
        "final": [True],
        "approvals": [],
        "overdue": [],
    }
    return KnownStatus.from_json({"version": "blindlink/known-status/1"} | said | changes)


CALM = AgencyState(
    project="foster-k12",
    party="k12",
    made="2026-11-23T09:00:00Z",
    status=status(),
    is_current=True,
    agreement=Agreement.from_json(AGREEMENT),
    report=None,
    check={},
    is_same_file=False,
    secret=(),
    log=LogState("broker.example/log", 84, 84, None, is_settled=True, was_rewritten=False),
    frozen=(),
    encoded=2,
    backup=LastBackup("2026-11-23T07:00:00Z", 2),
    custody=None,
)
REWRITTEN = LogState("broker.example/log", 84, 84, None, is_settled=True, was_rewritten=True)


def test_nothing_is_told_where_nothing_needs_anybody() -> None:
    assert attention(CALM) == ()
    assert summary(CALM) == "nothing needs anybody now"
    assert "Nothing needs anybody now." in agency_page(CALM)


OVERDUE_HERE, OVERDUE_THERE = LATE | {"party": "k12"}, LATE | {"party": "other"}
ENDS = {"what": "agreement", "object": "agreement", "party": "k12", "duty": "steward"}
ENDING = status(overdue=[ENDS | {"since": "2027-08-01T00:00:00Z"}])
TOLD = (
    ({"status": status(overdue=[OVERDUE_HERE])}, "bad", "in your hands (duty analyst)"),
    ({"status": status(overdue=[OVERDUE_THERE])}, "note", "in the hands of other"),
    (
        {"status": status(approvals=[{"run": RUN, "step": "release"}])},
        "warn",
        "What a run has found waits for an approver of yours.",
    ),
    ({"status": status(owed=[["3 pairs wait.", "blindlink review"]])}, "warn", "3 pairs wait."),
    ({"status": status(stage="failed", command="x")}, "bad", "The run has failed."),
    ({"status": status(stage="held", command="x")}, "bad", "more would end than is agreed"),
    ({"status": status(stage="encode", command="x")}, "note", "waits for the next command"),
    ({"status": None}, "warn", "has not been asked yet"),
    ({"agreement": None}, "warn", "No agreement"),
    ({"made": "2027-08-20T09:00:00Z"}, "warn", "ends on 2027-08-31"),
    # What the broker tells, too, is told once.
    ({"made": "2027-08-20T09:00:00Z", "status": ENDING}, "bad", "in your hands (duty steward):"),
    ({"made": "2027-09-01T09:00:00Z"}, "bad", "ended on 2027-08-31"),
    ({"backup": None}, "warn", "No backup"),
    ({"encoded": 3}, "warn", "older than round 3"),
    ({"custody": "if this is lost: do that"}, "warn", "If this is lost"),
    ({"log": REWRITTEN}, "bad", "rewritten or cut off"),
)


def test_what_needs_somebody_is_told() -> None:
    for changes, standing, said in TOLD:
        state = replace(CALM, **changes)
        assert len(attention(state)) == 1, said
        (one,) = attention(state)
        assert (one.standing, said in one.sentence) == (standing, True), said
        assert said in agency_page(state)
        assert state.to_json()["attention"] == [
            {"standing": one.standing, "sentence": one.sentence, "command": one.command}
        ]


def test_the_last_word_of_the_broker_is_kept_and_a_damaged_one_is_none(tmp_path) -> None:
    path = tmp_path / "status.json"
    assert read_status(path) is None
    keep_status(path, status())
    assert read_status(path) == status()
    path.write_bytes(b"{}")
    assert read_status(path) is None
    old = agency_page(replace(CALM, is_current=False))
    assert "The broker does not answer. What it is asked for is as of 2026-11-23 08:00 UTC" in old
