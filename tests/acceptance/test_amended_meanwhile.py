"""Another agreement comes into force between what a job reads and what it signs: the job goes on under it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rigs.agreed import amend, approve_runs
from rigs.agreement import PROJECT, AgreementRig
from rigs.agreement_moments import agree, rig_at, verified
from rigs.moments import Moments

import app.uploads.commit as commit_module
from app.agreements.service import all_versions
from schemas.reports.audit_pack import Sample

STANDING = ("approve", "--standing", "--until", "2027-08-31", "--runs", "9", "--yes")


def get_ready(rig: AgreementRig) -> None:
    for name in ("ann", "kim"):
        rig.desks[name].ok(*STANDING)
    rig.get_ready()


@pytest.fixture
def rig(tmp_path: Path, moments: Moments) -> Iterator[AgreementRig]:
    with rig_at(tmp_path, moments, ("agreed", agree), ("approved, ready", get_ready)) as made:
        yield made


def amended(rig: AgreementRig) -> None:
    """Let all parties sign what keeps encodings for fewer days, and approve runs under that, all at once."""
    with rig.broker.database.read() as session:
        newest = all_versions(session, PROJECT)[0]
    terms = newest.agreement.to_json()["retention"]
    kept = terms | {"keep_encodings_days": terms["keep_encodings_days"] - 1}
    people = rig.people.values()
    following = amend(rig.broker, newest.agreement, newest.profile, people, retention=kept)
    approve_runs(rig.broker, following, people)


def amended_before(
    rig: AgreementRig, *asks: str, then: Callable[[], object] = lambda: None
) -> list[str]:
    """Let an amendment come into force just before the first request like each of these.

    Args:
        then: what someone else does under it, before the request arrives.

    Returns:
        Before which of them it was, so far.
    """
    met: list[str] = []

    def before(request: httpx2.Request) -> None:
        asked = f"{request.method} {request.url.path}"
        for one in asks:
            if one not in met and re.fullmatch(one, asked):
                met.append(one)
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


LOGGED = {
    r"POST /v1/projects/[^/]+/rounds/1": "round-opened",
    r"POST /v1/uploads/[^/]+/commit": "upload-received",
    r"GET /v1/releases/[^/]+/file": "release-fetched",
    r"PUT /v1/projects/[^/]+/rounds/1/claims/\w+": "claims-received",
    r"POST /v1/releases/[^/]+/verification": "release-verified",
}


def test_a_job_goes_on_under_the_agreement_that_binds_since_whenever_that_comes(
    rig: AgreementRig,
) -> None:
    met = amended_before(rig, *LOGGED)
    refreshed(rig)
    assert {*met} == {*LOGGED}
    binding, n_later = [], 0
    for entry in rig.near.log_entries():
        if entry["kind"] == "agreement-in-force":
            binding.append(entry["agreement"])
        elif entry["kind"] in LOGGED.values():
            assert entry["agreement"] == binding[-1], entry
            n_later += len(binding) > 1
    assert len({*binding}) == 1 + len(LOGGED)
    assert n_later >= len(LOGGED)
    verified(rig)


def test_a_job_goes_on_where_a_partner_opens_the_round_under_the_next_agreement(
    rig: AgreementRig,
) -> None:
    kim = rig.desks["kim"]
    met = amended_before(
        rig, r"GET /v1/projects/[^/]+/rounds", then=lambda: kim.type("refresh", "--begin")
    )
    said = rig.desks["bob"].type("refresh", "--begin")
    assert (said.exit_code, bool(met)) == (7, True), said.stderr
    assert "another agreement binds the project now" in said.stderr
    refreshed(rig)
    # What an auditor drew is opened after an amendment.
    ended = next(one for one in rig.near.log_entries() if one["kind"] == "run-finished")
    sample = Sample(
        project=PROJECT,
        run=ended["object"],
        match_record=ended["body"]["match_record_root"],
        seed="spring",
        numbers=(1,),
    )
    folder = rig.desks["bob"].folder
    asked, pack = folder / "sample.json", folder / "welfare.pack"
    asked.write_bytes(sample.to_canonical())
    amended(rig)
    rig.desks["bob"].ok("audit-pack", "--sample", str(asked), "-o", str(pack))
    verified(rig)


def test_a_job_goes_on_with_links_that_are_owed_under_the_agreement_that_binds_since(
    rig: AgreementRig,
) -> None:
    bob, kim = rig.desks["bob"], rig.desks["kim"]
    for desk in (bob, kim):
        desk.ok("encode")
    # A command says that another agreement binds, and goes on when repeated.
    met = amended_before(rig, r"POST /v1/uploads/[^/]+/commit")
    said = bob.type("upload")
    assert (said.exit_code, bool(met)) == (1, True)
    assert "repeat the command" in said.stderr
    for desk in (bob, kim):
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
    verified(rig)


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
    verified(rig)
