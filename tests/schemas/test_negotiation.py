"""The bodies of the API for agreements and approvals: closed, and each a document that reads itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from samples.agreement import AGREEMENT
from samples.documents import PROFILE, RUN

from schemas import negotiation
from schemas.agreement import Agreement
from schemas.document import Document
from schemas.errors import DocumentError
from schemas.profile import EncodingProfile

TIME = "2026-09-01T06:00:00Z"
RAW: dict[str, Any] = AGREEMENT | {"profile": EncodingProfile.from_json(PROFILE).digest()}
DIGEST = Agreement.from_json(RAW).digest()
VECTORS = Path(negotiation.__file__).parent / "vectors" / "statement.json"
SIGNED = json.loads(json.loads(VECTORS.read_text(encoding="utf-8"))["good"][0]["document"])

EXAMPLES: dict[type[Document], dict[str, Any]] = {
    negotiation.AgreementProposal: {"agreement": RAW, "profile": PROFILE},
    negotiation.AgreementView: {
        "state": "proposed",
        "agreement": RAW,
        "profile": PROFILE,
        "proposed": TIME,
        "proposed_by": "k12",
        "consents": [SIGNED],
        "notices": [],
        "missing": ["k12"],
        "suspended_by": [],
    },
    negotiation.AgreementList: {
        "project": "foster-k12",
        "in_force": None,
        "agreements": [
            {
                "agreement": DIGEST,
                "number": 1,
                "state": "proposed",
                "start": "2026-09-01",
                "end": "2027-08-31",
                "missing": ["k12"],
            }
        ],
    },
    negotiation.RunApprovals: {
        "run": RUN["run"],
        "approvals": [SIGNED],
        "standing": [],
        "missing": ["k12"],
        "missing_for_release": None,
    },
    negotiation.PendingApprovals: {
        "project": "foster-k12",
        "pending": [
            {
                "run": RUN["run"],
                "step": "run",
                "specification": RUN,
                "specification_sha256": "a" * 64,
                "missing": ["k12"],
            }
        ],
    },
    negotiation.StandingList: {
        "project": "foster-k12",
        "approvals": [{"signed": SIGNED, "used": 0, "revoked": None}],
    },
}


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_a_body_reads_what_it_writes_and_nothing_more(kind: type[Document]) -> None:
    example = EXAMPLES[kind]
    made = kind.from_json(example)
    assert kind.from_json(made.to_json()) == made
    with pytest.raises(DocumentError, match="not known"):
        kind.from_json({**example, "surprise": 1})
    for field in example:
        with pytest.raises(DocumentError):
            kind.from_json({**example, field: {"surprise": 1}})


def test_a_proposal_brings_the_profile_that_it_names() -> None:
    with pytest.raises(DocumentError, match="encoding profile"):
        negotiation.AgreementProposal.from_json({"agreement": AGREEMENT, "profile": PROFILE})
