"""One good example of each body of the API that no shared vector holds, and of documents that say much."""

from __future__ import annotations

from typing import Any

from samples.agreement import AGREEMENT, consent
from samples.documents import (
    MANIFEST,
    OFFER,
    OVERDUE,
    POLICY,
    PROBLEM,
    PROFILE,
    RECEIPT,
    RUN,
    TERMS,
)
from vectors.agreement import REVIEWED, STUDENT_ID, numbered
from vectors.file import read_vectors
from vectors.identity import private_bytes, signed_of

from schemas.agreement import negotiation
from schemas.agreement.agreement import Agreement, ProjectTerms
from schemas.api import bodies as api
from schemas.api import destruction as destruction_api
from schemas.api import projects, releases, runs, sign_in
from schemas.documents.canonical import parse_json
from schemas.documents.document import Document
from schemas.linkage.profile import EncodingProfile
from schemas.reports import overdue
from schemas.rounds import delivery, rounds, upload
from schemas.signing import secret_share

TIME = "2026-09-01T06:00:00Z"
UPLOAD = "upl-" + "1" * 32
RELEASE = "rel-" + "2" * 32
DIGEST = "a" * 64

UPLOAD_VIEW: dict[str, Any] = {
    "upload": UPLOAD,
    "project": "foster-k12",
    "round": 3,
    "party": "k12",
    "partner": "child-welfare",
    "state": "open",
    "parts": 1,
    "container_sha256": DIGEST,
    "container_bytes": 1000,
    "records": 3,
    "created": TIME,
    "committed": TIME,
    "checked": 1000,
    "refusal": PROBLEM,
}
RUN_VIEW: dict[str, Any] = {
    "run": RUN["run"],
    "project": "foster-k12",
    "state": "queued",
    "specification": RUN,
    "specification_sha256": DIGEST,
    "progress": {"stage": "waiting", "rows_done": 0, "rows_total": 0, "rate": 0, "seconds_left": 7},
    "counts": {
        "candidate_pairs": 9,
        "auto_pairs": 5,
        "review_pairs": 1,
        "expected_false": 40,
        "rejected_before": 2,
        "expected_missed": 30,
        "concordance": [{"field": "first", "apart": 1, "other": 2, "missing": 3}],
    },
    "failure": "stopped",
    "created": TIME,
    "finished": TIME,
    "finality": {"cosigned_by": ["k12"], "needed": 2, "is_final": False},
    "match_record": DIGEST,
}
RECORD_PAGE: dict[str, Any] = {
    "header": {
        "version": "blindlink/match-record/3",
        "project": "foster-k12",
        "run": RUN["run"],
        "round": 3,
        "release": 1,
        "specification": DIGEST,
        "uploads": [{"party": "k12", "upload": UPLOAD}, {"party": "welfare", "upload": UPLOAD}],
        "prior": -23_456,
        "weights": [{"field": "first", "levels": [9_400, -3_300]}],
        "floor": 10,
        "rows": 2,
    },
    "root": DIGEST,
    "first": 1,
    "rows": [
        {
            "band": "auto",
            "commitments": [DIGEST, DIGEST],
            "lead": None,
            "probability": "0.95",
            "rule": "match-probability",
        },
        DIGEST,
    ],
    "next": 3,
}
RELEASE_VIEW: dict[str, Any] = {
    "release": RELEASE,
    "run": RUN["run"],
    "round": 3,
    "number": 1,
    "project": "foster-k12",
    "recipient": "k12",
    "partner": "child-welfare",
    "mode": "linked",
    "space": "shared",
    "sha256": DIGEST,
    "size_bytes": 1000,
    "matches": 17,
    "created": TIME,
    "fetched": TIME,
    "agency": "child-welfare",
    "verified": TIME,
}
PROJECT_VIEW: dict[str, Any] = {
    "project": "foster-k12",
    "agreement": DIGEST,
    "terms": TERMS,
    "profile": PROFILE,
    "in_force": True,
}
SIGNATURE = {
    "party": "child-welfare",
    "person": OFFER["person"],
    "key": DIGEST,
    "signature": "A" * 86 + "==",
}
PAIR: dict[str, Any] = {
    "larger": "k12",
    "smaller": "child-welfare",
    "nonce_larger": {"number": 3, "nonce": "1" * 64},
    "nonce_smaller": {"number": 5, "nonce": "2" * 64},
}
CLAIMS = {"party": "k12", "partner": "child-welfare", "sha256": DIGEST}
ROUND_VIEW: dict[str, Any] = {
    "project": "foster-k12",
    "round": 3,
    "state": "open",
    "opened": TIME,
    "deadline": "2026-09-08T06:00:00Z",
    "pairs": [PAIR],
    "progress": [
        {
            "larger": "k12",
            "smaller": "child-welfare",
            "root_larger": DIGEST,
            "root_smaller": DIGEST,
            "earlier": "k12",
            "run": RUN["run"],
            "has_result": False,
            "claims": [CLAIMS],
        }
    ],
    "statements": [{"party": "k12", "space": "shared", "sha256": DIGEST}],
    "supplements": [
        {
            "release": 2,
            "larger": "k12",
            "smaller": "child-welfare",
            "run": "run-0123456789abcdef0123456789abcdef",
            "state": "open",
            "claims": [CLAIMS],
            "closing": RECEIPT,
        }
    ],
    "superseded_by": 4,
    "receipt": RECEIPT,
    "closing": RECEIPT,
}
RAW: dict[str, Any] = AGREEMENT | {"profile": EncodingProfile.from_json(PROFILE).digest()}
AGREED = Agreement.from_json(RAW).digest()
HAND_OVER = read_vectors("hand-over")["good"][0]
SIGNED = consent("ann")
CONFIRMATION = parse_json(read_vectors("secret-share")["confirmations"][0]["document"].encode())
SHARE_VIEW: dict[str, Any] = {
    "share": "shr-" + "1" * 32,
    "project": "foster-k12",
    "epoch": 1,
    "sender": "k12",
    "recipient": "child-welfare",
    "sha256": DIGEST,
    "created": TIME,
    "fetched": TIME,
}
BODIES: dict[type[Document], dict[str, Any]] = {
    api.WhoAmI: {
        "party": "k12",
        "person": "per-" + "0" * 32,
        "role": "agency",
        "duties": ["analyst"],
        "expires": TIME,
    },
    projects.ProjectView: PROJECT_VIEW,
    projects.ProjectList: {"projects": [PROJECT_VIEW]},
    api.UploadRequest: {
        "epoch": 1,
        "round": 3,
        "partner": "child-welfare",
        "profile": DIGEST,
        "key_id": "0" * 16,
        "container_sha256": DIGEST,
        "container_bytes": 1,
        "head_bytes": 500,
        "records": 3,
        "rows": 6,
    },
    api.UploadView: UPLOAD_VIEW,
    api.UploadList: {"uploads": [UPLOAD_VIEW]},
    api.PartList: {"stored": [0, 2]},
    api.PartStored: {"part": 0, "sha256": DIGEST},
    runs.RunRequest: {"round": 3, "partner": "k12", "policy": POLICY},
    runs.RunView: RUN_VIEW,
    runs.RunList: {"runs": [RUN_VIEW]},
    releases.ReleaseView: RELEASE_VIEW,
    releases.ReleaseList: {"releases": [RELEASE_VIEW]},
    api.MatchRecordPage: RECORD_PAGE,
    api.CosignatureRequest: {"size": 1, "key": "key", "line": "line\n"},
    api.CosignatureStored: {"party": "k12", "size": 1, "time": TIME},
    api.SessionLink: {"code": "c" * 43, "expires": TIME},
    api.LogCheckpoint: {
        "checkpoint": "text",
        "old_size": 0,
        "proof": ["A" * 43 + "="],
        "log_key": "key",
        "hand_overs": [HAND_OVER],
    },
    releases.ReleaseVerification: {"sha256": DIGEST},
    rounds.SignedNonceOffer: {"offer": OFFER, "signature": SIGNATURE},
    rounds.NonceState: {"party": "k12", "unspent": 4, "next": 9},
    rounds.RoundView: ROUND_VIEW,
    rounds.RoundList: {"rounds": [ROUND_VIEW], "due": False, "waiting_for": ["k12"]},
    rounds.ClaimsReceipt: {
        "round": 3,
        "release": 2,
        "party": "k12",
        "partner": "child-welfare",
        "sha256": DIGEST,
        "sequence": 7,
    },
    rounds.StatementReceipt: {
        "round": 3,
        "party": "k12",
        "space": "shared",
        "sha256": DIGEST,
        "sequence": 2,
    },
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
        "in_force": AGREED,
        "agreements": [
            {
                "agreement": AGREED,
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
        "missing_for_release": ["k12"],
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
        "approvals": [{"signed": SIGNED, "used": 0, "revoked": TIME}],
    },
    destruction_api.DestructionView: {
        "certificate": "crt-" + "1" * 32,
        "project": "foster-k12",
        "scope": "party",
        "subject": "k12",
        "reason": "asked",
        "asked": TIME,
        "objects": 2,
        "finished": TIME,
        "sha256": DIGEST,
        "countersigned": [],
        "outstanding": [{"party": "k12", "what": "handle-map"}],
    },
    destruction_api.StatementTaken: {
        "sha256": "a" * 64,
        "project": "foster-k12",
        "party": "k12",
        "at": TIME,
    },
    destruction_api.HoldList: {
        "is_held": True,
        "holds": [
            {
                "hold": "hld-" + "1" * 32,
                "party": "k12",
                "order": "Order of the court",
                "made": TIME,
                "lifted": TIME,
            }
        ],
    },
    destruction_api.RecordWithdrawal: {"handle": "ab" * 16, "salt": "cd" * 32},
    destruction_api.WithdrawalTaken: {"index": 7, "runs_cancelled": 0},
    destruction_api.DestructionList: {"destructions": []},
    delivery.DeliveryOpening: {"sha256": DIGEST, "fault": "not-signed"},
    overdue.OverdueList: {
        "project": "foster-k12",
        "overdue": [
            {
                name: value
                for name, value in OVERDUE["overdue"][0].items()
                if name not in ("project", "sentence")
            }
        ],
    },
    secret_share.ShareView: SHARE_VIEW,
    secret_share.ShareList: {"shares": [SHARE_VIEW]},
    secret_share.ConfirmationList: {"confirmations": [CONFIRMATION]},
    sign_in.EnrolmentRequest: {"code": "ABCD", "identity": signed_of(private_bytes(1))},
    sign_in.EnrolmentView: {
        "person": "per-" + "1" * 32,
        "state": "awaiting",
        "fingerprint": "01234 56789",
    },
    sign_in.TokenRequest: {
        "grant_type": sign_in.GRANT_TYPE,
        "client_assertion_type": sign_in.ASSERTION_TYPE,
        "client_assertion": "a.b.c",
    },
    sign_in.TokenAnswer: {"access_token": "token", "token_type": "DPoP", "expires_in": 900},
    sign_in.IdentityList: {
        "identities": [{"enrolled": signed_of(private_bytes(1)), "changes": []}]
    },
    negotiation.LastWord: {"sha256": DIGEST, "at": TIME},
    upload.SignedManifest: {"manifest": MANIFEST, "signatures": [SIGNATURE]},
}

_NUMBERED = numbered(STUDENT_ID, "student_id")
FULLER: list[tuple[type[Document], dict[str, Any]]] = [
    (
        Agreement,
        AGREEMENT
        | REVIEWED
        | _NUMBERED
        | {"elements": [*REVIEWED["elements"], *_NUMBERED["elements"]]},
    ),
    (ProjectTerms, TERMS | {"review": REVIEWED["review"]}),
]
"""What else there is to be read in documents of which the plain examples say less."""
