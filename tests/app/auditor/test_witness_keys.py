"""Whose keys cosign a log: those that a signed agreement lists, or some that the broker alone vouches for."""

from __future__ import annotations

import io
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples.log import Parts, SampleLog
from samples.parties import CW, OPERATOR, PEOPLE, identity, person_of, private_of, signing_key
from samples.signed_log import SignedProject, accord_of
from vectors.identity import private_bytes

from app.auditor.verdict import Verdict
from app.auditor.verdict_words import verdict_lines
from app.auditor.verify import verify_bundle
from schemas.agreement.agreement import Agreement
from schemas.matchlog.checkpoint import cosign
from schemas.signing.note import COSIGNER_KEY, NoteSigner, parse_note

PARTY = CW.party
SAID = "by keys that a signed agreement lists"


def witness(key: Ed25519PrivateKey) -> NoteSigner:
    return NoteSigner(PARTY, key, COSIGNER_KEY)


LISTED = witness(signing_key(private_of(CW.person or "")))
STRANGER = witness(Ed25519PrivateKey.from_private_bytes(bytes(32)))


def agreed(*, completely: bool = True) -> SampleLog:
    log = SampleLog()
    project = SignedProject(log)
    if completely:
        project.agree()
    else:
        project.propose()
    return log


def cosigned(log: SampleLog, *signers: NoteSigner) -> Verdict:
    parts: Parts = log.parts()
    size, raw = parts.notes[-1]
    note = parse_note(raw)
    lines = [cosign(note.text, one, 1_790_000_000) for one in signers]
    parts.notes[-1] = size, replace(note, signatures=(*note.signatures, *lines)).to_bytes()
    parts.cosigners = sorted(one.verifier_key.text for one in signers)
    return verify_bundle(io.BytesIO(parts.pack()))


def test_a_witness_with_a_key_that_is_agreed_on_is_named_as_such() -> None:
    log = agreed()
    verdict = cosigned(log, LISTED)
    assert verdict.cosigned == {PARTY: log.frontier.size}
    assert verdict.vouched == {PARTY}
    assert verdict.to_json()["cosigned_by_listed_keys"] == [PARTY]
    assert any(PARTY in line and SAID in line for line in verdict_lines(verdict))


def test_a_key_that_only_the_broker_names_proves_nothing_of_the_party() -> None:
    for signers in ((STRANGER,), (LISTED, STRANGER)):
        verdict = cosigned(agreed(), *signers)
        assert set(verdict.cosigned) == {PARTY}
        assert verdict.vouched == frozenset()
        assert not any(SAID in line for line in verdict_lines(verdict))


def test_a_key_in_the_place_of_one_that_is_agreed_on_is_as_good() -> None:
    log = agreed()
    log.rotate(CW, 62)
    later = witness(log.keys[CW.person or ""])
    for signers in ((later,), (LISTED, later)):
        assert cosigned(log, *signers).vouched == {PARTY}


def test_whoever_is_enrolled_with_another_key_than_is_agreed_on_cosigns_for_nobody() -> None:
    """The broker may give a key of its own the name of a person who is agreed on."""
    log, newcomer = SampleLog(), CW.model_copy(update={"person": "per-" + "c" * 32})
    project, agreement = SignedProject(log), accord_of().to_json()
    party = next(one for one in agreement["parties"] if one["name"] == PARTY)
    party["persons"].append(identity(newcomer, private_bytes(62)).to_json())
    project.agree(Agreement.from_json(agreement))
    log.append(person_of(newcomer), actor=OPERATOR)
    agreed_on = witness(signing_key(private_bytes(62)))
    enrolled = witness(signing_key(private_of(newcomer.person or "")))
    assert cosigned(log, agreed_on).vouched == {PARTY}
    assert cosigned(log, enrolled).vouched == frozenset()


def test_all_keys_of_a_party_may_cosign() -> None:
    own = (one for one in PEOPLE if one.party == PARTY)
    signers = [witness(signing_key(private_of(one.person or ""))) for one in own]
    assert cosigned(agreed(), *signers).vouched == {PARTY}


def test_an_agreement_that_not_all_have_signed_vouches_for_nobody() -> None:
    assert cosigned(agreed(completely=False), LISTED).vouched == frozenset()
