"""Who takes places among the witnesses: nobody can take those of others, on either database."""

from __future__ import annotations

import io
from typing import Any
from unittest.mock import Mock

import pytest
from rigs.enrolled import EnrolledPerson, revoke
from rigs.linkage import (
    AUDITOR,
    CHILD_WELFARE,
    SCHOOL,
    Linkage,
    either_database,
)

from app.auditor.verify import verify_bundle
from app.evidence import service, witnesses
from app.evidence.service import write_bundle
from app.matchlog import export
from app.matchlog.export import export_bundle
from encoding.people.identity import replace_keys
from schemas.api.bodies import CosignatureRequest, LogCheckpoint
from schemas.documents.problem import Problem
from schemas.matchlog.bundle import BundleReader
from schemas.matchlog.checkpoint import cosign, parse_checkpoint
from schemas.signing.note import COSIGNER_KEY, NoteSigner

__all__ = ["either_database"]


def person_of(linkage: Linkage, party: str) -> EnrolledPerson:
    duty = "auditor" if party == AUDITOR else "analyst"
    return EnrolledPerson.confirmed(linkage.founded, linkage.client, party, duty)


def offer(linkage: Linkage, person: EnrolledPerson) -> Any:
    """Let a person cosign the newest checkpoint."""
    linkage.as_party(CHILD_WELFARE)
    found = LogCheckpoint.from_json(linkage.get("/v1/log/checkpoint").json())
    checkpoint, note = parse_checkpoint(found.checkpoint.encode())
    identity = person.identity
    signer = NoteSigner(identity.public.party, identity.keys.signing_key, COSIGNER_KEY)
    line = cosign(note.text, signer, int(linkage.founded.clock().timestamp())).line
    request = CosignatureRequest(size=checkpoint.size, key=signer.verifier_key.text, line=line)
    return person.call("POST", "/v1/log/cosignatures", json=request.to_json())


def key_of(person: EnrolledPerson) -> str:
    identity = person.identity
    signer = NoteSigner(identity.public.party, identity.keys.signing_key, COSIGNER_KEY)
    return signer.verifier_key.text


def change_keys(linkage: Linkage, person: EnrolledPerson) -> None:
    new, change = replace_keys(person.identity, linkage.founded.clock())
    assert person.call("POST", "/v1/key-changes", json=change.to_json()).status_code == 200
    person.identity = new
    linkage.founded.clock.move(seconds=1)


def named_in_bundle(linkage: Linkage) -> tuple[str, ...]:
    """Return the witnesses that a bundle names, which its verifier finds to be in order."""
    content = linkage.get("/v1/log/bundle", "operator", "operator").content
    verify_bundle(io.BytesIO(content), log_key=linkage.broker.log.key)
    return BundleReader(io.BytesIO(content)).manifest.cosigner_keys


def test_whoever_changes_keys_takes_one_place_and_leaves_none_less_to_others(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnesses, "MAX_WITNESSES", 2)
    ann = person_of(linkage, SCHOOL)
    for _ in range(4):
        assert offer(linkage, ann).status_code == 200
        change_keys(linkage, ann)
    assert offer(linkage, ann).status_code == 200
    bob, eve = person_of(linkage, SCHOOL), person_of(linkage, CHILD_WELFARE)
    assert offer(linkage, bob).status_code == 200
    assert offer(linkage, person_of(linkage, SCHOOL)).status_code == 422
    assert offer(linkage, eve).status_code == 200
    assert len(named_in_bundle(linkage)) == 7


def test_whoever_was_revoked_leaves_a_place(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnesses, "MAX_WITNESSES", 1)
    ann = person_of(linkage, SCHOOL)
    assert offer(linkage, ann).status_code == 200
    bob = person_of(linkage, SCHOOL)
    assert offer(linkage, bob).status_code == 422
    linkage.founded.clock.move(seconds=1)
    revoke(linkage.founded, ann.identity.public.person)
    assert offer(linkage, bob).status_code == 200
    assert set(named_in_bundle(linkage)) == {key_of(ann), key_of(bob)}


def test_the_last_places_on_a_checkpoint_are_for_parties_of_a_project_that_have_none(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    linkage.founded.enrol("stranger")
    answer = offer(linkage, person_of(linkage, "stranger"))
    assert answer.status_code == 409
    assert Problem.from_json(answer.json()).code == "nothing-to-witness"
    monkeypatch.setattr(witnesses, "MAX_BEFORE_OTHERS", 1)
    monkeypatch.setattr(witnesses, "MAX_ON_CHECKPOINT", 2)
    ann, bob = person_of(linkage, SCHOOL), person_of(linkage, SCHOOL)
    eve, kim = person_of(linkage, CHILD_WELFARE), person_of(linkage, AUDITOR)
    answers = [offer(linkage, person).status_code for person in (ann, bob, eve, kim, ann)]
    assert answers == [200, 422, 200, 422, 200]


def test_a_bundle_names_the_newest_of_its_projects_own_parties_first_and_still_verifies(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    eve, ann = person_of(linkage, CHILD_WELFARE), person_of(linkage, SCHOOL)
    assert offer(linkage, eve).status_code == 200
    keys = []
    for at in range(3):
        if at:
            change_keys(linkage, ann)
        assert offer(linkage, ann).status_code == 200
        keys.append(key_of(ann))
    assert set(named_in_bundle(linkage)) == {key_of(eve), *keys}
    monkeypatch.setattr(export, "MAX_COSIGNERS", 3)
    assert set(named_in_bundle(linkage)) == {key_of(eve), *keys[1:]}
    monkeypatch.setattr(export, "MAX_COSIGNERS", 1)
    for parties, first in (((), ann), ((CHILD_WELFARE,), eve), ((CHILD_WELFARE, SCHOOL), ann)):
        with linkage.broker.database.read() as session:
            made = b"".join(export_bundle(session, parties=parties))
        assert BundleReader(io.BytesIO(made)).manifest.cosigner_keys == (key_of(first),)
    wrapped = Mock(wraps=export_bundle)
    monkeypatch.setattr(service, "export_bundle", wrapped)
    own = {AUDITOR, CHILD_WELFARE, SCHOOL}
    for project, named in ((None, set()), (linkage.terms.project, own)):
        write_bundle(linkage.broker, linkage.founded.operator, project).close()
        assert wrapped.call_args.kwargs["parties"] == named
