"""Writes the vectors of audit reports and their pages. Run by hand when the formats change.

Bytes come from the rfc8785 and cryptography packages and the standard library, not from the code under test.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twins.match_record import canonical
from vectors.file import listed, write_vectors

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
TIME = "2026-11-20T22:30:00Z"
UPLOAD, RUN, RELEASE = (f"{prefix}-{'1' * 32}" for prefix in ("upl", "run", "rel"))
PROJECT = "foster-pupils"

REPORT: dict[str, Any] = {
    "version": "blindlink/audit-report/1",
    "made": TIME,
    "software": "blindlink-0.1.0",
    "auditor": "State Office of Audits",
    "source": "ab" * 32,
    "proves": ["The log has 12 entries."],
    "proves_not": ["Times are the broker's own."],
    "log": {
        "origin": "broker.example/log",
        "project": None,
        "size": 12,
        "root": "cd" * 32,
        "shown": 12,
        "checkpoints": 7,
        "log_keys": ["broker.example/log+0f4d758f+AR1T"],
        "pins": 2,
        "witnesses": [{"witness": "county.example/witness", "size": 9}],
        "receipts": [{"party": "county-cw", "count": 3}],
        "first_time": "2026-09-01T06:00:00Z",
        "last_time": "2026-11-20T06:00:00Z",
    },
    "fault": None,
    "agreements": [
        {
            "project": PROJECT,
            "digest": "12" * 32,
            "number": 1,
            "parties": ["county-cw", "data-center", "school-district"],
            "purpose": "foster-care-education",
            "start": "2026-09-01",
            "end": "2027-08-31",
            "entry": 9,
            "ended": None,
        }
    ],
    "activity": [
        {"project": None, "kind": "log-started", "outcome": "done", "count": 1},
        {"project": PROJECT, "kind": "run-asked", "outcome": "refused", "count": 2},
    ],
    "disclosures": [
        {
            "project": PROJECT,
            "giver": "county-cw",
            "receiver": "school-district",
            "what": "match-ids",
            "times": 3,
            "records": None,
            "first": "2026-09-02T06:00:00Z",
            "last": TIME,
        }
    ],
    "rounds": [
        {"project": PROJECT, "opened": 9, "corrected": 1, "closed": 7, "linked": 7, "open": 9}
    ],
    "runs": [
        {
            "project": PROJECT,
            "round": 8,
            "larger": "school-district",
            "smaller": "county-cw",
            "smaller_records": 2_010,
            "floor": 10,
            "matches": 1_204,
            "expected_false": 210,
            "concordance": [{"field": "birth-date", "apart": 31, "other": None, "missing": None}],
        }
    ],
    "left": [{"project": PROJECT, "uploads": 1, "releases": 2, "holds": 0}],
    "incident": None,
}
INCIDENT: dict[str, Any] = {
    "subject": "upload",
    "id": UPLOAD,
    "parties": ["county-cw"],
    "first": 4,
    "since": TIME,
    "until": None,
    "uploads": [
        {
            "upload": UPLOAD,
            "project": PROJECT,
            "round": 2,
            "party": "county-cw",
            "partner": "school-district",
            "entry": 4,
            "received": TIME,
            "destroyed": None,
        }
    ],
    "runs": [
        {
            "run": RUN,
            "project": PROJECT,
            "round": 2,
            "entry": 6,
            "asked": TIME,
            "cause": "uses-upload",
            "stage": "finished",
        }
    ],
    "releases": [
        {
            "release": RELEASE,
            "run": RUN,
            "project": PROJECT,
            "recipient": "school-district",
            "agency": None,
            "mode": "linked",
            "matches": 1650,
            "entry": 9,
            "prepared": TIME,
            "fetched": 1,
            "first_fetched": TIME,
            "last_fetched": TIME,
            "destroyed": None,
        }
    ],
    "sealed": [
        {
            "what": "claims",
            "project": PROJECT,
            "round": 2,
            "epoch": None,
            "party": "school-district",
            "entry": 11,
            "received": TIME,
        },
        {
            "what": "share",
            "project": PROJECT,
            "round": None,
            "epoch": 1,
            "party": "school-district",
            "entry": 2,
            "received": TIME,
        },
    ],
    "acts": [{"entry": 12, "time": TIME, "kind": "run-asked", "project": PROJECT}],
}
FAULT: dict[str, Any] = {
    "code": "leaf-changed",
    "message": "entry 7 is not the one whose hash is in the tree",
    "index": 7,
    "evidence": [{"name": "leaf_hash", "value": "00" * 32}],
}
NOTHING: dict[str, Any] = {
    "log": None,
    "agreements": [],
    "activity": [],
    "disclosures": [],
    "rounds": [],
    "runs": [],
    "left": [],
}
PAGE = b"<!doctype html>\n<p>A page.</p>\n"


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def signature(document: Any, key: Ed25519PrivateKey = KEY) -> str:
    return b64(key.sign(b"blindlink/v1/audit-report\n" + canonical(document)))


def public(key: Ed25519PrivateKey = KEY) -> str:
    return b64(key.public_key().public_bytes_raw())


def signed(report: dict[str, Any], /, **changes: Any) -> str:
    document = {"report": report, "key": public(), "signature": signature(report), **changes}
    return canonical(document).decode()


def sealed(page: bytes = PAGE, **changes: Any) -> str:
    stated = {
        "version": "blindlink/audit-page/1",
        "page_sha256": hashlib.sha256(PAGE).hexdigest(),
        "report_sha256": hashlib.sha256(canonical(REPORT)).hexdigest(),
    }
    seal = {**stated, "key": public(), "signature": signature(stated), **changes}
    return (page + b"<!-- blindlink-audit-page " + canonical(seal) + b" -->\n").decode()


def _bad_reports() -> list[tuple[str, str]]:
    return [
        ("an unknown field", signed({**REPORT, "verdict": "fine"})),
        ("a log and a fault", signed({**REPORT, "fault": FAULT})),
        ("neither log nor fault", signed({**REPORT, **NOTHING})),
        ("a fault and what was found", signed({**REPORT, "log": None, "fault": FAULT})),
        (
            "a fault and an incident",
            signed({**REPORT, **NOTHING, "fault": FAULT, "incident": INCIDENT}),
        ),
        ("an auditor of two lines", signed({**REPORT, "auditor": "a\nb"})),
        (
            "a run that tells of links, but not how many",
            signed({**REPORT, "runs": [{**REPORT["runs"][0], "matches": None}]}),
        ),
        ("a key of 31 bytes", signed(REPORT, key=b64(bytes(31)))),
        ("not canonical", signed(REPORT).replace(":", ": ", 1)),
        ("something after it", signed(REPORT) + "\n"),
    ]


def _forged_reports() -> list[tuple[str, str]]:
    return [
        ("changed after signing", signed(REPORT, report={**REPORT, "auditor": "Somebody else"})),
        ("another key", signed(REPORT, key=public(OTHER_KEY))),
        ("signed by another key", signed(REPORT, signature=signature(REPORT, OTHER_KEY))),
        ("signed as a page", signed(REPORT, signature=signature({"report": REPORT}))),
    ]


def audit_report_vectors() -> dict[str, Any]:
    good = [
        ("a log that verified", signed(REPORT)),
        ("an incident", signed({**REPORT, "incident": INCIDENT})),
        ("a log that does not verify", signed({**REPORT, **NOTHING, "fault": FAULT})),
        ("by nobody in particular", signed({**REPORT, "auditor": None, "proves": []})),
    ]
    bad_pages = [
        ("no seal", PAGE.decode()),
        ("something after the seal", sealed() + "\n"),
        ("another version", sealed(version="blindlink/audit-page/2")),
        ("an unknown field", sealed(surprise=1)),
    ]
    forged_pages = [
        ("changed after it was sealed", sealed(PAGE.replace(b"A page", b"B page"))),
        ("a seal over another page", sealed(page_sha256="00" * 32)),
        ("a seal over another report", sealed(report_sha256="00" * 32)),
        ("another key", sealed(key=public(OTHER_KEY))),
    ]
    vectors = {
        "reports": {"good": good, "bad": _bad_reports(), "forged": _forged_reports()},
        "pages": {"good": [("a page", sealed())], "bad": bad_pages, "forged": forged_pages},
    }
    return {
        "spec": "audit-report",
        **{
            what: {which: listed(cases) for which, cases in groups.items()}
            for what, groups in vectors.items()
        },
    }


if __name__ == "__main__":
    write_vectors("audit-report", audit_report_vectors())
