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
    embedded_database,
    linkage,
    make_linkage,
    terms_of,
)

from app.auditor.verify import verify_bundle
from app.evidence import witnesses
from schemas.api import CosignatureRequest, LogCheckpoint, RunFinality, RunView
from schemas.clauses import Finality
from schemas.matchlog.checkpoint import cosign, parse_checkpoint
from schemas.matchlog.note import COSIGNER_KEY, NoteSigner
from schemas.run import Recipient

__all__ = ["embedded_database", "linkage", "make_linkage"]


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


def refusal_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rsplit(":", 1)[1]


def finality(linkage: Linkage, run: str) -> RunFinality | None:
    view = linkage.get(f"/v1/runs/{run}").json()
    (listed,) = linkage.get(f"/v1/projects/{PROJECT}/runs").json()["runs"]
    assert listed["finality"] == view["finality"]
    return RunView.from_json(view).finality


def test_a_cosignature_by_the_callers_own_key_is_taken_and_stands_in_the_bundle(
    linkage: Linkage,
) -> None:
    person = person_of(linkage, SCHOOL)
    request = offer(linkage, person)
    answer = send(linkage, person, request)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["party"], answer.json()["size"]) == (SCHOOL, request.size)
    bundle = linkage.get("/v1/log/bundle", "operator", "operator").content
    assert request.line.encode() in bundle
    assert request.key.encode() in bundle


def test_the_same_again_changes_nothing(linkage: Linkage) -> None:
    person = person_of(linkage, SCHOOL)
    request = offer(linkage, person)
    assert send(linkage, person, request).json() == send(linkage, person, request).json()


def test_who_has_no_keys_cannot_cosign(linkage: Linkage) -> None:
    request = offer(linkage, person_of(linkage, SCHOOL))
    headers = linkage.as_party(SCHOOL)
    answer = linkage.client.post("/v1/log/cosignatures", json=request.to_json(), headers=headers)
    assert refusal_of(answer) == (409, "not-a-witness")


def test_another_persons_cosignature_is_refused(linkage: Linkage) -> None:
    mine, other = person_of(linkage, SCHOOL), person_of(linkage, CHILD_WELFARE)
    assert refusal_of(send(linkage, mine, offer(linkage, other))) == (409, "not-a-witness")


@pytest.mark.parametrize("fault", ["line", "size", "time"])
def test_what_is_not_over_this_log_now_is_refused(linkage: Linkage, fault: str) -> None:
    earlier, _ = newest(linkage)
    person = person_of(linkage, SCHOOL)
    day = int(timedelta(days=1).total_seconds())
    request = offer(linkage, person, off_s=day + 2 if fault == "time" else 0)
    if fault == "line":
        request = request.model_copy(update={"line": request.line[:-4] + "AA=\n"})
    if fault == "size":
        request = request.model_copy(update={"size": earlier.size})
    assert refusal_of(send(linkage, person, request)) == (422, "cosignature-refused")


def test_a_size_that_the_log_never_signed_is_not_found(linkage: Linkage) -> None:
    person = person_of(linkage, SCHOOL)
    request = offer(linkage, person).model_copy(update={"size": 10**6})
    assert refusal_of(send(linkage, person, request)) == (404, "not-in-log")


def test_no_more_persons_of_a_party_cosign_than_have_a_place(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnesses, "MAX_WITNESSES", 1)
    first, second = person_of(linkage, SCHOOL), person_of(linkage, SCHOOL)
    assert send(linkage, first, offer(linkage, first)).status_code == 200
    assert refusal_of(send(linkage, second, offer(linkage, second))) == (422, "cosignature-refused")
    assert send(linkage, first, offer(linkage, first)).status_code == 200


class TestFinality:
    """A project whose terms ask for two cosigners before a release is fetched."""

    @pytest.fixture
    def linkage(self, make_linkage: MakeLinkage) -> Linkage:
        return make_linkage(finality=Finality(cosigners=2, delays_release=True))

    def test_a_run_is_final_when_enough_parties_have_cosigned_its_end(
        self, linkage: Linkage
    ) -> None:
        school, auditor = person_of(linkage, SCHOOL), person_of(linkage, AUDITOR)
        linkage.upload_both()
        assert send(linkage, school, offer(linkage, school)).status_code == 200
        run = str(linkage.ask().json()["run"])
        assert finality(linkage, run) is None
        linkage.work()
        # What was cosigned before its end says nothing about it.
        assert finality(linkage, run) == RunFinality(cosigned_by=(), needed=2, is_final=False)
        (release, _) = linkage.get(
            f"/v1/projects/{PROJECT}/releases", "operator", "operator"
        ).json()["releases"]
        path = f"/v1/releases/{release['release']}/file"
        assert refusal_of(linkage.get(path, release["recipient"])) == (409, "run-not-final")
        assert send(linkage, school, offer(linkage, school)).status_code == 200
        assert refusal_of(linkage.get(path, release["recipient"])) == (409, "run-not-final")
        assert send(linkage, auditor, offer(linkage, auditor)).status_code == 200
        assert finality(linkage, run) == RunFinality(
            cosigned_by=(SCHOOL, AUDITOR), needed=2, is_final=True
        )
        assert linkage.get(path, release["recipient"]).status_code == 200
        bundle = linkage.get(f"/v1/log/bundle?project={PROJECT}").content
        verdict = verify_bundle(io.BytesIO(bundle))
        assert {SCHOOL, AUDITOR} <= verdict.cosigned.keys()

    def test_two_persons_of_one_party_are_one_cosigner(self, linkage: Linkage) -> None:
        linkage.upload_both()
        run = str(linkage.ask().json()["run"])
        linkage.work()
        for _ in range(2):
            person = person_of(linkage, SCHOOL)
            assert send(linkage, person, offer(linkage, person)).status_code == 200
        assert finality(linkage, run) == RunFinality(
            cosigned_by=(SCHOOL,), needed=2, is_final=False
        )

    def test_a_party_that_has_no_part_in_the_project_does_not_count(self, linkage: Linkage) -> None:
        linkage.founded.enrol("stranger")
        parties = {
            "providers": (SCHOOL, "stranger"),
            "recipients": (Recipient(party="stranger", mode="linked", space="shared"),),
        }
        other = terms_of(linkage.profile, project="another-project", **parties)
        linkage.add_project(other)
        linkage.upload_both()
        run = str(linkage.ask().json()["run"])
        linkage.work()
        stranger = person_of(linkage, "stranger")
        assert send(linkage, stranger, offer(linkage, stranger)).status_code == 200
        found = finality(linkage, run)
        assert found is not None
        assert found.cosigned_by == ()


def test_without_a_clause_nobody_has_to_cosign(linkage: Linkage) -> None:
    linkage.upload_both()
    run = str(linkage.ask().json()["run"])
    linkage.work()
    assert finality(linkage, run) == RunFinality(cosigned_by=(), needed=0, is_final=True)
