"""What a test asks of a broker about destruction, and the checks that every answer must stand."""

from __future__ import annotations

import random
from typing import Any

from rigs.enrolled import EnrolledPerson
from rigs.linkage import CHILD_WELFARE, PROJECT, Linkage
from samples.round_files import random_people

from app.clock import utc_text
from schemas.reports.certificate import CertificateCheck, CertificateFile, verify_certificate
from schemas.rounds.destruction import (
    Countersignature,
    HoldNotice,
    LocalStatement,
    Said,
    SignedDestruction,
    sign_destruction,
)


def keys(linkage: Linkage) -> list[str]:
    """Return what the broker has keys of."""
    return list(linkage.broker.keystore.object_ids())


def blobs(linkage: Linkage) -> list[str]:
    """Return the digests of all that the broker keeps sealed."""
    return list(linkage.broker.blobs.digests())


def destroy(
    linkage: Linkage,
    path: str = f"projects/{PROJECT}",
    party: str = CHILD_WELFARE,
    role: str = "agency",
) -> Any:
    """Ask for a destruction and return the answer."""
    headers = linkage.as_party(party, role)
    return linkage.client.post(f"/v1/{path}/destruction", headers=headers)


def destroyed_upload(linkage: Linkage) -> str:
    """Let an agency upload a file and have it destroyed; returns the certificate's number."""
    receipt, _ = linkage.upload(random_people(random.Random(2), 5), CHILD_WELFARE)
    upload = receipt.subject
    return str(destroy(linkage, f"uploads/{upload}").json()["certificate"])


def destructions(linkage: Linkage) -> list[dict[str, Any]]:
    """Return the project's destructions, newest first."""
    found: list[dict[str, Any]] = linkage.get(f"/v1/projects/{PROJECT}/destructions").json()[
        "destructions"
    ]
    return found


def certificate_file(linkage: Linkage, certificate: str) -> CertificateFile:
    """Fetch a certificate with all that belongs to it."""
    answer = linkage.get(f"/v1/destructions/{certificate}")
    assert answer.status_code == 200, answer.text
    return CertificateFile.from_json(answer.json())


def checked(linkage: Linkage, certificate: str) -> CertificateCheck:
    """Fetch a certificate and verify it offline."""
    return verify_certificate(certificate_file(linkage, certificate), [linkage.broker.log.key])


def signed(person: EnrolledPerson, kind: type[Said], **fields: Any) -> SignedDestruction:
    """Return what a person says, signed with their keys."""
    public = person.identity.public
    said = kind.from_json(
        {
            "version": kind.model_fields["version"].default,
            "project": PROJECT,
            "party": public.party,
            "person": public.person,
            "at": utc_text(person.founded.clock()),
            **fields,
        }
    )
    return sign_destruction(said, public, person.identity.keys.signing_key)


def countersignature(
    person: EnrolledPerson, file: CertificateFile, **fields: Any
) -> SignedDestruction:
    certificate = file.certificate
    named = {"certificate": certificate.certificate, "sha256": certificate.digest()}
    return signed(person, Countersignature, **{**named, **fields})


def statement(person: EnrolledPerson, **fields: Any) -> SignedDestruction:
    stated = {"certificate": None, "deleted": [], "none_left": [], "kept": []}
    return signed(person, LocalStatement, **{**stated, **fields})


def hold_notice(
    person: EnrolledPerson, act: str, order: str = "Order of the court"
) -> SignedDestruction:
    return signed(person, HoldNotice, act=act, order=order)


def send(person: EnrolledPerson, path: str, document: SignedDestruction) -> Any:
    """Send what a person signed."""
    return person.call("POST", f"/v1/{path}", json=document.to_json())
