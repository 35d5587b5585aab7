"""One plain example of each document, as JSON values; tests and vectors start from these."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

from schemas.linkage.privacy_audit import DRAWS, MEASURES, PrivacyAudit

# Limits of the privacy audit.
PRIVACY: dict[str, str] = dict.fromkeys(MEASURES, "0.1")
LINKAGE_FEATURE = json.dumps(
    {
        "identifier": "first",
        "format": {"type": "string", "encoding": "utf-8"},
        "hashing": {
            "comparison": {"type": "ngram", "n": 2},
            "strategy": {"bitsPerFeature": 44},
            "hash": {"type": "blakeHash"},
        },
    }
)


def lane(column: str, kind: str = "tag") -> dict[str, Any]:
    """A lane of one column."""
    return {
        "column": column,
        "kind": kind,
        "linkage": LINKAGE_FEATURE if kind == "filter" else None,
    }


def level(name: str, m: int, u: int, *within: tuple[str, int]) -> dict[str, Any]:
    """A level that holds where one of these lanes differs in at most so many bits."""
    alternatives = [[{"lane": column, "within": bits}] for column, bits in within]
    return {"name": name, "any_of": alternatives, "m": m, "u": u}


PROFILE: dict[str, Any] = {
    "version": "blindlink/encoding-profile/2",
    "name": "children-3",
    "recipe": {"name": "us-children", "version": 3, "steps": ["fold", "split"]},
    "fields": [
        {
            "name": "first",
            "lanes": [lane("first", "filter"), lane("nickname")],
            "levels": [
                level("exact", 800_000, 2_000_000, ("first", 0)),
                level("near", 150_000, 8_000_000, ("first", 17), ("nickname", 0)),
                level("far", 50_000, 990_000_000),
            ],
            "twins": 0,
            "memory": None,
        },
        {
            "name": "date",
            "lanes": [lane("year"), lane("month_day")],
            "levels": [
                {
                    "name": "exact",
                    "any_of": [[{"lane": "year", "within": 0}, {"lane": "month_day", "within": 0}]],
                    "m": 950_000,
                    "u": 150_000,
                },
                level("year", 40_000, 52_850_000, ("year", 0)),
                level("other", 10_000, 947_000_000),
            ],
            "twins": 990,
            "memory": None,
        },
    ],
    "passes": [
        {
            "name": "any3s",
            "keys": [[["year"], ["month_day"], ["first"]], [["year"], ["month_day"], ["second"]]],
        },
        {"name": "c", "keys": [[["first", "second"], ["month_day"]]]},
    ],
    "alias_keys": {"larger": 1, "smaller": 2},
    "block_cap": 4,
    "strength": 300,
    "twin_strength": 30,
    "twins_per_million": 30_000,
    "dependence": {
        "levels": [
            {"field": "first", "levels": ["exact"]},
            {"field": "date", "levels": ["exact", "year"]},
        ],
        "published": 640,
    },
}

POLICY: dict[str, Any] = {
    "auto": "0.9",
    "review": "0.05",
    "lead": 1,
    "twin_guard": False,
    "prior_matches": "0.4",
    "link_rate": {"least": "0.2", "most": "1"},
    "max_pairs": 50_000_000,
}

FILES: list[dict[str, Any]] = [
    {"party": "child-welfare", "least": 1_000, "most": 90_000},
    {"party": "k12", "least": 100_000, "most": 8_000_000},
]

TERMS: dict[str, Any] = {
    "version": "blindlink/project-terms/3",
    "project": "foster-k12",
    "epoch": 1,
    "purpose": "school-stability",
    "providers": ["child-welfare", "k12"],
    "recipients": [
        {"party": "child-welfare", "mode": "linked", "space": "shared"},
        {"party": "k12", "mode": "linked", "space": "shared"},
    ],
    "auditors": ["state-auditor"],
    "spaces": [{"name": "shared", "lifetime": "lasting"}],
    "profile": "a" * 64,
    "policy": POLICY,
    "policy_range": None,
    "population": "foster-care.0-21",
    "as_of_max_age_days": None,
    "as_of_max_gap_days": None,
    "floor": 10,
    "files": FILES,
    "frequency": "weekly",
    "due": "sunday 22:00",
    "round_days": 7,
    "round_budget": None,
    "most_ended": None,
    "privacy": PRIVACY,
    "approvals": {
        "runs": "each",
        "parties": ["child-welfare"],
        "asker_suffices": True,
        "releases": False,
    },
    "finality": {"cosigners": 0, "delays_release": False},
    "review": None,
    "start": "2026-09-01",
    "end": "2027-08-31",
    "keep_encodings_days": 30,
    "keep_links_days": 400,
    "destroy_by": "2028-08-31",
    "has_legal_hold": False,
}

RUN: dict[str, Any] = {
    "version": "blindlink/run/3",
    "run": "run-0123456789abcdef0123456789abcdef",
    "project": "foster-k12",
    "epoch": 1,
    "round": 3,
    "agreement": "b" * 64,
    "uploads": [
        {
            "party": "k12",
            "upload": "upl-fedcba9876543210fedcba9876543210",
            "container_sha256": "e" * 64,
            "manifest_sha256": "f" * 64,
        },
        {
            "party": "child-welfare",
            "upload": "upl-0123456789abcdef0123456789abcdef",
            "container_sha256": "c" * 64,
            "manifest_sha256": "d" * 64,
        },
    ],
    "profile": "a" * 64,
    "policy": POLICY,
    "algorithm": "blindlink/matching/2",
    "recipients": TERMS["recipients"],
    "spaces": TERMS["spaces"],
    "floor": 10,
    "asked_by": "child-welfare",
    "asked_at": "2026-09-01T06:00:00Z",
}

COUNTS: dict[str, Any] = {
    "fields": [
        {
            "field": "first",
            "strangers": [3_000, 12_000, 1_485_000],
            "twins": [2_000, 8_000, 990_000],
        },
        {"field": "date", "strangers": [200, 79_300, 1_420_500], "twins": [990_000, 5_000, 5_000]},
    ],
    "dependence": 640,
    "twin_pairs": 61_234,
}


def audit_of(profile: str, side: str, records: int) -> dict[str, Any] | None:
    """What is stated of a privacy audit that counts for an upload of so many records."""
    if records < 500:
        return None
    stated = {"digest": "2" * 64, "scope": "full", "profile": profile, "side": side}
    figures = [
        {"measure": name, "mean": "0.001", "least": "0", "most": "0.002"} for name in MEASURES
    ]
    return {**stated, "records": records, "structure": 0, "draws": DRAWS, "figures": figures}


def stated_audit(profile: str, side: str, records: int) -> PrivacyAudit | None:
    """The same as the manifest has it."""
    stated = audit_of(profile, side, records)
    return stated and PrivacyAudit.model_validate_json(json.dumps(stated))


MANIFEST: dict[str, Any] = {
    "version": "blindlink/manifest/4",
    "project": "foster-k12",
    "epoch": 1,
    "round": 3,
    "party": "k12",
    "partner": "child-welfare",
    "side": "larger",
    "agreement": "b" * 64,
    "profile": "a" * 64,
    "key_id": "0123456789abcdef",
    "container_sha256": "c" * 64,
    "container_bytes": 1_411_234_567,
    "records": 2_000_000,
    "rows": 8_000_000,
    "root": "d" * 64,
    "partner_root": "e" * 64,
    "last_message": None,
    "counts": COUNTS,
    "as_of": "2026-08-31",
    "population": "foster-care.0-21",
    "quality_digest": "1" * 64,
    "privacy_audit": audit_of("a" * 64, "larger", 2_000_000),
    "created": "2026-09-01T05:30:00Z",
    "software": "blindlink-0.1.0",
}

OFFER: dict[str, Any] = {
    "version": "blindlink/nonces/1",
    "project": "foster-k12",
    "party": "child-welfare",
    "person": "per-" + "1" * 32,
    "first": 5,
    "nonces": [f"{number:02x}" * 32 for number in (1, 2, 3, 4)],
    "void_below": 5,
    "at": "2026-09-01T05:00:00Z",
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

OVERDUE: dict[str, Any] = {
    "version": "blindlink/overdue-message/1",
    "broker": "https://broker.example.org:8443",
    "at": "2026-11-22T22:03:00Z",
    "overdue": [
        {
            "project": "foster-k12",
            "what": "upload",
            "object": "round-12",
            "party": "k12",
            "duty": "analyst",
            "since": "2026-11-22T22:00:00Z",
            "sentence": "k12 has not uploaded for round 12, which was due by 2026-11-22 22:00 UTC.",
        }
    ],
}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy in which the place `a.b.0.c` holds `value`; the place may be a new one.

    The empty place is the whole document, of which `value` replaces some fields.
    """
    made = copy.deepcopy(document)
    if not path:
        return made | value
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
