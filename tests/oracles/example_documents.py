"""One plain example of each document, as JSON values; tests and vectors start from these."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

LINKAGE_SCHEMA = json.dumps(
    {
        "version": 3,
        "clkConfig": {"l": 1024, "xor_folds": 0, "kdf": {"type": "HKDF", "hash": "SHA256"}},
        "features": [{"identifier": "given_names", "hashing": {"weight": 1.5}}],
    }
)

PROFILE: dict[str, Any] = {
    "version": "blindlink/encoding-profile/1",
    "name": "children-2",
    "recipe": {"name": "us-children", "version": 2, "steps": ["fold", "split"]},
    "linkage_schema": LINKAGE_SCHEMA,
    "hardening": {"kind": "eld1", "taps": 4, "output_bits": 2048, "salt": "none"},
    "nominal_fill": "0.48",
}

POLICY: dict[str, Any] = {
    "auto": "0.85",
    "review": "0.81",
    "margin": "0.02",
    "solver": "groups",
    "max_pairs": 50_000_000,
}

TERMS: dict[str, Any] = {
    "version": "blindlink/project-terms/1",
    "project": "foster-k12",
    "epoch": 1,
    "purpose": "school-stability",
    "providers": ["child-welfare", "k12"],
    "recipients": [
        {"party": "child-welfare", "mode": "linked", "space": "shared"},
        {"party": "k12", "mode": "linked", "space": "shared"},
    ],
    "auditors": ["state-auditor"],
    "spaces": [{"name": "shared", "lifetime": "run"}],
    "profile": "a" * 64,
    "policy": POLICY,
    "policy_range": None,
    "population": "foster-care.0-21",
    "as_of_max_age_days": None,
    "as_of_max_gap_days": None,
    "floor": 10,
    "min_records": 100,
    "max_records": 20_000_000,
    "max_variants": 16,
    "run_budget": None,
    "approvals": None,
    "finality": None,
    "start": "2026-09-01",
    "end": "2027-08-31",
    "keep_encodings_days": 30,
    "keep_links_days": 400,
    "destroy_by": None,
    "has_legal_hold": False,
}

RUN: dict[str, Any] = {
    "version": "blindlink/run/1",
    "run": "run-0123456789abcdef0123456789abcdef",
    "project": "foster-k12",
    "epoch": 1,
    "agreement": "b" * 64,
    "uploads": [
        {
            "party": "child-welfare",
            "upload": "upl-0123456789abcdef0123456789abcdef",
            "container_sha256": "c" * 64,
            "manifest_sha256": "d" * 64,
        },
        {
            "party": "k12",
            "upload": "upl-fedcba9876543210fedcba9876543210",
            "container_sha256": "e" * 64,
            "manifest_sha256": "f" * 64,
        },
    ],
    "profile": "a" * 64,
    "policy": POLICY,
    "algorithm": "blindlink-matching/1",
    "recipients": TERMS["recipients"],
    "spaces": TERMS["spaces"],
    "floor": 10,
    "asked_by": "child-welfare",
    "asked_at": "2026-09-01T06:00:00Z",
}

MANIFEST: dict[str, Any] = {
    "version": "blindlink/manifest/1",
    "project": "foster-k12",
    "party": "child-welfare",
    "epoch": 1,
    "agreement": "b" * 64,
    "profile": "a" * 64,
    "key_id": "0123456789abcdef",
    "container_sha256": "c" * 64,
    "container_bytes": 16_411_234,
    "records": 60_000,
    "encodings": 60_321,
    "as_of": "2026-08-31",
    "population": "foster-care.0-21",
    "quality_digest": "1" * 64,
    "privacy_audit_digest": None,
    "created": "2026-09-01T05:30:00Z",
    "software": "blindlink-0.1.0",
}

RECEIPT: dict[str, Any] = {
    "version": "blindlink/receipt/1",
    "subject": "upl-0123456789abcdef0123456789abcdef",
    "entry": "{}",
    "index": 5,
    "proof": [base64.b64encode(bytes([n] * 32)).decode() for n in range(3)],
    "checkpoint": "broker.example.org/blindlink\n6\n...",
}

PROBLEM: dict[str, Any] = {
    "type": "urn:blindlink:problem:not-in-force",
    "title": "The project's terms are not in force",
    "status": 409,
    "detail": "The project's terms are not in force any more.",
    "request": "req-0123456789abcdef0123456789abcdef",
    "clause": "end",
    "hint": None,
}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy in which the place `a.b.0.c` holds `value`; the place may be a new one."""
    made = copy.deepcopy(document)
    *parents, last = path.split(".")
    place: Any = made
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    if isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return made


def without(document: dict[str, Any], path: str) -> dict[str, Any]:
    """Return a copy that lacks the place `a.b.0.c`."""
    made = copy.deepcopy(document)
    *parents, last = path.split(".")
    place: Any = made
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    del place[int(last) if isinstance(place, list) else last]
    return made
