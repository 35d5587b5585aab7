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
from rigs.moments import Moments
from rigs.near_broker import NearBroker, small_profile

from encoding.packing.withdrawals import Withdrawn
from encoding.privacy_audit.results import Audit
from encoding.project.uploading import file_audit
from encoding.synth.people import Population, numbering
from encoding.synth.rehearsal import AS_OF
from encoding.workspace.workspace import open_workspace
from schemas.linkage.privacy_audit import PrivacyAudit

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
def pupils(
    near: NearBroker,
    welfare: Desk,
    schools: Desk,
    crowd: Callable[[int], Path],
    reach: Callable[..., Any],
) -> Desk:
    """The schools' desk with a file large enough for an audit, in an open round."""

    def open_a_round() -> None:
        crowd(N)
        welfare.type("refresh")

    reach(near, "open", open_a_round)
    return schools


def logged(near: NearBroker, party: str = "schools") -> PrivacyAudit | None:
    """Return what the match log says of the audit of a party's only upload."""
    (body,) = (
        one["body"]
        for one in near.log_entries()
        if one["kind"] == "upload-received" and one["actor"]["party"] == party
    )
    stated = body["privacy_audit"]
    return None if stated is None else PrivacyAudit.model_validate_json(json.dumps(stated))


def keep(desk: Desk, **changes: Any) -> str:
    """Keep an audit at a desk as if it had been made there; returns its digest."""
    stated: dict[str, Any] = {"records": N, "side": "larger", **changes}
    profile = stated.pop("profile", small_profile())
    return keep_passing_audit(
        desk.folder / "workspace", "foster-pupils", profile, **stated
    ).digest()


def replace_audit(monkeypatch: pytest.MonkeyPatch, desk: Desk, **changes: Any) -> list[str]:
    """Let no file be attacked, and an audit be kept in its place; returns what tells how often."""
    asked: list[str] = []

    def audited(*_: Any, **__: Any) -> Any:
        asked.append("audit")
        with open_workspace(desk.folder / "workspace").lock():
            kept = {"side": "larger", "records": N, **changes}
            place = desk.folder / "workspace", "foster-pupils", small_profile()
            return keep_passing_audit(*place, **kept)

    monkeypatch.setattr(file_audit, "audited", audited)
    return asked


def test_the_first_upload_is_attacked_in_full_by_itself_and_the_log_says_so(
    pupils: Desk, near: NearBroker
) -> None:
    # One against a partner of a chosen size counts for no upload.
    assert "goals" in pupils.type("privacy-audit", "--partner-records", "500").stdout
    assert not list((pupils.folder / "workspace" / "reports").glob("*privacy-audit*"))
    result = pupils.type("refresh")
    assert "one runs now" in result.stderr
    assert "attacked in 3 draws" in result.stderr
    stated = logged(near)
    assert stated is not None
    assert (stated.scope, stated.side, stated.records) == ("full", "larger", N)
    assert (stated.structure, stated.draws) == (0, 3)
    (kept,) = (pupils.folder / "workspace" / "reports").glob("*privacy-audit*")
    assert json.loads(kept.read_text())["statement"]["digest"] == stated.digest
    # The command that says where the linkage stands says it, too, beside what is agreed.
    named = next(one for one in stated.figures if one.measure == "named")
    told = f"named by a perfect list {float(named.mean):.2%} ({float(named.least):.2%} to"
    said = pupils.type("status").stdout
    assert told in said
    assert f"{float(named.most):.2%}; limit 10.00%)" in said
    # A file too small to be attacked states none.
    assert logged(near, "welfare") is None


def test_a_kept_audit_counts_while_the_file_is_much_the_same_and_else_one_is_made_anew(
    pupils: Desk, near: NearBroker, moments: Moments, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = moments.keep(near)
    for records in (480, 800):
        moments.go_to(near, begin)
        digest = keep(pupils, records=records)
        assert "one runs now" not in pupils.type("refresh").stderr, records
        stated = logged(near)
        assert stated is not None
        assert (stated.digest, stated.records) == (digest, records)
    # While it is made, the workspace is free for others.
    asked = replace_audit(monkeypatch, pupils)
    for change in (
        {"records": 479},
        {"records": 801},
        {"profile": small_profile(block_cap=2)},
        {"structure": 1},
        {"scope": "quick", "structure": 1},
    ):
        moments.go_to(near, begin)
        keep(pupils, **change)
        assert "logged as entry" in pupils.type("refresh").stderr, change
        assert asked == ["audit"], change
        asked.clear()


def test_a_goal_is_a_warning_and_structure_a_signed_limit_or_a_change_meanwhile_stops_encoding(
    pupils: Desk,
    near: NearBroker,
    moments: Moments,
    crowd: Callable[[int], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin = moments.keep(near)
    # The agreement of these tests allows a tenth.
    for change, words in (
        ({"named": 0.1001}, "limits.privacy.named"),
        ({"structure": 1}, "Signs: 1"),
    ):
        asked = replace_audit(monkeypatch, pupils, **change)
        for command in ("encode", "refresh"):
            result = pupils.type(command)
            assert result.exit_code == 1
            assert words in result.stderr
        # The same file has the same figures: what is kept says it without another attack.
        assert len(asked) == (1 if "named" in change else 2)
        assert not list((pupils.folder / "workspace" / "outbox").rglob("*.json"))
        moments.go_to(near, begin)
    replace_audit(monkeypatch, pupils, named=0.1)
    result = pupils.type("refresh")
    assert "warning: named\n" in result.stderr
    stated = logged(near)
    assert stated is not None
    assert [one.mean for one in stated.figures if one.measure == "named"] == ["0.1"]
    moments.go_to(near, begin)

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
    pupils: Desk, near: NearBroker
) -> None:
    workspace = open_workspace(pupils.folder / "workspace")
    withdrawn = Withdrawn(workspace.withdrawn("foster-pupils"), "foster-pupils", workspace.key())
    for number in range(N - 495):
        withdrawn.add(f"p{number}")
    assert "one runs now" not in pupils.type("refresh").stderr
    assert logged(near) is None
    told = json.loads(pupils.type("privacy-audit", "--side", "larger", "--json").stdout)
    assert told["records"] == 495


def test_the_same_file_has_the_same_figures_by_draws_that_the_agency_does_not_choose(
    pupils: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[int] = []

    def audit_file(*_: Any, seed: int, **__: Any) -> Audit:
        seeds.append(seed)
        return Audit(0, 0, 1.0)

    monkeypatch.setattr(file_audit, "audit_file", audit_file)
    for _ in range(2):
        assert pupils.type("privacy-audit", "--side", "larger").exit_code == 0
    assert seeds[:3] == seeds[3:]
    assert len(set(seeds)) == 3
