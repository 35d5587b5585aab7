"""Writes the vectors of all documents that are plain canonical JSON.

Run by hand when a format changes. Canonical bytes come from the rfc8785 package, not from the code under
test; which mutation breaks which rule is written down here, by the spec page.
"""

from __future__ import annotations

from typing import Any

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
    lane,
    level,
)
from samples.matching_profiles import memory_field, number_field
from vectors.file import bent, digest_of, listed, text_of, write_vectors

Change = tuple[str, str, Any]

FIRST, DATE = PROFILE["fields"]
EXACT = FIRST["levels"][0]
NUMBER = number_field({"first": ["far"]})


def numbered(**changed: Any) -> list[Any]:
    """Return the fields with a known number, changed."""
    return [FIRST, DATE, NUMBER | changed]


PROFILE_GOOD: list[Change] = [
    ("one pass", "passes", PROFILE["passes"][:1]),
    ("values of keys for an empty column", "either", {"column": "sex", "values": ["F", "M"]}),
    ("names that may be exchanged", "exchange", [["first", "last", "last_2"]]),
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
    ("a recipe as text", "recipe", "us-children"),
    ("two fields of one name", "fields.1.name", "first"),
    ("memory of a column of the file", "fields.1.memory", "linked-before"),
    ("memory of twins", "fields", [FIRST, DATE, memory_field("linked-before") | {"twins": 1}]),
    ("one memory twice", "fields", [
        FIRST, DATE, memory_field("linked-before"),
        memory_field("linked-before") | {"name": "again"},
    ]),
    ("a column with two lanes", "fields.1.lanes.0.column", "first"),
    ("a column with two lanes in its field", "fields.1.lanes.1.column", "year"),
    ("lanes of more than 64 bytes", "fields.0.lanes", [
        {**FIRST["lanes"][0], "column": f"first{number}"} for number in range(8)
    ]),
    ("a filter without a linkage feature", "fields.0.lanes.0.linkage", None),
    ("a tag with a linkage feature", "fields.0.lanes.1.linkage", "{}"),
    ("two levels of one name", "fields.0.levels.1.name", "exact"),
    ("a last level with a condition", "fields.0.levels.2.any_of", EXACT["any_of"]),
    ("a level before the last without a condition", "fields.0.levels.1.any_of", []),
    ("a level on a lane of another field", "fields.0.levels.0.any_of.0.0.lane", "year"),
    ("a tag that is nearly equal", "fields.0.levels.1.any_of.1.0.within", 1),
    ("m that do not add up", "fields.0.levels.0.m", 800_001),
    ("u that do not add up", "fields.0.levels.0.u", 2_000_001),
    ("levels too many to be numbered", "", {"dependence": None, "fields": [
        {**DATE, "name": f"f{n}", "lanes": [lane(f"x{n}")], "levels": [
            *(level(f"l{m}", 1, 1, (f"x{n}", 0)) for m in range(15)),
            level("last", 10**6 - 15, 10**9 - 15),
        ]} for n in range(10)
    ]}),
    ("two passes of one name", "passes.1.name", "any3s"),
    ("keys for aliases of one side", "alias_keys", {"larger": 1}),
    ("a dependence of one field twice", "dependence.levels", [
        {"field": "first", "levels": ["exact"]}, {"field": "first", "levels": ["near"]},
    ]),
    ("a dependence on an unknown level", "dependence.levels.0.levels", ["nearest"]),
    ("a dependence on an unknown field", "dependence.levels.0.field", "surname"),
    ("a dependence without its second field", "fields", [FIRST]),
    ("an unknown field", "surprise", 1),
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
    ("no limits of the privacy audit", "privacy", None),
    ("approvals", "approvals", APPROVALS),
    (
        "a run that is final with two cosigners",
        "finality",
        {"cosigners": 2, "delays_release": True},
    ),
    ("all destroyed on the last day", "destroy_by", "2027-08-31"),
    ("a legal hold", "has_legal_hold", True),
    ("a review band of nothing", "policy.review", "0.9"),
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
    ("no expected matches", "policy.prior_matches", "0"),
    ("more expected matches than records", "policy.prior_matches", "1.1"),
    ("a link rate upside down", "policy.link_rate", {"least": "0.5", "most": "0.4"}),
    ("a link rate above 1", "policy.link_rate.most", "1.1"),
    ("a link rate without an end", "policy.link_rate", {"least": "0.5"}),
    ("a margin as before", "policy.margin", "0.02"),
]
RECIPIENTS_BAD: list[Change] = [
    ("recipients out of order", "recipients", TERMS["recipients"][::-1]),
    ("a recipient twice", "recipients", [TERMS["recipients"][0]] * 2),
    ("a recipient's space that is not listed", "recipients.0.space", "elsewhere"),
    ("a space listed twice", "spaces", TERMS["spaces"] * 2),
]
TERMS_BAD: list[Change] = [
    *POLICY_BAD,
    *RECIPIENTS_BAD,
    ("providers out of order", "providers", ["k12", "child-welfare"]),
    ("a provider twice", "providers", ["k12", "k12"]),
    ("an auditor twice", "auditors", ["state-auditor", "state-auditor"]),
    ("a start after the end", "start", "2028-01-01"),
    ("a day that does not exist", "start", "2026-02-29"),
    ("a month that does not exist", "start", "2026-13-01"),
    ("one provider without its file", "providers", ["k12"]),
    ("files out of order", "files", TERMS["files"][::-1]),
    ("a file twice", "files", [TERMS["files"][0], *TERMS["files"]]),
    ("a file less", "files", TERMS["files"][:1]),
    ("a file of a party that does not upload", "files.1.party", "state-auditor"),
    ("a least size above the most", "files.1", {**K12_FILE, "least": 8_000_001}),
    ("files due at 24:00", "due", "sunday 24:00"),
    ("files due on a day of the week that there is not", "due", "someday 22:00"),
    ("files due without a time", "due", "sunday"),
    ("files due when rounds are on request", "frequency", "on-request"),
    ("files due in a linkage made once", "frequency", "once"),
    ("files due on a day of the week every day", "frequency", "daily"),
    ("a range without the policy", "policy_range", {**RANGE, "auto_from": "0.91"}),
    ("a range upside down", "policy_range", {**RANGE, "review_to": "0.01"}),
    ("a range from 0", "policy_range", {**RANGE, "review_from": "0"}),
    ("a range beyond 1", "policy_range", {**RANGE, "auto_to": "1.01"}),
    ("a share above 1 that may end", "most_ended", "1.1"),
    ("approvals by one, who asks", "approvals", {**APPROVALS, "parties": ["k12"]}),
    ("approvals out of order", "approvals", {**APPROVALS, "parties": ["k12", "child-welfare"]}),
    ("a wait for no cosigner", "finality", {"cosigners": 0, "delays_release": True}),
    ("all destroyed before the end", "destroy_by", "2027-08-30"),
]

RUN_GOOD: list[Change] = [
    ("the first round", "round", 1),
    ("nobody receives anything", "recipients", []),
]
RUN_BAD: list[Change] = [
    *POLICY_BAD,
    *RECIPIENTS_BAD,
    ("a party with two uploads", "uploads", [RUN["uploads"][0]] * 2),
    ("an hour that does not exist", "asked_at", "2026-09-01T24:01:00Z"),
]

MANIFEST_GOOD: list[Change] = [
    ("no data check", "quality_digest", None),
    ("a file too small for a privacy audit", "privacy_audit", None),
    (
        "a quick privacy audit, which the schema takes and a broker does not",
        "privacy_audit.scope",
        "quick",
    ),
    ("structure in the bytes, likewise", "privacy_audit.structure", 1),
    ("a figure that none of the agreements allows, likewise", "privacy_audit.figures.1.mean", "1"),
    ("no figures, likewise", "privacy_audit.figures", []),
    ("a file too small to be counted", "counts", None),
    ("the first of the pair", "partner_root", None),
    ("a message that was seen", "last_message", "3" * 64),
    ("one record", "records", 1),
    ("twins at one level", "counts.fields.0.twins", [0, 0, 1_000_000]),
    ("no dependence", "counts.dependence", 0),
    ("the 29th of February", "as_of", "2028-02-29"),
]
MANIFEST_BAD: list[Change] = [
    ("counts of the smaller file", "side", "smaller"),
    ("records as text", "records", "60000"),
    ("encodings as before", "encodings", 60_321),
    ("twins that do not add up", "counts.fields.0.twins", [2_000, 8_000, 989_999]),
    ("a level less of twins", "counts.fields.0.twins", [2_000, 998_000]),
    ("a level less of strangers", "counts.fields.0.strangers", [3_000, 12_000]),
    ("nobody counted", "counts.fields.0.strangers", [0, 0, 0]),
    ("a day that does not exist", "as_of", "2026-02-30"),
    ("more than all named", "privacy_audit.figures.1.mean", "1.0001"),
    ("a measure twice", "privacy_audit.figures.1.measure", "shown"),
    ("no draw", "privacy_audit.draws", 0),
]

OFFER_GOOD: list[Change] = [
    ("one nonce", "nonces", OFFER["nonces"][:1]),
    ("no nonce, to void those before", "nonces", []),
    ("16 nonces", "nonces", [f"{number:064x}" for number in range(16)]),
    ("nothing is void", "void_below", 1),
    ("the first offer", "first", 5),
]
OFFER_BAD: list[Change] = [
    ("a number as text", "first", "5"),
    ("a nonce twice", "nonces", OFFER["nonces"][:1] * 2),
    ("void of what comes after", "void_below", 6),
    ("the round that it is for", "round", 3),
]

RECEIPT_GOOD: list[Change] = [
    ("of a release", "subject", "rel-0123456789abcdef0123456789abcdef"),
    ("of the only entry", "proof", []),
]
RECEIPT_BAD: list[Change] = [
    ("an entry that is no text", "entry", {}),
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
    ("a status as text", "status", "409"),
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
    ("a broker without https", "broker", "broker.example.org"),
    ("a review in the hands of an auditor", "overdue.0", _of("review", ANY_RUN, "auditor")),
    ("a round without a number", "overdue.0.object", "round"),
    ("round 0", "overdue.0.object", "round-0"),
    ("an upload of a run", "overdue.0.object", ANY_RUN),
    ("a run in capitals", "overdue.0", _of("approval", ANY_RUN.upper(), "approver")),
    ("a certificate that is a run", "overdue.0", _of("certificate", ANY_RUN, "operator")),
    ("an upload in an approver's hands", "overdue.0.duty", "approver"),
    ("an approval in an analyst's hands", "overdue.0", _of("approval", ANY_RUN, "analyst")),
    ("a person", "overdue.0.person", "per-" + "1" * 32),
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
    good = {"plain": base, **{what: changed(base, *change) for what, *change in good_changes}}
    text = text_of(base)
    members = [text_of({key: value})[1:-1] for key, value in base.items()]
    spellings = {
        "white space": text.replace(":", ": ", 1),
        "a line end": text + "\n",
        "keys out of order": "{" + ",".join(sorted(members, reverse=True)) + "}",
        "an array around it": f"[{text}]",
        "cut off": text[:-1],
        "empty": "",
        "null": "null",
    }
    return {
        "spec": name,
        "good": [vector | {"sha256": digest_of(good[vector["name"]])} for vector in listed(good)],
        "bad": listed(bent(base, bad_changes) | spellings),
    }


if __name__ == "__main__":
    for format_name in FORMATS:
        write_vectors(format_name, document_vectors(format_name))
