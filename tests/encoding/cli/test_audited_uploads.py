"""Before a file is encoded it is attacked in full, unless an audit of much the same file counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from rigs.desk import Desk
from rigs.kept_audits import keep_passing_audit
from rigs.near_broker import NearBroker, small_profile

from encoding.cli.parts import file_audit
from encoding.packing.withdrawals import Withdrawn
from encoding.privacy_audit.goals import Outcome
from encoding.privacy_audit.results import Audit
from encoding.synth.people import Population, numbering
from encoding.synth.rehearsal import AS_OF
from encoding.workspace.workspace import open_workspace
from schemas.privacy_audit import PrivacyAudit

N = 600


@pytest.fixture
def crowd(write_people: Callable[..., Path]) -> Callable[[int], Path]:
    """Write the schools' file anew, with so many pupils."""

    def write(n: int) -> Path:
        families = Population(Random(3), AS_OF, in_care=False).families(
            numbering(), numbering(), (5, 19)
        )
        people = islice((person for family in families for person in family), n)
        rows = [
            (f"p{number}", one.first, one.last, one.birth.isoformat())
            for number, one in enumerate(people)
        ]
        return write_people(rows, "pupils.csv")

    return write


@pytest.fixture
def pupils(ready: NearBroker, welfare: Desk, schools: Desk, crowd: Callable[[int], Path]) -> Desk:
    """The schools' desk with a file large enough for an audit, in an open round."""
    crowd(N)
    welfare.type("refresh")
    return schools


def logged(ready: NearBroker, party: str = "schools") -> PrivacyAudit | None:
    """Return what the match log says of the audit of a party's only upload."""
    (body,) = (
        one["body"]
        for one in ready.log_entries()
        if one["kind"] == "upload-received" and one["actor"]["party"] == party
    )
    stated = body["privacy_audit"]
    return None if stated is None else PrivacyAudit.model_validate(stated)


def keep(desk: Desk, **changes: Any) -> str:
    stated: dict[str, Any] = {"records": N, "side": "larger", **changes}
    profile = stated.pop("profile", small_profile())
    return keep_passing_audit(
        desk.folder / "workspace", "foster-pupils", profile, **stated
    ).digest()


def test_the_first_upload_is_attacked_in_full_by_itself_and_the_log_says_so(
    pupils: Desk, ready: NearBroker
) -> None:
    result = pupils.type("refresh")
    assert "one runs now" in result.stderr
    assert "goals reached" in result.stderr
    stated = logged(ready)
    assert stated is not None
    assert (stated.scope, stated.side, stated.records, stated.passed) == ("full", "larger", N, True)
    (kept,) = (pupils.folder / "workspace" / "reports").glob("*privacy-audit*")
    assert json.loads(kept.read_text())["statement"]["digest"] == stated.digest


def test_an_audit_against_a_partner_of_a_chosen_size_counts_for_no_upload(pupils: Desk) -> None:
    assert "goals" in pupils.type("privacy-audit", "--partner-records", "500").stdout
    assert not list((pupils.folder / "workspace" / "reports").glob("*privacy-audit*"))
    assert "one runs now" in pupils.type("refresh").stderr


@pytest.mark.parametrize("records", [480, 800])
def test_a_kept_audit_counts_while_the_file_is_much_the_same(
    pupils: Desk, ready: NearBroker, records: int
) -> None:
    digest = keep(pupils, records=records)
    result = pupils.type("refresh")
    assert "one runs now" not in result.stderr
    stated = logged(ready)
    assert stated is not None
    assert (stated.digest, stated.records) == (digest, records)


@pytest.mark.parametrize(
    "change",
    [
        {"records": 479},
        {"records": 801},
        {"profile": small_profile(block_cap=2)},
        {"passed": False},
        {"passed": False, "scope": "quick"},
    ],
)
def test_what_does_not_count_is_made_anew(
    pupils: Desk, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    asked: list[str] = []

    def audited(*_: Any, **__: Any) -> Any:
        asked.append("audit")
        return keep_passing_audit(
            pupils.folder / "workspace", "foster-pupils", small_profile(), "larger", N
        )

    keep(pupils, **change)
    monkeypatch.setattr(file_audit, "audited", audited)
    assert "logged as entry" in pupils.type("refresh").stderr
    assert asked == ["audit"]


def test_a_file_whose_audit_misses_a_goal_is_not_encoded(
    pupils: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def audited(*_: Any, **__: Any) -> Any:
        return keep_passing_audit(
            pupils.folder / "workspace", "foster-pupils", small_profile(), "larger", N, passed=False
        )

    monkeypatch.setattr(file_audit, "audited", audited)
    for command in ("encode", "refresh"):
        result = pupils.type(command)
        assert result.exit_code == 1
        assert "blindlink privacy-audit --side larger" in result.stderr
    assert not list((pupils.folder / "workspace" / "outbox").rglob("*.json"))


def test_nobody_waits_for_the_attacks(pupils: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = open_workspace(pupils.folder / "workspace")

    def audited(*_: Any, **__: Any) -> Any:
        with workspace.lock():
            return keep_passing_audit(
                pupils.folder / "workspace", "foster-pupils", small_profile(), "larger", N
            )

    monkeypatch.setattr(file_audit, "audited", audited)
    assert "logged as entry" in pupils.type("refresh").stderr


def test_a_file_that_changes_during_the_attacks_is_not_encoded(
    pupils: Desk, crowd: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def audited(*_: Any, **__: Any) -> Any:
        crowd(2 * N)
        return keep_passing_audit(
            pupils.folder / "workspace", "foster-pupils", small_profile(), "larger", N
        )

    monkeypatch.setattr(file_audit, "audited", audited)
    result = pupils.type("encode")
    assert result.exit_code == 3
    assert "after its privacy audit" in result.stderr


def test_what_is_withdrawn_is_not_attacked_and_does_not_count(
    pupils: Desk, ready: NearBroker
) -> None:
    workspace = open_workspace(pupils.folder / "workspace")
    withdrawn = Withdrawn(workspace.withdrawn("foster-pupils"), "foster-pupils", workspace.key())
    for number in range(N - 495):
        withdrawn.add(f"p{number}")
    assert "one runs now" not in pupils.type("refresh").stderr
    assert logged(ready) is None
    told = json.loads(pupils.type("privacy-audit", "--side", "larger", "--json").stdout)
    assert told["records"] == 495


def test_draws_of_one_file_decide_together_and_none_comes_twice(
    pupils: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[int] = []
    luck: list[bool] = []

    def audit_file(*_: Any, seed: int, **__: Any) -> Audit:
        seeds.append(seed)
        return Audit(0, 0, 1.0)

    def judge_audit(*_: Any) -> tuple[Outcome, ...]:
        return (Outcome("shows-anything", "Nothing.", 0.0 if luck.pop(0) else 1.0, 0.0),)

    monkeypatch.setattr(file_audit, "audit_file", audit_file)
    monkeypatch.setattr(file_audit, "judge_audit", judge_audit)
    tries = [
        ([False, True, False], 1),
        ([False], 1),
        ([True, False], 1),
        ([True, True, True], 0),
        # It counts now; by hand it is drawn again all the same.
        ([True], 0),
    ]
    for drawn, status in tries:
        luck[:] = drawn
        result = pupils.type("privacy-audit", "--side", "larger")
        assert (result.exit_code, luck) == (status, []), drawn
    assert len(set(seeds)) == len(seeds) == sum(len(drawn) for drawn, _ in tries)


def test_a_file_too_small_to_be_attacked_states_no_audit(
    ready: NearBroker, welfare: Desk, schools: Desk
) -> None:
    assert "one runs now" not in welfare.type("refresh").stderr
    assert logged(ready, "welfare") is None
