"""Another agreement comes into force between what a job reads and what it signs: the job goes on under it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rigs.agreed import amend, approve_runs
from rigs.agreement import PROJECT, AgreementRig, agreement_rig

import app.uploads.commit as commit_module
from app.agreements.service import all_versions
from app.auditor.verify import verify_bundle
from app.matchlog.export import export_bundle
from schemas.audit_pack import Sample

STANDING = ("approve", "standing", "--until", "2027-08-31", "--runs", "9", "--yes")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[AgreementRig]:
    with agreement_rig(tmp_path) as made:
        fingerprint = made.agree()
        made.desks["bob"].ok("agreement", "accept", *fingerprint.split())
        for name in ("ann", "kim"):
            made.desks[name].ok(*STANDING)
        made.get_ready()
        yield made


def amended(rig: AgreementRig) -> None:
    """Let all parties sign what keeps encodings for fewer days, and approve runs under that, all at once."""
    with rig.broker.database.read() as session:
        newest = all_versions(session, PROJECT)[0]
    kept = newest.agreement.to_json()["retention"] | {"keep_encodings_days": 29}
    people = rig.people.values()
    following = amend(rig.broker, newest.agreement, newest.profile, people, retention=kept)
    approve_runs(rig.broker, following, people)


def amended_before(
    rig: AgreementRig, asks: str, then: Callable[[], object] = lambda: None
) -> list[str]:
    """Let an amendment come into force just before the first request like this; returns which that was.

    Args:
        then: what somebody else does under it, before the request arrives.
    """
    met: list[str] = []

    def before(request: httpx2.Request) -> None:
        asked = f"{request.method} {request.url.path}"
        if not met and re.fullmatch(asks, asked):
            met.append(asked)
            amended(rig)
            then()

    rig.near.courier.before = before
    return met


def refreshed(rig: AgreementRig) -> None:
    """Let both agencies' jobs run until they have their links."""
    for _ in range(6):
        for name in ("bob", "kim"):
            assert rig.desks[name].type("refresh", "--begin").exit_code in {0, 7}
            rig.work()
        if all((rig.desks[name].folder / "links.csv").exists() for name in ("bob", "kim")):
            return
    raise AssertionError("the jobs do not come to an end")


def require_verified(rig: AgreementRig) -> None:
    bundle = io.BytesIO()
    with rig.broker.database.read() as session:
        bundle.writelines(export_bundle(session))
    bundle.seek(0)
    verify_bundle(bundle)


@pytest.mark.parametrize(
    ("asks", "logged"),
    [
        (r"POST /v1/projects/[^/]+/rounds/1", "round-opened"),
        (r"POST /v1/uploads/[^/]+/commit", "upload-received"),
        (r"GET /v1/releases/[^/]+/file", "release-fetched"),
        (r"PUT /v1/projects/[^/]+/rounds/1/claims/\w+", "claims-received"),
        (r"POST /v1/releases/[^/]+/verification", "release-verified"),
    ],
)
def test_a_job_goes_on_under_the_agreement_that_binds_since(
    rig: AgreementRig, asks: str, logged: str
) -> None:
    met = amended_before(rig, asks)
    refreshed(rig)
    assert met
    entries = rig.near.log_entries()
    first, second = (one for one in entries if one["kind"] == "agreement-in-force")
    later = [one for one in entries if one["kind"] == logged and one["seq"] > second["seq"]]
    assert first["agreement"] != second["agreement"]
    assert {one["agreement"] for one in later} == {second["agreement"]}
    require_verified(rig)


def test_a_job_goes_on_where_a_partner_opens_the_round_under_the_next_agreement(
    rig: AgreementRig,
) -> None:
    kim = rig.desks["kim"]
    met = amended_before(
        rig, r"GET /v1/projects/[^/]+/rounds", lambda: kim.type("refresh", "--begin")
    )
    said = rig.desks["bob"].type("refresh", "--begin")
    assert (said.exit_code, bool(met)) == (7, True), said.stderr
    assert "another agreement binds the project now" in said.stderr
    refreshed(rig)
    require_verified(rig)


def test_a_job_goes_on_with_links_that_are_owed_under_the_agreement_that_binds_since(
    rig: AgreementRig,
) -> None:
    bob, kim = rig.desks["bob"], rig.desks["kim"]
    for desk in (bob, kim):
        desk.ok("encode")
        desk.ok("upload")
    rig.work()
    kim.type("links")
    # It ends without bob's claims.
    rig.pass_time(days=2)
    rig.near.sweep()
    met = amended_before(rig, r"GET /v1/releases/[^/]+/file")
    said = bob.ok("refresh")
    assert met
    assert "another agreement binds the project now" in said.stderr
    assert (bob.folder / "links.csv").exists()
    require_verified(rig)


def test_a_job_commits_anew_where_the_check_of_its_parts_took_longer_than_an_amendment(
    rig: AgreementRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, met = commit_module.check_parts, []

    def check_slowly(*given: Any) -> Any:
        checked = check(*given)
        if not met:
            met.append(given)
            amended(rig)
        return checked

    monkeypatch.setattr(commit_module, "check_parts", check_slowly)
    refreshed(rig)
    assert met
    require_verified(rig)


def test_a_command_says_that_another_agreement_binds_and_goes_on_when_repeated(
    rig: AgreementRig,
) -> None:
    bob = rig.desks["bob"]
    bob.ok("encode")
    met = amended_before(rig, r"POST /v1/uploads/[^/]+/commit")
    said = bob.type("upload")
    assert (said.exit_code, bool(met)) == (1, True)
    assert "repeat the command" in said.stderr
    bob.ok("upload")
    require_verified(rig)


def test_what_an_auditor_drew_is_opened_after_an_amendment(rig: AgreementRig) -> None:
    refreshed(rig)
    ended = next(one for one in rig.near.log_entries() if one["kind"] == "run-finished")
    sample = Sample(
        project=PROJECT,
        run=ended["object"],
        match_record=ended["body"]["match_record_root"],
        seed="spring",
        numbers=(1,),
    )
    bob = rig.desks["bob"]
    asked, pack = bob.folder / "sample.json", bob.folder / "welfare.pack"
    asked.write_bytes(sample.to_canonical())
    amended(rig)
    bob.ok("audit-pack", "--sample", str(asked), "-o", str(pack))
    require_verified(rig)
