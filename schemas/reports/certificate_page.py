"""A certificate of destruction as one printable HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from schemas.documents.errors import SignatureError
from schemas.reports.certificate import CertificateFile, still_outstanding
from schemas.rounds.destruction import (
    Certificate,
    DestroyedObject,
    LocalStatement,
    SignedDestruction,
)
from schemas.shared.amounts import shown, utc
from schemas.shared.page import Markup, Section, facts, paragraph, prose_table, render_page

SCOPE_WORDS: Final = {
    "project": "all that the broker held of the project",
    "party": "the uploads of one party, and what was made of them",
    "upload": "one upload, and what was made of it",
    "expired": "what had been kept as long as agreed",
}
REASON_WORDS: Final = {
    "asked": "on request",
    "retention": "the agreed time was over",
    "destroy-by": "the day had come by which all is destroyed",
}
KIND_WORDS: Final = {
    "upload": "encodings of an upload",
    "release": "match IDs of a release",
    "match-record": "match record of a run",
    "claims": "sealed messages between recipients",
    "review": "questions, sealed cards and decisions of a review",
    "delivery": "sealed columns on their way to another agency",
}
REMAINS_WORDS: Final = {
    "match-log": "entries of the match log",
    "receipts": "rows that name what there was",
    "key-copies": "copies of keys",
    "other-uploads": "uploads, releases and match records that are not meant",
    "held": "what a legal hold keeps",
    "shares": "sealed shares of the secret",
}
LOCAL_WORDS: Final = {
    "handle-map": "handle map",
    "container": "encodings",
    "link-table": "file of links",
    "extract": "files handed over",
    "received": "files received",
    "secret": "secret",
    "backup": "backups of the workspace",
}
METHOD: Final = (
    "Cryptographic erasure (NIST SP 800-88): each object was encrypted under one key of its own, kept outside "
    "the database and its backups. The key was destroyed, then the encrypted pieces were removed. Where a "
    "backup holds such a piece, it cannot be read without the key."
)


def method_of(certificate: Certificate) -> str:
    """Return how the objects ended, and since when that holds for every copy, in backups too."""
    left = next((one for one in certificate.remains if one.what == "key-copies"), None)
    if left is None:
        return f"{METHOD} No copy of a key remains, so every copy of the objects has ended."
    last = "they are removed" if left.until is None else f"{utc(left.until)} at the latest"
    return (
        f"{METHOD} Copies of the keys may remain until {last}: until then the destruction is not complete; "
        "after it, every copy of the objects has ended."
    )


def certificate_page(file: CertificateFile) -> str:
    """Return the page of a certificate whose file has been verified.

    Raises:
        SignatureError: a statement beside the certificate is about something else.
    """
    certificate = file.certificate
    sections = (
        Section("What was destroyed", [facts(_about(certificate))]),
        Section("Objects", [_objects(certificate.objects)]),
        Section("How", [paragraph(method_of(certificate))]),
        Section("What remains, and why", [_remains(certificate)]),
        Section("What parties hold themselves", _outstanding(file)),
        Section("Signatures", [facts(_signatures(file))]),
    )
    return render_page(
        f"Certificate of destruction, project {certificate.project}",
        "",
        sections,
        f"Digest of the certificate (SHA-256): {certificate.digest()}",
        maker="blindlink certificate",
    )


def _about(certificate: Certificate) -> Iterable[tuple[str, str]]:
    yield "Certificate", certificate.certificate
    yield "Project", certificate.project
    yield "Agreement", certificate.agreement
    if certificate.paper is not None:
        yield "Paper agreement", certificate.paper
    yield "Extent", SCOPE_WORDS[certificate.scope]
    if certificate.subject is not None:
        yield "Of", certificate.subject
    yield "Why then", REASON_WORDS.get(certificate.reason, certificate.reason)
    by = "a rule of the agreement"
    yield (
        "Asked for by",
        by
        if certificate.asked_by is None
        else (f"{certificate.asked_by}, person {certificate.person}"),
    )
    yield "Asked for", utc(certificate.asked)
    yield "Finished", utc(certificate.finished)
    yield "Broker", f"{certificate.operator}, log {certificate.log}, {certificate.software}"


def _objects(objects: Sequence[DestroyedObject]) -> Markup:
    if not objects:
        return paragraph("There was nothing to destroy.")
    header = (
        "Object", "What", "Of", "Count", "Pieces", "Made", "Destroyed", "Log entry", "SHA-256",
    )  # fmt: skip
    return prose_table(
        "Each object, when it was made, and when it was destroyed",
        header,
        (
            (
                one.object, KIND_WORDS[one.kind], one.party or "all parties",
                shown(one.count), f"{one.pieces:,}",
                "not noted" if one.created is None else utc(one.created), utc(one.destroyed),
                "none" if one.entry is None else str(one.entry), one.sha256,
            )
            for one in objects
        ),
    )  # fmt: skip


def _remains(certificate: Certificate) -> Markup:
    return prose_table(
        "What the broker keeps",
        ("What", "How many", "Until", "Why"),
        (
            (
                REMAINS_WORDS[one.what],
                shown(one.count, "not counted"),
                "no end is set" if one.until is None else utc(one.until),
                one.why,
            )
            for one in certificate.remains
        ),
    )


def _outstanding(file: CertificateFile) -> list[Markup]:
    left = still_outstanding(file.certificate, file.statements)
    said = [f"{one.party}: {LOCAL_WORDS[one.what]}, not yet stated to be deleted" for one in left]
    said += map(_stated, file.statements)
    return [paragraph(sentence) for sentence in said or ["Nothing is outstanding."]]


def _stated(signed: SignedDestruction) -> str:
    said = signed.said
    if not isinstance(said, LocalStatement):
        raise SignatureError("a statement beside the certificate is about something else")
    none = ", ".join(LOCAL_WORDS[what] for what in said.none_left) or "nothing named"
    text = f"{said.party} stated on {utc(said.at)} that nothing is left of these: {none}"
    kept = "; ".join(f"{LOCAL_WORDS[one.what]}: {one.why}" for one in said.kept)
    return f"{text}. It keeps {kept}" if kept else text


def _signatures(file: CertificateFile) -> list[tuple[str, str]]:
    pairs = [
        ("Digest (SHA-256)", file.certificate.digest()),
        ("The log's key", file.log_key),
        ("Its signature", file.signature),
        ("Log entry", str(file.receipt.index)),
    ]
    for signed in file.countersignatures:
        who = f"{signed.said.party}, person {signed.said.person}, {utc(signed.said.at)}"
        pairs.append(("Counter-signed by", f"{who}, key {signed.identity.fingerprint()}"))
    return pairs
