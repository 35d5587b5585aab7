"""Writes the vectors of all documents that are plain canonical JSON.

Run by hand when a format changes. Canonical bytes come from the rfc8785 package, not from the code under
test; which mutation breaks which rule is written down here, by the spec page.
"""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785
from oracles.example_documents import (
    MANIFEST,
    PROBLEM,
    PROFILE,
    RECEIPT,
    RUN,
    TERMS,
    changed,
    without,
)
from oracles.vector_file import write_vectors

Change = tuple[str, str, Any]

PROFILE_GOOD: list[Change] = [
    ("no recipe", "recipe", None),
    (
        "hardening none",
        "hardening",
        {"kind": "none", "taps": None, "output_bits": None, "salt": "none"},
    ),
    ("salted by year of birth", "hardening.salt", "birth-year"),
    ("a CLK of 64 bits", "linkage_schema", '{"clkConfig":{"l":64}}'),
]
PROFILE_BAD: list[Change] = [
    ("another version", "version", "blindlink/encoding-profile/2"),
    ("a name with a capital", "name", "Children"),
    ("a recipe as text", "recipe", "us-children"),
    ("a schema that is no JSON", "linkage_schema", "{"),
    ("a schema that is no object", "linkage_schema", "[]"),
    ("a schema without a length", "linkage_schema", '{"clkConfig":{}}'),
    ("a schema with a length as text", "linkage_schema", '{"clkConfig":{"l":"1024"}}'),
    ("a schema with a length of true", "linkage_schema", '{"clkConfig":{"l":true}}'),
    ("a schema with a length of 4", "linkage_schema", '{"clkConfig":{"l":4}}'),
    ("a schema with a length of 4,104", "linkage_schema", '{"clkConfig":{"l":4104}}'),
    ("a schema with a key twice", "linkage_schema", '{"clkConfig":{"l":64},"clkConfig":{"l":128}}'),
    ("a schema with NaN", "linkage_schema", '{"clkConfig":{"l":64},"weight":NaN}'),
    ("an unknown hardening", "hardening.kind", "blip"),
    ("eld1 without taps", "hardening.taps", None),
    ("eld1 without a length", "hardening.output_bits", None),
    ("one tap", "hardening.taps", 1),
    ("17 taps", "hardening.taps", 17),
    ("an output that is no whole number of bytes", "hardening.output_bits", 2047),
    ("an output of 4,104 bits", "hardening.output_bits", 4104),
    ("taps as text", "hardening.taps", "4"),
    ("none with taps", "hardening.kind", "none"),
    ("an unknown salt", "hardening.salt", "postcode"),
    ("a fill of 0", "nominal_fill", "0"),
    ("a fill of 1", "nominal_fill", "1"),
    ("a fill as a number", "nominal_fill", 0),
    ("a fill with an exponent", "nominal_fill", "4e-1"),
    ("a fill without a leading zero", "nominal_fill", ".48"),
    ("an unknown field", "surprise", 1),
    ("an unknown field of the hardening", "hardening.surprise", 1),
]

RANGE = {"auto_from": "0.84", "auto_to": "0.9", "review_from": "0.78", "review_to": "0.84"}
APPROVALS = {
    "runs": "standing",
    "parties": ["child-welfare", "k12"],
    "asker_suffices": False,
    "releases": True,
}
TERMS_GOOD: list[Change] = [
    ("no auditors", "auditors", []),
    ("nobody receives anything", "recipients", []),
    ("no floor", "floor", 0),
    ("one day", "end", "2026-09-01"),
    ("one provider", "providers", ["k12"]),
    ("blind releases", "recipients.0.mode", "blind"),
    ("a lasting space", "spaces.0.lifetime", "project"),
    ("the 29th of February", "end", "2028-02-29"),
    ("a range of thresholds", "policy_range", RANGE),
    ("a range of one policy", "policy_range", {**RANGE, "auto_from": "0.85", "auto_to": "0.85"}),
    ("files of the same day", "as_of_max_gap_days", 0),
    ("a budget of runs", "run_budget", {"runs": 6, "days": 30}),
    ("approvals", "approvals", APPROVALS),
    (
        "a run that is final with two cosigners",
        "finality",
        {"cosigners": 2, "delays_release": True},
    ),
    ("all destroyed on the last day", "destroy_by", "2027-08-31"),
    ("a legal hold", "has_legal_hold", True),
]
POLICY_BAD: list[Change] = [
    ("review above auto", "policy.review", "0.86"),
    ("a review threshold of 0", "policy.review", "0"),
    ("an auto threshold above 1", "policy.auto", "1.1"),
    ("a margin as wide as auto", "policy.margin", "0.85"),
    ("a threshold as a number", "policy.auto", 1),
    ("a threshold in percent", "policy.auto", "85 %"),
    ("a threshold with a comma", "policy.auto", "0,85"),
    ("a negative margin", "policy.margin", "-0.01"),
    ("an unknown solver", "policy.solver", "hungarian"),
    ("no pairs at all", "policy.max_pairs", 0),
    ("too many pairs", "policy.max_pairs", 10**9 + 1),
    ("an unknown field of the policy", "policy.surprise", 1),
]
RECIPIENTS_BAD: list[Change] = [
    ("recipients out of order", "recipients", TERMS["recipients"][::-1]),
    ("a recipient twice", "recipients", [TERMS["recipients"][0]] * 2),
    ("a recipient's space that is not listed", "recipients.0.space", "elsewhere"),
    ("a space listed twice", "spaces", TERMS["spaces"] * 2),
    ("an unknown release mode", "recipients.0.mode", "open"),
    ("an unknown lifetime", "spaces.0.lifetime", "forever"),
    ("a floor below 0", "floor", -1),
    ("a floor as text", "floor", "10"),
    ("an epoch of 0", "epoch", 0),
    ("a project with a space", "project", "foster k12"),
    ("a project of one letter", "project", "f"),
    ("a project of 41 letters", "project", "f" * 41),
    ("a profile's digest in capitals", "profile", "A" * 64),
    ("a profile's digest cut short", "profile", "a" * 63),
    ("an unknown field", "surprise", 1),
]
TERMS_BAD: list[Change] = [
    *POLICY_BAD,
    *RECIPIENTS_BAD,
    ("another version", "version", "blindlink/project-terms/2"),
    ("providers out of order", "providers", ["k12", "child-welfare"]),
    ("a provider twice", "providers", ["k12", "k12"]),
    ("no providers", "providers", []),
    ("65 providers", "providers", [f"party-{number:03}" for number in range(65)]),
    ("providers as text", "providers", "k12"),
    ("an auditor twice", "auditors", ["state-auditor", "state-auditor"]),
    ("a purpose with a space", "purpose", "school stability"),
    ("a start after the end", "start", "2028-01-01"),
    ("a day that does not exist", "start", "2026-02-29"),
    ("a month that does not exist", "start", "2026-13-01"),
    ("a date with a time", "start", "2026-09-01T00:00:00Z"),
    ("a date the American way", "start", "09/01/2026"),
    ("a smallest size above the largest", "min_records", 20_000_001),
    ("a smallest size of 0", "min_records", 0),
    ("256 variants", "max_variants", 256),
    ("encodings kept for ever", "keep_encodings_days", 3661),
    ("encodings kept for no day", "keep_encodings_days", 0),
    ("a range without the policy", "policy_range", {**RANGE, "auto_from": "0.86"}),
    ("a range upside down", "policy_range", {**RANGE, "review_to": "0.77"}),
    ("a range from 0", "policy_range", {**RANGE, "review_from": "0"}),
    ("a range beyond 1", "policy_range", {**RANGE, "auto_to": "1.01"}),
    ("files of the day after tomorrow", "as_of_max_age_days", -1),
    ("a budget of no runs", "run_budget", {"runs": 0, "days": 30}),
    ("a budget without days", "run_budget", {"runs": 6}),
    ("approvals by nobody", "approvals", {**APPROVALS, "parties": []}),
    ("approvals by one, who asks", "approvals", {**APPROVALS, "parties": ["k12"]}),
    ("approvals out of order", "approvals", {**APPROVALS, "parties": ["k12", "child-welfare"]}),
    ("approvals now and then", "approvals", {**APPROVALS, "runs": "sometimes"}),
    ("a wait for no cosigner", "finality", {"cosigners": 0, "delays_release": True}),
    ("all destroyed before the end", "destroy_by", "2027-08-30"),
    ("a legal hold as text", "has_legal_hold", "yes"),
]

RUN_GOOD: list[Change] = [
    ("one upload", "uploads", RUN["uploads"][:1]),
    ("nobody receives anything", "recipients", []),
]
RUN_BAD: list[Change] = [
    *POLICY_BAD,
    *RECIPIENTS_BAD,
    ("another version", "version", "blindlink/run/2"),
    ("another algorithm", "algorithm", "blindlink-matching/2"),
    ("no uploads", "uploads", []),
    ("uploads out of order", "uploads", RUN["uploads"][::-1]),
    ("a party with two uploads", "uploads", [RUN["uploads"][0]] * 2),
    ("an upload without its manifest", "uploads.0.manifest_sha256", None),
    ("an id without its prefix", "run", "0123456789abcdef0123456789abcdef"),
    ("an id in capitals", "run", "run-0123456789ABCDEF0123456789ABCDEF"),
    ("an hour that does not exist", "asked_at", "2026-09-01T24:01:00Z"),
    ("a time in another zone", "asked_at", "2026-09-01T06:00:00+02:00"),
    ("a time in fractions", "asked_at", "2026-09-01T06:00:00.5Z"),
]

MANIFEST_GOOD: list[Change] = [
    ("no data check", "quality_digest", None),
    ("a privacy audit", "privacy_audit_digest", "2" * 64),
    ("one record", "records", 1),
    ("the 29th of February", "as_of", "2028-02-29"),
]
MANIFEST_BAD: list[Change] = [
    ("another version", "version", "blindlink/manifest/2"),
    ("a party with a space", "party", "child welfare"),
    ("an epoch of 0", "epoch", 0),
    ("an agreement by name", "agreement", "foster-k12"),
    ("a key id in capitals", "key_id", "0123456789ABCDEF"),
    ("a key id of 15 characters", "key_id", "0123456789abcde"),
    ("a digest cut short", "container_sha256", "c" * 63),
    ("a container of no bytes", "container_bytes", 0),
    ("no records", "records", 0),
    ("records as text", "records", "60000"),
    ("no encodings", "encodings", 0),
    ("a day that does not exist", "as_of", "2026-02-30"),
    ("a day with a time", "as_of", "2026-08-31T00:00:00Z"),
    ("a population with a space", "population", "foster care"),
    ("a data check that is no digest", "quality_digest", "passed"),
    ("a time in fractions", "created", "2026-09-01T05:30:00.5Z"),
    ("software with a space", "software", "blindlink 0.1.0"),
    ("an unknown field", "surprise", 1),
]

RECEIPT_GOOD: list[Change] = [
    ("of a release", "subject", "rel-0123456789abcdef0123456789abcdef"),
    ("of the only entry", "proof", []),
]
RECEIPT_BAD: list[Change] = [
    ("another version", "version", "blindlink/receipt/2"),
    ("a subject without its prefix", "subject", "0123456789abcdef0123456789abcdef"),
    ("an entry that is no text", "entry", {}),
    ("an entry that is too long", "entry", "x" * 8193),
    ("an index below 0", "index", -1),
    ("an index as text", "index", "5"),
    ("a hash of 31 bytes", "proof.0", "A" * 43),
    ("a hash in hex", "proof.0", "0" * 64),
    ("65 hashes", "proof", ["A" * 43 + "="] * 65),
    ("no checkpoint", "checkpoint", None),
    ("an unknown field", "surprise", 1),
]

PROBLEM_GOOD: list[Change] = [
    ("no clause", "clause", None),
    ("a hint", "hint", "Ask for a new agreement."),
    ("a fault of the broker", "status", 500),
]
PROBLEM_BAD: list[Change] = [
    ("a type that is a URL", "type", "https://example.org/problem"),
    ("a type with a capital", "type", "urn:blindlink:problem:Not-In-Force"),
    ("a type without a code", "type", "urn:blindlink:problem:"),
    ("a status of success", "status", 200),
    ("a status as text", "status", "409"),
    ("no detail", "detail", None),
    ("a clause with a space", "clause", "the end"),
    ("an unknown field", "errors", []),
]

FORMATS: dict[str, tuple[dict[str, Any], list[Change], list[Change]]] = {
    "encoding-profile": (PROFILE, PROFILE_GOOD, PROFILE_BAD),
    "project-terms": (TERMS, TERMS_GOOD, TERMS_BAD),
    "run-specification": (RUN, RUN_GOOD, RUN_BAD),
    "manifest": (MANIFEST, MANIFEST_GOOD, MANIFEST_BAD),
    "receipt": (RECEIPT, RECEIPT_GOOD, RECEIPT_BAD),
    "problem": (PROBLEM, PROBLEM_GOOD, PROBLEM_BAD),
}


def document_vectors(name: str) -> dict[str, Any]:
    """Return the vectors of `schemas/spec/<name>.md`.

    Each has the document's exact bytes as text; a good one also its SHA-256.
    """
    base, good_changes, bad_changes = FORMATS[name]
    good = [
        ("plain", base),
        *((what, changed(base, place, value)) for what, place, value in good_changes),
    ]
    bad = [(what, changed(base, place, value)) for what, place, value in bad_changes]
    bad += [(f"without {field}", without(base, field)) for field in sorted(base)]
    text = _text(base)
    spellings = [
        ("white space", text.replace(":", ": ", 1)),
        ("a line end", text + "\n"),
        ("keys out of order", "{" + ",".join(sorted(_members(base), reverse=True)) + "}"),
        ("an array around it", f"[{text}]"),
        ("cut off", text[:-1]),
        ("empty", ""),
        ("null", "null"),
    ]
    return {
        "spec": name,
        "good": [
            {"name": what, "document": _text(made), "sha256": _digest(made)} for what, made in good
        ],
        "bad": [
            *({"name": what, "document": _text(made)} for what, made in bad),
            *({"name": what, "document": raw} for what, raw in spellings),
        ],
    }


def _text(document: dict[str, Any]) -> str:
    return rfc8785.dumps(document).decode("utf-8")


def _digest(document: dict[str, Any]) -> str:
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


def _members(document: dict[str, Any]) -> list[str]:
    return [_text({key: value})[1:-1] for key, value in document.items()]


if __name__ == "__main__":
    for format_name in FORMATS:
        write_vectors(format_name, document_vectors(format_name))
