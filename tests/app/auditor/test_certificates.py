"""A certificate of destruction that a broker forged: refused where the log verifies and says another thing."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from samples.log import SampleLog
from samples.parties import ANN, BROKER, CW, EVE, K12, PAT, identity, person_of
from samples.parties import OPERATOR as INSTALLER

from app.auditor.certificates import CertificateBook, CertificateVerdict
from app.auditor.errors import AuditError, CertificateRefusedError
from app.auditor.verify import verify_bundle
from schemas.documents.merkle import hash_node, inclusion_proof
from schemas.matchlog.destruction_kinds import (
    DestructionBegun,
    DestructionCertified,
    DestructionCountersigned,
    DestructionStated,
)
from schemas.matchlog.entry import Actor, Entry
from schemas.matchlog.proof import LogProof
from schemas.matchlog.upload_kinds import UploadReceived
from schemas.reports.certificate import CertificateFile
from schemas.rounds.destruction import (
    Certificate,
    Countersignature,
    LocalStatement,
    SignedDestruction,
    sign_destruction,
)
from schemas.signing.signatures import sign_document

NUMBER = "crt-" + "5" * 32
EARLIER = "2026-08-31T06:00:00Z"
EARLY = "2026-09-01T06:00:00Z"


class Destroyed:
    """A log in which all of a project was destroyed, and the certificate of it, in order unless changed."""

    def __init__(self, **changes: Any) -> None:
        self.log = log = SampleLog(1)
        log.enrol(CW, K12)
        log.create_project("foster")
        if EVE.party not in log.enrolled:
            log.append(person_of(EVE), actor=INSTALLER)
        uploads = [log.upload("foster", CW), log.upload("foster", K12)]
        log.moment += timedelta(days=7)
        body = DestructionBegun(scope="project", party=None, upload=None, reason="asked")
        self.begun = log.append(body, project="foster", object=NUMBER)
        gone = [log.destroy(one, reason="asked") for one in uploads]
        objects = [_listed(*pair) for pair in zip(uploads, gone, strict=True)]
        fields: dict[str, Any] = {
            "certificate": NUMBER,
            "log": "broker.example/log",
            "operator": "data-center",
            "software": "blindlink-0.1.0",
            "project": "foster",
            "agreement": self.begun.agreement,
            "paper": "DSA 2026-014",
            "scope": "project",
            "subject": None,
            "reason": "asked",
            "asked_by": None,
            "person": None,
            "asked": self.begun.time,
            "finished": log.now(),
            "objects": sorted(objects, key=lambda one: str(one["object"])),
            "remains": [],
            "outstanding": [
                {"party": party, "what": what}
                for party in ("county-cw", "school-district")
                for what in ("container", "handle-map", "secret")
            ],
            "version": "blindlink/destruction-certificate/1",
        }
        of_object = changes.pop("of_object", {})
        n_objects = changes.pop("n_objects", 2)
        fields["objects"][0] |= of_object
        self.certificate = Certificate.from_json({**fields, **changes})
        done = DestructionCertified(sha256=self.certificate.digest(), objects=n_objects)
        self.done = log.append(done, project="foster", object=NUMBER)
        self.size = log.size
        self.countersignatures: list[SignedDestruction] = []
        self.statements: list[SignedDestruction] = []

    def countersign(self, who: Actor, by: Actor | None = None, **claimed: Any) -> None:
        """Let a person counter-sign, or claim to be another's; logged as done by who signs, or by another."""
        public = identity(who).model_copy(update=claimed)
        said = Countersignature(
            certificate=NUMBER,
            sha256=self.certificate.digest(),
            project="foster",
            party=public.party,
            person=public.person,
            at=self.log.now(),
        )
        signed = sign_destruction(said, public, self.log.key_of(who.person or ""))
        self.countersignatures.append(signed)
        body = DestructionCountersigned(sha256=said.sha256, signed_sha256=signed.digest())
        self.log.append(body, project="foster", object=NUMBER, actor=by or who)

    def state(self, who: Actor, by: Actor | None = None, **claimed: Any) -> None:
        """Let a person state that no secret is left, as `countersign`."""
        public = identity(who).model_copy(update=claimed)
        said = LocalStatement(
            project="foster",
            certificate=NUMBER,
            party=public.party,
            person=public.person,
            deleted=(),
            none_left=("secret",),
            kept=(),
            at=self.log.now(),
        )
        signed = sign_destruction(said, public, self.log.key_of(who.person or ""))
        self.statements.append(signed)
        body = DestructionStated(signed_sha256=signed.digest())
        self.log.append(body, project="foster", object=NUMBER, actor=by or who)

    def compare(self) -> CertificateVerdict:
        """Hold the certificate to the log, which verifies."""
        file = CertificateFile(
            certificate=self.certificate,
            log_key=self.log.signers[0].verifier_key.text,
            signature=sign_document(
                "destruction", self.certificate.to_json(), self.log.signers[0].private_key
            ),
            countersignatures=tuple(self.countersignatures),
            statements=tuple(self.statements),
            receipt=self._proof().to_receipt(NUMBER),
        )
        book = CertificateBook(file)
        verdict = verify_bundle(io.BytesIO(self.log.bundle()), on_entry=book.take)
        return book.compare(verdict)

    def _proof(self) -> LogProof:
        leaves = self.log.leaf_hashes

        def node(level: int, index: int) -> bytes:
            if not level:
                return leaves[index]
            return hash_node(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

        hashes = inclusion_proof(
            lambda wanted: {one: node(*one) for one in wanted}, self.done.seq, self.size
        )
        note = dict(self.log.notes)[self.size]
        return LogProof(self.log.raw[self.done.seq], self.done.seq, tuple(hashes), note)


def _listed(received: Entry, gone: Entry) -> dict[str, Any]:
    assert isinstance(received.body, UploadReceived)
    return {
        "object": received.object,
        "kind": "upload",
        "party": received.actor.party,
        "sha256": received.body.container_sha256,
        "count": received.body.records,
        "pieces": 3,
        "created": None,
        "destroyed": gone.time,
        "entry": gone.seq,
        "method": "crypto-erase",
    }


def refused(made: Destroyed) -> AuditError:
    with pytest.raises(AuditError) as caught:
        made.compare()
    assert caught.value.code == CertificateRefusedError.code
    return caught.value


def test_what_its_own_persons_signed_counts() -> None:
    made = Destroyed()
    made.countersign(ANN)
    made.state(CW)
    verdict = made.compare().to_json()
    assert verdict["countersigned"] == verdict["stated"] == ["county-cw"]
    assert {"party": "county-cw", "what": "secret"} not in verdict["outstanding"]
    assert len(verdict["outstanding"]) == 5


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"asked_by": "county-cw", "person": CW.person}, "asked_by"),
        ({"asked": EARLIER}, "asked"),
        ({"finished": "2029-01-01T00:00:00Z"}, "finished"),
        ({"agreement": "0" * 64}, "agreement"),
        ({"reason": "destroy-by"}, "reason"),
        ({"scope": "expired"}, "scope"),
        ({"n_objects": 7}, "objects"),
        ({"operator": "county-cw"}, "operator"),
        ({"paper": None}, "paper"),
        ({"outstanding": []}, "outstanding"),
        ({"outstanding": [{"party": "county-cw", "what": "secret"}]}, "outstanding"),
    ],
)
def test_a_field_of_which_the_log_says_another_thing_is_named(
    changes: dict[str, Any], field: str
) -> None:
    assert refused(Destroyed(**changes)).evidence == {"field": field}


@pytest.mark.parametrize(
    "of_object",
    [
        {"destroyed": EARLY},
        {"party": "data-center"},
        {"count": 1},
        {"entry": None},
        {"kind": "claims"},
        {"kind": "delivery"},
    ],
)
def test_an_object_of_which_the_log_says_another_thing_is_named(of_object: dict[str, Any]) -> None:
    made = Destroyed(of_object=of_object)
    assert refused(made).evidence == {"object": made.certificate.objects[0].object}


@pytest.mark.parametrize("party", ["county-cw", "school-district"])
def test_the_operators_person_signs_for_no_other_party(party: str) -> None:
    for sign in (Destroyed.countersign, Destroyed.state):
        made = Destroyed()
        sign(made, EVE, BROKER, party=party, duties=("steward",))
        assert "not known to be theirs" in refused(made).message


def test_nobody_takes_a_duty_that_they_were_not_enrolled_for() -> None:
    made = Destroyed()
    made.countersign(PAT, BROKER, duties=("steward",))
    assert "without the duty" in refused(made).message


def test_a_signature_counts_only_by_the_entry_of_the_person_who_signed() -> None:
    for sign in (Destroyed.countersign, Destroyed.state):
        made = Destroyed()
        sign(made, ANN, BROKER)
        error = refused(made)
        assert "not in the log" in error.message
        assert error.evidence["party"] == "county-cw"
