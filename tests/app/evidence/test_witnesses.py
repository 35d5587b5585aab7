"""Cosignatures over HTTP: whose are taken, and when a run is final."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from rigs.enrolled import EnrolledPerson
from rigs.linkage import (
    AUDITOR,
    CHILD_WELFARE,
    PROJECT,
    SCHOOL,
    Linkage,
    MakeLinkage,
    terms_of,
)
from rigs.refused_calls import refused

from app.auditor.verify import verify_bundle
from app.evidence import witnesses
from schemas.agreement.clauses import Finality
from schemas.api.bodies import CosignatureRequest, LogCheckpoint
from schemas.api.runs import RunFinality, RunView
from schemas.linkage.run import Recipient
from schemas.matchlog.checkpoint import cosign, parse_checkpoint
from schemas.signing.note import COSIGNER_KEY, NoteSigner


def person_of(linkage: Linkage, party: str) -> EnrolledPerson:
    duty = "auditor" if party == AUDITOR else "analyst"
    return EnrolledPerson.confirmed(linkage.founded, linkage.client, party, duty)


def signer_of(person: EnrolledPerson) -> NoteSigner:
    identity = person.identity
    return NoteSigner(identity.public.party, identity.keys.signing_key, COSIGNER_KEY)


def newest(linkage: Linkage) -> Any:
    found = LogCheckpoint.from_json(linkage.get("/v1/log/checkpoint").json())
    return parse_checkpoint(found.checkpoint.encode())


def offer(linkage: Linkage, person: EnrolledPerson, *, off_s: int = 0) -> CosignatureRequest:
    """Return a cosignature of the newest checkpoint."""
    checkpoint, note = newest(linkage)
    signer = signer_of(person)
    time_s = int(linkage.founded.clock().timestamp()) + off_s
    line = cosign(note.text, signer, time_s).line
    return CosignatureRequest(size=checkpoint.size, key=signer.verifier_key.text, line=line)


def send(linkage: Linkage, person: EnrolledPerson, request: CosignatureRequest) -> Any:
    return person.call("POST", "/v1/log/cosignatures", json=request.to_json())


def finality(linkage: Linkage, run: str) -> RunFinality | None:
    view = linkage.get(f"/v1/runs/{run}").json()
    (listed,) = linkage.get(f"/v1/projects/{PROJECT}/runs").json()["runs"]
    assert listed["finality"] == view["finality"]
    return RunView.from_json(view).finality


def test_a_cosignature_of_this_log_by_the_callers_own_key_is_taken_and_stands_in_the_bundle(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier, _ = newest(linkage)
    person, other = person_of(linkage, SCHOOL), person_of(linkage, CHILD_WELFARE)
    request = offer(linkage, person)
    answer = send(linkage, person, request)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["party"], answer.json()["size"]) == (SCHOOL, request.size)
    assert send(linkage, person, request).json() == answer.json()
    day = int(timedelta(days=1).total_seconds())
    for name, wrong, refusal in (
        ("of another", offer(linkage, other), (409, "not-a-witness")),
        ("late", offer(linkage, person, off_s=day + 2), (422, "cosignature-refused")),
        ("bent", bent(request, line=request.line[:-4] + "AA=\n"), (422, "cosignature-refused")),
        ("of another size", bent(request, size=earlier.size), (422, "cosignature-refused")),
        ("of no size", bent(request, size=10**6), (404, "not-in-log")),
    ):
        assert refused(send(linkage, person, wrong)) == refusal, name
    headers = linkage.as_party(SCHOOL)
    keyless = linkage.client.post("/v1/log/cosignatures", json=request.to_json(), headers=headers)
    assert refused(keyless) == (409, "not-a-witness")
    bundle = linkage.get("/v1/log/bundle", "operator", "operator").content
    assert request.line.encode() in bundle
    assert request.key.encode() in bundle
    # Of a party no more persons cosign than have a place.
    monkeypatch.setattr(witnesses, "MAX_WITNESSES", 1)
    second = person_of(linkage, SCHOOL)
    late = send(linkage, second, offer(linkage, second))
    assert refused(late) == (422, "cosignature-refused")
    assert send(linkage, person, offer(linkage, person)).status_code == 200


def bent(request: CosignatureRequest, **changes: Any) -> CosignatureRequest:
    return request.model_copy(update=changes)


def test_a_run_is_final_when_enough_parties_of_the_project_have_cosigned_its_end(
    make_linkage: MakeLinkage,
) -> None:
    linkage = make_linkage(finality=Finality(cosigners=2, delays_release=True))
    linkage.founded.enrol("stranger")
    parties = {
        "providers": (SCHOOL, "stranger"),
        "recipients": (Recipient(party="stranger", mode="linked", space="shared"),),
    }
    linkage.add_project(terms_of(linkage.profile, project="another-project", **parties))
    school, auditor = person_of(linkage, SCHOOL), person_of(linkage, AUDITOR)
    linkage.upload_both()
    assert send(linkage, school, offer(linkage, school)).status_code == 200
    run = str(linkage.ask().json()["run"])
    assert finality(linkage, run) is None
    linkage.work()
    # What was cosigned before its end says nothing about it, nor what a party of another project cosigns.
    stranger = person_of(linkage, "stranger")
    assert send(linkage, stranger, offer(linkage, stranger)).status_code == 200
    assert finality(linkage, run) == RunFinality(cosigned_by=(), needed=2, is_final=False)
    listed = linkage.get(f"/v1/projects/{PROJECT}/releases", "operator", "operator").json()
    release, _ = listed["releases"]
    path = f"/v1/releases/{release['release']}/file"
    assert refused(linkage.get(path, release["recipient"])) == (409, "run-not-final")
    # Two persons of one party are one cosigner.
    for person in (school, person_of(linkage, SCHOOL)):
        assert send(linkage, person, offer(linkage, person)).status_code == 200
    half = RunFinality(cosigned_by=(SCHOOL,), needed=2, is_final=False)
    assert finality(linkage, run) == half
    assert refused(linkage.get(path, release["recipient"])) == (409, "run-not-final")
    assert send(linkage, auditor, offer(linkage, auditor)).status_code == 200
    whole = RunFinality(cosigned_by=(SCHOOL, AUDITOR), needed=2, is_final=True)
    assert finality(linkage, run) == whole
    assert linkage.get(path, release["recipient"]).status_code == 200
    bundle = linkage.get(f"/v1/log/bundle?project={PROJECT}").content
    verdict = verify_bundle(io.BytesIO(bundle))
    assert {SCHOOL, AUDITOR} <= verdict.cosigned.keys()


def test_without_a_clause_nobody_has_to_cosign(linkage: Linkage) -> None:
    linkage.upload_both()
    run = str(linkage.ask().json()["run"])
    linkage.work()
    assert finality(linkage, run) == RunFinality(cosigned_by=(), needed=0, is_final=True)
