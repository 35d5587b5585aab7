"""Writes the vectors of all documents that are plain canonical JSON.

Run by hand when a format changes. Canonical bytes come from the rfc8785 package, not from the code under
test; which mutation breaks which rule is written down here, by the spec page.
"""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785
from samples.documents import (
    MANIFEST,
    OFFER,
    OVERDUE,
    PROBLEM,
    PROFILE,
    RECEIPT,
    RUN,
    TERMS,
    changed,
    without,
)
from samples.matching_profiles import memory_field, number_field
from vectors.file import write_vectors

Change = tuple[str, str, Any]

FIRST, DATE = PROFILE["fields"]
EXACT = FIRST["levels"][0]
NUMBER = number_field({"first": ["far"]})


def numbered(**changed: Any) -> list[Any]:
    """Return the fields with a known number, changed."""
    return [FIRST, DATE, NUMBER | changed]


PROFILE_GOOD: list[Change] = [
    ("one pass", "passes", PROFILE["passes"][:1]),
    ("no keys for aliases", "alias_keys", {"larger": 0, "smaller": 0}),
    ("no dependence", "dependence", None),
    ("no twins by a field", "fields.1.twins", 0),
    ("a cap of one", "block_cap", 1),
    ("an alternative of two conditions", "fields.0.levels.1.any_of", [
        [{"lane": "first", "within": 11}, {"lane": "nickname", "within": 0}],
    ]),
    ("a distance of all bits", "fields.0.levels.1.any_of.0.0.within", 64),
    ("a recipe of nothing", "recipe", {}),
    ("memory of links", "fields", [FIRST, DATE, memory_field("linked-before")]),
    ("memory of rejections", "fields", [FIRST, DATE, memory_field("rejected-before")]),
    ("a known number", "fields", numbered()),
    ("a known number that two fields may contradict", "fields", numbered(contradicted_by=[
        {"field": "first", "levels": ["near", "far"]}, {"field": DATE["name"], "levels": [
            DATE["levels"][-1]["name"]]},
    ])),
]  # fmt: skip
PROFILE_BAD: list[Change] = [
    ("another version", "version", "blindlink/encoding-profile/1"),
    ("a name with a capital", "name", "Children"),
    ("a recipe as text", "recipe", "us-children"),
    ("no recipe", "recipe", None),
    ("no fields", "fields", []),
    ("17 fields", "fields", [{**FIRST, "name": f"f{number}"} for number in range(17)]),
    ("two fields of one name", "fields.1.name", "first"),
    ("memory of a column of the file", "fields.1.memory", "linked-before"),
    ("memory of twins", "fields", [FIRST, DATE, memory_field("linked-before") | {"twins": 1}]),
    ("an unknown memory", "fields.1.memory", "seen-before"),
    ("one memory twice", "fields", [
        FIRST, DATE, memory_field("linked-before"),
        memory_field("linked-before") | {"name": "again"},
    ]),
    ("a column with two lanes", "fields.1.lanes.0.column", "first"),
    ("a column with a capital", "fields.0.lanes.0.column", "First"),
    ("a column of 41 letters", "fields.0.lanes.0.column", "f" * 41),
    ("a field without lanes", "fields.0.lanes", []),
    ("lanes of more than 64 bytes", "fields.0.lanes", [
        {**FIRST["lanes"][0], "column": f"first{number}"} for number in range(8)
    ]),
    ("a filter without a linkage feature", "fields.0.lanes.0.linkage", None),
    ("a tag with a linkage feature", "fields.0.lanes.1.linkage", "{}"),
    ("an unknown kind of lane", "fields.0.lanes.0.kind", "hash"),
    ("one level", "fields.0.levels", FIRST["levels"][2:]),
    ("two levels of one name", "fields.0.levels.1.name", "exact"),
    ("a last level with a condition", "fields.0.levels.2.any_of", EXACT["any_of"]),
    ("a level before the last without a condition", "fields.0.levels.1.any_of", []),
    ("an alternative without a condition", "fields.0.levels.0.any_of", [[]]),
    ("five alternatives", "fields.0.levels.0.any_of", EXACT["any_of"] * 5),
    ("a level on a lane of another field", "fields.0.levels.0.any_of.0.0.lane", "year"),
    ("a distance of 65 bits", "fields.0.levels.1.any_of.0.0.within", 65),
    ("a distance below 0", "fields.0.levels.1.any_of.0.0.within", -1),
    ("a tag that is nearly equal", "fields.0.levels.1.any_of.1.0.within", 1),
    ("m that do not add up", "fields.0.levels.0.m", 800_001),
    ("u that do not add up", "fields.0.levels.0.u", 2_000_001),
    ("an m of 0", "fields.0.levels.0.m", 0),
    ("an m as a share", "fields.0.levels.0.m", "0.8"),
    ("more twins than a thousand", "fields.1.twins", 1001),
    ("no passes", "passes", []),
    ("two passes of one name", "passes.1.name", "any3s"),
    ("a pass without keys", "passes.0.keys", []),
    ("a key without parts", "passes.0.keys.0", []),
    ("a part without columns", "passes.0.keys.0.0", []),
    ("a part of five columns", "passes.0.keys.0.0", ["a", "b", "c", "d", "e"]),
    ("33 keys for aliases", "alias_keys.larger", 33),
    ("keys for aliases of one side", "alias_keys", {"larger": 1}),
    ("a cap of 0", "block_cap", 0),
    ("a cap of 65", "block_cap", 65),
    ("a strength of 0", "strength", 0),
    ("twins of 0", "twins_per_million", 0),
    ("a dependence of one field", "dependence.levels", PROFILE["dependence"]["levels"][:1]),
    ("a dependence of one field twice", "dependence.levels", [
        {"field": "first", "levels": ["exact"]}, {"field": "first", "levels": ["near"]},
    ]),
    ("a dependence on an unknown level", "dependence.levels.0.levels", ["nearest"]),
    ("a dependence on an unknown field", "dependence.levels.0.field", "surname"),
    ("a dependence without its second field", "fields", [FIRST]),
    ("a dependence below 0", "dependence.published", -1),
    ("an unknown field", "surprise", 1),
    ("an unknown field of a lane", "fields.0.lanes.0.surprise", 1),
    ("a hardening as before", "hardening", {"kind": "none"}),
]  # fmt: skip

RANGE = {"auto_from": "0.85", "auto_to": "0.95", "review_from": "0.02", "review_to": "0.2"}
APPROVALS = {
    "runs": "standing",
    "parties": ["child-welfare", "k12"],
    "asker_suffices": False,
    "releases": True,
}
K12_FILE = TERMS["files"][1]
TERMS_GOOD: list[Change] = [
    ("no auditors", "auditors", []),
    ("nobody receives anything", "recipients", []),
    ("no floor", "floor", 0),
    ("one day", "end", "2026-09-01"),
    ("blind releases", "recipients.0.mode", "blind"),
    ("link IDs that are new in each round", "spaces.0.lifetime", "round"),
    ("the 29th of February", "end", "2028-02-29"),
    ("a range of probabilities", "policy_range", RANGE),
    ("a range of one policy", "policy_range", {**RANGE, "auto_from": "0.9", "auto_to": "0.9"}),
    ("files of the same day", "as_of_max_gap_days", 0),
    ("a file of one size", "files.0", {"party": "child-welfare", "least": 5, "most": 5}),
    ("rounds every month", "frequency", "monthly"),
    ("files due on any day", "due", "00:00"),
    ("files due at no time", "due", None),
    ("rounds of 60 days", "round_days", 60),
    ("a budget of rounds", "round_budget", {"rounds": 6, "days": 30}),
    ("a tenth of the links may end at once", "most_ended", "0.1"),
    ("no two links may end at once", "most_ended", "0"),
    ("all links may end at once", "most_ended", "1"),
    ("approvals", "approvals", APPROVALS),
    (
        "a run that is final with two cosigners",
        "finality",
        {"cosigners": 2, "delays_release": True},
    ),
    ("all destroyed on the last day", "destroy_by", "2027-08-31"),
    ("a legal hold", "has_legal_hold", True),
    ("a review band of nothing", "policy.review", "0.9"),
    ("no pair in review", "policy.review_share", "0"),
    ("a lead of ten", "policy.lead", 10),
    ("a twin guard", "policy.twin_guard", True),
    ("any link rate", "policy.link_rate", {"least": "0", "most": "1"}),
]
POLICY_BAD: list[Change] = [
    ("review above auto", "policy.review", "0.91"),
    ("a review probability of 0", "policy.review", "0"),
    ("an auto probability of 1", "policy.auto", "1"),
    ("a probability as a number", "policy.auto", 1),
    ("a probability in percent", "policy.auto", "90 %"),
    ("a probability with a comma", "policy.auto", "0,9"),
    ("a lead of 0", "policy.lead", 0),
    ("a lead as text", "policy.lead", "10"),
    ("a lead of a million and one", "policy.lead", 10**6 + 1),
    ("a review share above 1", "policy.review_share", "1.01"),
    ("a negative review share", "policy.review_share", "-0.01"),
    ("a twin guard as text", "policy.twin_guard", "yes"),
    ("a twin guard of 1", "policy.twin_guard", 1),
    ("no expected matches", "policy.prior_matches", "0"),
    ("more expected matches than records", "policy.prior_matches", "1.1"),
    ("a link rate upside down", "policy.link_rate", {"least": "0.5", "most": "0.4"}),
    ("a link rate above 1", "policy.link_rate.most", "1.1"),
    ("a link rate without an end", "policy.link_rate", {"least": "0.5"}),
    ("a margin as before", "policy.margin", "0.02"),
    ("a solver as before", "policy.solver", "groups"),
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
    ("a lifetime as before", "spaces.0.lifetime", "run"),
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
    ("another version", "version", "blindlink/project-terms/1"),
    ("nobody approves", "approvals", None),
    ("nothing on when a run is final", "finality", None),
    ("no day by which all is destroyed", "destroy_by", None),
    ("providers out of order", "providers", ["k12", "child-welfare"]),
    ("a provider twice", "providers", ["k12", "k12"]),
    ("no providers", "providers", []),
    ("17 providers", "providers", [f"party-{number:03}" for number in range(17)]),
    ("providers as text", "providers", "k12"),
    ("an auditor twice", "auditors", ["state-auditor", "state-auditor"]),
    ("a purpose with a space", "purpose", "school stability"),
    ("a start after the end", "start", "2028-01-01"),
    ("a day that does not exist", "start", "2026-02-29"),
    ("a month that does not exist", "start", "2026-13-01"),
    ("a date with a time", "start", "2026-09-01T00:00:00Z"),
    ("a date the American way", "start", "09/01/2026"),
    ("one provider without its file", "providers", ["k12"]),
    ("files out of order", "files", TERMS["files"][::-1]),
    ("a file twice", "files", [TERMS["files"][0], *TERMS["files"]]),
    ("a file less", "files", TERMS["files"][:1]),
    ("a file of a party that does not upload", "files.1.party", "state-auditor"),
    ("a least size above the most", "files.1", {**K12_FILE, "least": 8_000_001}),
    ("a least size of 0", "files.1.least", 0),
    ("a most size of 2^32", "files.1.most", 2**32),
    ("a size as text", "files.1.most", "8000000"),
    ("rounds now and then", "frequency", "sometimes"),
    ("files due at 24:00", "due", "sunday 24:00"),
    ("files due on a day of the week that there is not", "due", "someday 22:00"),
    ("files due without a time", "due", "sunday"),
    ("files due when rounds are on request", "frequency", "on-request"),
    ("files due in a linkage made once", "frequency", "once"),
    ("files due on a day of the week every day", "frequency", "daily"),
    ("rounds of no day", "round_days", 0),
    ("rounds of 61 days", "round_days", 61),
    ("encodings kept for ever", "keep_encodings_days", 3661),
    ("encodings kept for no day", "keep_encodings_days", 0),
    ("a range without the policy", "policy_range", {**RANGE, "auto_from": "0.91"}),
    ("a range upside down", "policy_range", {**RANGE, "review_to": "0.01"}),
    ("a range from 0", "policy_range", {**RANGE, "review_from": "0"}),
    ("a range beyond 1", "policy_range", {**RANGE, "auto_to": "1.01"}),
    ("files of the day after tomorrow", "as_of_max_age_days", -1),
    ("a share above 1 that may end", "most_ended", "1.1"),
    ("a share that may end as a number", "most_ended", 0),
    ("a share below 0 that may end", "most_ended", "-0.1"),
    ("a budget of no rounds", "round_budget", {"rounds": 0, "days": 30}),
    ("a budget without days", "round_budget", {"rounds": 6}),
    ("a budget of runs", "round_budget", {"runs": 6, "days": 30}),
    ("approvals by nobody", "approvals", {**APPROVALS, "parties": []}),
    ("approvals by one, who asks", "approvals", {**APPROVALS, "parties": ["k12"]}),
    ("approvals out of order", "approvals", {**APPROVALS, "parties": ["k12", "child-welfare"]}),
    ("approvals now and then", "approvals", {**APPROVALS, "runs": "sometimes"}),
    ("a wait for no cosigner", "finality", {"cosigners": 0, "delays_release": True}),
    ("all destroyed before the end", "destroy_by", "2027-08-30"),
    ("a legal hold as text", "has_legal_hold", "yes"),
]

RUN_GOOD: list[Change] = [
    ("the first round", "round", 1),
    ("nobody receives anything", "recipients", []),
]
RUN_BAD: list[Change] = [
    *POLICY_BAD,
    *RECIPIENTS_BAD,
    ("another version", "version", "blindlink/run/1"),
    ("another algorithm", "algorithm", "blindlink/matching/1"),
    ("no uploads", "uploads", []),
    ("one upload", "uploads", RUN["uploads"][:1]),
    ("three uploads", "uploads", [*RUN["uploads"], {**RUN["uploads"][0], "party": "health"}]),
    ("round 0", "round", 0),
    ("a round as text", "round", "3"),
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
    ("a file too small for a privacy audit", "privacy_audit", None),
    (
        "a quick privacy audit, which the schema takes and a broker does not",
        "privacy_audit.scope",
        "quick",
    ),
    ("a goal missed, likewise", "privacy_audit.passed", False),
    ("a file too small to be counted", "counts", None),
    ("the first of the pair", "partner_root", None),
    ("a message that was seen", "last_message", "3" * 64),
    ("one record", "records", 1),
    ("twins at one level", "counts.fields.0.twins", [0, 0, 1_000_000]),
    ("no dependence", "counts.dependence", 0),
    ("the 29th of February", "as_of", "2028-02-29"),
]
COUNTED = MANIFEST["counts"]["fields"][0]
MANIFEST_BAD: list[Change] = [
    ("another version", "version", "blindlink/manifest/1"),
    ("a party with a space", "party", "child welfare"),
    ("no partner", "partner", None),
    ("an unknown side", "side", "left"),
    ("counts of the smaller file", "side", "smaller"),
    ("an epoch of 0", "epoch", 0),
    ("round 0", "round", 0),
    ("an agreement by name", "agreement", "foster-k12"),
    ("a key id in capitals", "key_id", "0123456789ABCDEF"),
    ("a key id of 15 characters", "key_id", "0123456789abcde"),
    ("a digest cut short", "container_sha256", "c" * 63),
    ("a container of no bytes", "container_bytes", 0),
    ("no records", "records", 0),
    ("2^32 records", "records", 2**32),
    ("records as text", "records", "60000"),
    ("no rows", "rows", 0),
    ("no root", "root", None),
    ("a partner's root cut short", "partner_root", "e" * 63),
    ("encodings as before", "encodings", 60_321),
    ("no counted fields", "counts.fields", []),
    ("twins that do not add up", "counts.fields.0.twins", [2_000, 8_000, 989_999]),
    ("a level less of twins", "counts.fields.0.twins", [2_000, 998_000]),
    ("a level less of strangers", "counts.fields.0.strangers", [3_000, 12_000]),
    ("one level", "counts.fields.0", {**COUNTED, "strangers": [1], "twins": [1_000_000]}),
    ("nobody counted", "counts.fields.0.strangers", [0, 0, 0]),
    ("a count below 0", "counts.fields.0.strangers.0", -1),
    ("a count as a share", "counts.fields.0.strangers.0", "0.002"),
    ("a dependence of 30,001", "counts.dependence", 30_001),
    ("no pair of twins", "counts.twin_pairs", 0),
    ("an unknown field of the counts", "counts.surprise", 1),
    ("a day that does not exist", "as_of", "2026-02-30"),
    ("a day with a time", "as_of", "2026-08-31T00:00:00Z"),
    ("a population with a space", "population", "foster care"),
    ("a data check that is no digest", "quality_digest", "passed"),
    ("a privacy audit by its digest alone", "privacy_audit", "2" * 64),
    ("a privacy audit whose digest is cut short", "privacy_audit.digest", "2" * 63),
    ("a privacy audit of another scope", "privacy_audit.scope", "half"),
    ("a privacy audit of a profile by name", "privacy_audit.profile", "children"),
    ("a privacy audit of no side", "privacy_audit.side", None),
    ("a privacy audit of no records", "privacy_audit.records", 0),
    ("a privacy audit that passed in words", "privacy_audit.passed", "yes"),
    ("a privacy audit with its name", "privacy_audit.name", "audit"),
    ("a time in fractions", "created", "2026-09-01T05:30:00.5Z"),
    ("software with a space", "software", "blindlink 0.1.0"),
    ("an unknown field", "surprise", 1),
]

OFFER_GOOD: list[Change] = [
    ("one nonce", "nonces", OFFER["nonces"][:1]),
    ("no nonce, to void those before", "nonces", []),
    ("16 nonces", "nonces", [f"{number:064x}" for number in range(16)]),
    ("nothing is void", "void_below", 1),
    ("the first offer", "first", 5),
]
OFFER_BAD: list[Change] = [
    ("another version", "version", "blindlink/nonces/2"),
    ("a project with a space", "project", "foster k12"),
    ("a person without the prefix", "person", "1" * 32),
    ("another kind of id", "person", "run-" + "1" * 32),
    ("a number of 0", "first", 0),
    ("a number of 10^9 + 1", "first", 10**9 + 1),
    ("a number as text", "first", "5"),
    ("17 nonces", "nonces", [f"{number:064x}" for number in range(17)]),
    ("a nonce twice", "nonces", OFFER["nonces"][:1] * 2),
    ("a nonce in capitals", "nonces.0", "AB" * 32),
    ("a nonce of 31 bytes", "nonces.0", "ab" * 31),
    ("a nonce with a newline", "nonces.0", "ab" * 32 + "\n"),
    ("void of what comes after", "void_below", 6),
    ("void below 0", "void_below", 0),
    ("a time in fractions", "at", "2026-09-01T05:00:00.5Z"),
    ("the round that it is for", "round", 3),
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
    ("an entry that is too long", "entry", "x" * 49153),
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

CERTIFICATE, ANY_RUN = "crt-" + "2" * 32, "run-" + "2" * 32
ONE = OVERDUE["overdue"][0]


def _of(what: str, thing: str, duty: str) -> dict[str, Any]:
    return {**ONE, "what": what, "object": thing, "duty": duty}


OVERDUE_GOOD: list[Change] = [
    ("a test message", "overdue", []),
    ("a broker on this machine", "broker", "http://127.0.0.1:8443"),
    ("a round", "overdue.0", _of("round", "round-1", "analyst")),
    ("an approval", "overdue.0", _of("approval", ANY_RUN, "approver")),
    ("a cosignature of a recipient", "overdue.0", _of("cosignature", ANY_RUN, "recipient")),
    ("a cosignature of an auditor", "overdue.0", _of("cosignature", ANY_RUN, "auditor")),
    ("cards of a review", "overdue.0", _of("review", ANY_RUN, "analyst")),
    ("pairs of a review", "overdue.0", _of("review", ANY_RUN, "reviewer")),
    ("what the broker holds", "overdue.0", _of("destruction", "kept", "operator")),
    ("a party's own copies", "overdue.0", _of("destruction", CERTIFICATE, "analyst")),
    ("a certificate", "overdue.0", _of("certificate", CERTIFICATE, "operator")),
    ("an agreement", "overdue.0", _of("agreement", "agreement", "steward")),
    ("a secret", "overdue.0", _of("key", "secret-3", "analyst")),
    ("the key ring", "overdue.0", {**_of("key", "key-ring", "operator"), "project": None}),
    ("a log without a witness", "overdue.0", _of("witness", "log", "analyst")),
]
OVERDUE_BAD: list[Change] = [
    ("another version", "version", "blindlink/overdue-message/2"),
    ("a broker without https", "broker", "broker.example.org"),
    ("a time in fractions", "at", "2026-11-22T22:03:00.5Z"),
    ("1,001 things", "overdue", [ONE] * 1001),
    ("a kind that is not known", "overdue.0.what", "lunch"),
    ("a review in the hands of an auditor", "overdue.0", _of("review", ANY_RUN, "auditor")),
    ("a round without a number", "overdue.0.object", "round"),
    ("round 0", "overdue.0.object", "round-0"),
    ("an upload of a run", "overdue.0.object", ANY_RUN),
    ("a run in capitals", "overdue.0", _of("approval", ANY_RUN.upper(), "approver")),
    ("a certificate that is a run", "overdue.0", _of("certificate", ANY_RUN, "operator")),
    ("an upload in an approver's hands", "overdue.0.duty", "approver"),
    ("an approval in an analyst's hands", "overdue.0", _of("approval", ANY_RUN, "analyst")),
    ("a duty that there is not", "overdue.0.duty", "boss"),
    ("a party with a space", "overdue.0.party", "k 12"),
    ("a person", "overdue.0.person", "per-" + "1" * 32),
    ("a count", "overdue.0.count", 12),
    ("no sentence", "overdue.0.sentence", ""),
    ("a sentence of 301 characters", "overdue.0.sentence", "x" * 301),
    ("a day without a time", "overdue.0.since", "2026-11-22"),
    ("an unknown field", "surprise", 1),
]

FORMATS: dict[str, tuple[dict[str, Any], list[Change], list[Change]]] = {
    "encoding-profile": (PROFILE, PROFILE_GOOD, PROFILE_BAD),
    "project-terms": (TERMS, TERMS_GOOD, TERMS_BAD),
    "run-specification": (RUN, RUN_GOOD, RUN_BAD),
    "manifest": (MANIFEST, MANIFEST_GOOD, MANIFEST_BAD),
    "rounds": (OFFER, OFFER_GOOD, OFFER_BAD),
    "receipt": (RECEIPT, RECEIPT_GOOD, RECEIPT_BAD),
    "problem": (PROBLEM, PROBLEM_GOOD, PROBLEM_BAD),
    "overdue": (OVERDUE, OVERDUE_GOOD, OVERDUE_BAD),
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
