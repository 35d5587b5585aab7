"""Bodies of the API that are signed, as anybody may send them about any project."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from samples.agreement import AGREEMENT
from samples.documents import PROFILE

import schemas
from schemas.agreement.negotiation import AgreementProposal
from schemas.agreement.statement import SignedStatement
from schemas.api.destruction import RecordWithdrawal
from schemas.documents.document import Document
from schemas.linkage.profile import EncodingProfile
from schemas.rounds.destruction import SignedDestruction
from schemas.rounds.review import StatedDecisions

VECTORS = Path(schemas.__file__).parent / "vectors"
# The last part of a route's path -> the vector that it would take.
STATEMENTS = {
    "consents": "consent",
    "notices": "suspension",
    "approvals": "approval of a run",
    "standing-approvals": "standing approval",
    "revocations": "revocation",
}
ABOUT_DESTRUCTION = {
    "countersignatures": "a counter-signature",
    "destruction-statements": "a statement",
    "legal-holds": "a hold",
}


def body_for(path: str) -> Document | None:
    """Return a body for a route that takes one of these; None for any other route."""
    last = path.rsplit("/", 1)[-1]
    if last == "agreements":
        return proposal()
    if last == "withdrawals":
        return RecordWithdrawal(handle="0" * 32, salt="0" * 64)
    if last == "decisions":
        return StatedDecisions.from_canonical(_good("review", "three", "stated_decisions"))
    if last in ABOUT_DESTRUCTION:
        return about_destruction(ABOUT_DESTRUCTION[last])
    return statement(STATEMENTS[last]) if last in STATEMENTS else None


def proposal(**changes: Any) -> AgreementProposal:
    """The example's agreement, with the example's profile."""
    profile = EncodingProfile.from_json(PROFILE)
    raw = AGREEMENT | {"profile": profile.digest()} | changes
    return AgreementProposal.from_json({"agreement": raw, "profile": profile.to_json()})


def statement(name: str) -> SignedStatement:
    """A good vector."""
    return SignedStatement.from_canonical(_good("statement", name))


def about_destruction(name: str) -> SignedDestruction:
    """A good vector."""
    return SignedDestruction.from_canonical(_good("destruction", name))


def _good(file: str, name: str, part: str = "signed") -> bytes:
    vectors = json.loads((VECTORS / f"{file}.json").read_text(encoding="utf-8"))
    good = vectors.get(part, vectors)["good"]
    (found,) = [vector for vector in good if vector["name"] == name]
    return b64decode(found["base64"]) if "base64" in found else str(found["document"]).encode()
