"""Bodies of the API for agreements and approvals, as anybody may send them about any project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from oracles.example_agreement import AGREEMENT
from oracles.example_documents import PROFILE

import schemas
from schemas.document import Document
from schemas.negotiation import AgreementProposal
from schemas.profile import EncodingProfile
from schemas.statement import SignedStatement

VECTORS = Path(schemas.__file__).parent / "vectors" / "statement.json"
# The last part of a route's path -> the vector that it would take.
STATEMENTS = {
    "consents": "consent",
    "notices": "suspension",
    "approvals": "approval of a run",
    "standing-approvals": "standing approval",
    "revocations": "revocation",
}


def body_for(path: str) -> Document | None:
    """Return a body for a route that takes one of these; None for any other route."""
    last = path.rsplit("/", 1)[-1]
    if last == "agreements":
        return proposal()
    return statement(STATEMENTS[last]) if last in STATEMENTS else None


def proposal(**changes: Any) -> AgreementProposal:
    """The example's agreement, with the example's profile."""
    profile = EncodingProfile.from_json(PROFILE)
    raw = AGREEMENT | {"profile": profile.digest()} | changes
    return AgreementProposal.from_json({"agreement": raw, "profile": profile.to_json()})


def statement(name: str) -> SignedStatement:
    """A good vector."""
    good = json.loads(VECTORS.read_text(encoding="utf-8"))["good"]
    (found,) = [vector["document"] for vector in good if vector["name"] == name]
    return SignedStatement.from_canonical(found.encode())
