"""Writes the vectors of certificates of destruction and of what persons sign about destroying.

PYTHONPATH=tests:. python -m vectors.destruction

Put together by the spec page from the standard library, `cryptography` and the rfc8785 package, not by the code
under test. The keys are for tests only.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples.documents import changed, without
from vectors.file import digest_of, listed, write_vectors
from vectors.identity import b64, identity_of, private_bytes, signature

Change = tuple[str, str, Any]

ORIGIN = "broker.example/log"
CERTIFICATE_ID = "crt-0123456789abcdef0123456789abcdef"
UPLOAD = "upl-0123456789abcdef0123456789abcdef"
RELEASE = "rel-0123456789abcdef0123456789abcdef"
PERSON = "per-" + "11" * 16
OTHER_PERSON = "per-" + "22" * 16
TIME = "2027-09-01T06:00:05Z"


def log_key(word: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(word.encode()).digest())


LOG, OTHER_LOG = log_key("destruction log key"), log_key("destruction other key")


def key_id(key: Ed25519PrivateKey, name: str = ORIGIN) -> bytes:
    public = b"\x01" + key.public_key().public_bytes_raw()
    return hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]


def key_text(key: Ed25519PrivateKey, name: str = ORIGIN) -> str:
    public = b"\x01" + key.public_key().public_bytes_raw()
    return f"{name}+{key_id(key, name).hex()}+{b64(public)}"


CERTIFICATE: dict[str, Any] = {
    "version": "blindlink/destruction-certificate/1",
    "certificate": CERTIFICATE_ID,
    "log": ORIGIN,
    "operator": "state-university",
    "software": "blindlink-0.1.0",
    "project": "foster-k12",
    "agreement": "b" * 64,
    "paper": "MOU 2026-17",
    "scope": "project",
    "subject": None,
    "reason": "asked",
    "asked_by": "child-welfare",
    "person": PERSON,
    "asked": "2027-09-01T06:00:00Z",
    "finished": "2027-09-01T06:00:04Z",
    "objects": [
        {
            "object": RELEASE,
            "kind": "release",
            "party": "child-welfare",
            "sha256": "c" * 64,
            "count": None,
            "pieces": 1,
            "created": "2027-08-02T06:00:00Z",
            "destroyed": "2027-09-01T06:00:03Z",
            "entry": 41,
            "method": "crypto-erase",
        },
        {
            "object": UPLOAD,
            "kind": "upload",
            "party": "child-welfare",
            "sha256": "d" * 64,
            "count": 60_000,
            "pieces": 4,
            "created": "2027-08-01T06:00:00Z",
            "destroyed": "2027-09-01T06:00:02Z",
            "entry": 40,
            "method": "crypto-erase",
        },
    ],
    "remains": [
        {
            "what": "key-copies",
            "why": "Copies of keys are kept apart for 7 days at most.",
            "count": None,
            "until": "2027-09-08T06:00:04Z",
        },
        {
            "what": "match-log",
            "why": "It proves what was done and holds no encoding, handle or link ID.",
            "count": 43,
            "until": None,
        },
    ],
    "outstanding": [
        {"party": "child-welfare", "what": "handle-map"},
        {"party": "child-welfare", "what": "link-table"},
    ],
}
RELEASED, UPLOADED = CERTIFICATE["objects"]

CERTIFICATE_GOOD: list[Change] = [
    ("no paper agreement", "paper", None),
    ("nothing was there", "objects", []),
    ("nothing remains", "remains", []),
    ("nothing is outstanding", "outstanding", []),
    ("an object without an entry", "objects.0.entry", None),
    ("a sealed message", "objects.0", {
        **RELEASED, "object": "msg-" + "0" * 32, "kind": "claims", "count": None, "entry": None,
        "created": None,
    }),
    ("a review", "objects.0", {
        **RELEASED, "object": "rvw-" + "0" * 32, "kind": "review", "party": None, "count": None, "entry": None,
    }),
    ("a delivery", "objects.0", {
        **RELEASED, "object": "dlv-" + "0" * 32, "kind": "delivery", "count": None,
    }),
]  # fmt: skip
CERTIFICATE_BAD: list[Change] = [
    ("an id of something else", "certificate", UPLOAD),
    ("a log's name with a space", "log", "broker example"),
    ("a project with a subject", "subject", "child-welfare"),
    ("a party without its name", "scope", "party"),
    ("an upload without its id", "scope", "upload"),
    ("somebody of no party", "asked_by", None),
    ("a party without a person", "person", None),
    ("asked for after its end", "asked", "2027-09-01T06:00:05Z"),
    ("destroyed after the end", "objects.0.destroyed", "2027-09-01T06:00:05Z"),
    ("destroyed before it was made", "objects.0.created", "2027-09-01T06:00:04Z"),
    ("objects out of order", "objects", [UPLOADED, RELEASED]),
    ("an object twice", "objects", [UPLOADED, UPLOADED]),
    ("a reason of two lines", "remains.0.why", "one\ntwo"),
    ("outstanding out of order", "outstanding", CERTIFICATE["outstanding"][::-1]),
    ("outstanding twice", "outstanding", [CERTIFICATE["outstanding"][0]] * 2),
    ("an unknown field", "surprise", 1),
]

COUNTERSIGNATURE: dict[str, Any] = {
    "version": "blindlink/destruction-countersignature/1",
    "certificate": CERTIFICATE_ID,
    "sha256": digest_of(CERTIFICATE),
    "project": "foster-k12",
    "party": "child-welfare",
    "person": PERSON,
    "at": TIME,
}
STATEMENT: dict[str, Any] = {
    "version": "blindlink/destruction-statement/1",
    "project": "foster-k12",
    "certificate": CERTIFICATE_ID,
    "party": "child-welfare",
    "person": PERSON,
    "deleted": [
        {"what": "handle-map", "sha256": "e" * 64, "size_bytes": 4096, "deleted": TIME},
        {"what": "link-table", "sha256": None, "size_bytes": 0, "deleted": TIME},
    ],
    "none_left": ["handle-map"],
    "kept": [{"what": "link-table", "why": "Needed for the audit of 2027."}],
    "at": TIME,
}
HOLD: dict[str, Any] = {
    "version": "blindlink/legal-hold/1",
    "project": "foster-k12",
    "party": "child-welfare",
    "person": PERSON,
    "act": "set",
    "order": "Order of the court of 1 September 2027",
    "at": TIME,
}

SAID_BAD: list[tuple[str, dict[str, Any], str, Any]] = [
    ("none left of what is kept", STATEMENT, "none_left", ["link-table"]),
    ("none left out of order", STATEMENT, "none_left", ["link-table", "handle-map"]),
    ("a counter-signature without a digest", COUNTERSIGNATURE, "sha256", None),
    ("a counter-signature of an upload", COUNTERSIGNATURE, "certificate", UPLOAD),
    ("a hold without its order", HOLD, "order", " "),
    ("an unknown field", HOLD, "surprise", 1),
]


def public(seed: int = 21, **other: Any) -> dict[str, Any]:
    """Return the public identity of a seed, a steward of child welfare."""
    found = {**identity_of(private_bytes(seed)), "person": PERSON, "duties": ["steward"]}
    return {**found, **other}


def signed(said: dict[str, Any], seed: int = 21, **other: Any) -> dict[str, Any]:
    """Return what a person says, with identity and signature."""
    return {
        "said": said,
        "identity": public(seed, **other),
        "signature": signature("destruction", said, private_bytes(seed)),
    }


def bad_signatures() -> dict[str, dict[str, Any]]:
    """Return what is well formed and does not count."""
    good = signed(HOLD)
    return {
        "changed after signing": {**good, "said": {**HOLD, "act": "lift"}},
        "of another kind of signature": {
            **good,
            "signature": signature("approval", HOLD, private_bytes(21)),
        },
        "with another key": {**good, "identity": public(22)},
        "by another person": signed(HOLD, person=OTHER_PERSON),
        "by another party": signed(HOLD, party="k12"),
        "a hold by an analyst": signed(HOLD, duties=["analyst"]),
        "a counter-signature by an operator": signed(COUNTERSIGNATURE, duties=["operator"]),
        "a statement by an auditor": signed(STATEMENT, duties=["auditor"]),
    }


def certificate_file(**other: Any) -> dict[str, Any]:
    """Return a whole file: the certificate, its signatures, and the receipt of a log of two entries."""
    certificate = other.pop("certificate", CERTIFICATE)
    key = other.pop("key", LOG)
    message = b"blindlink/v1/destruction\n" + rfc8785.dumps(certificate)
    made = {
        "version": "blindlink/destruction-file/1",
        "certificate": certificate,
        "log_key": key_text(key),
        "signature": b64(key.sign(message)),
        "countersignatures": [],
        "statements": [],
        "receipt": receipt(certified(certificate)),
    }
    return {**made, **other}


def certified(certificate: dict[str, Any], **other: Any) -> dict[str, Any]:
    """Return the log entry that vouches for a certificate."""
    return {
        "version": "blindlink/entry/2",
        "kind": "destruction-certified",
        "seq": 1,
        "batch": 1,
        "place": 1,
        "previous": "c" * 64,
        "broker_wide": "d" * 64,
        "time": TIME,
        "request": "req-" + "0" * 32,
        "actor": {"party": "broker", "person": None, "role": "broker", "signed": None},
        "project": "foster-k12",
        "agreement": "b" * 64,
        "purpose": "school-stability",
        "object": CERTIFICATE_ID,
        "outcome": "done",
        "body": {"sha256": digest_of(certificate), "objects": len(certificate["objects"])},
        **other,
    }


def receipt(entry: dict[str, Any], key: Ed25519PrivateKey = LOG) -> dict[str, Any]:
    """Return the receipt of an entry that is the second of two."""
    raw = rfc8785.dumps(entry)
    first = hashlib.sha256(b"\x00the entry before").digest()
    leaf = hashlib.sha256(b"\x00" + raw).digest()
    root = hashlib.sha256(b"\x01" + first + leaf).digest()
    text = f"{ORIGIN}\n2\n{b64(root)}\n"
    line = base64.b64encode(key_id(key) + key.sign(text.encode())).decode()
    return {
        "version": "blindlink/receipt/1",
        "subject": entry["object"],
        "entry": raw.decode(),
        "index": 1,
        "proof": [b64(first)],
        "checkpoint": f"{text}\n— {ORIGIN} {line}\n",
    }


def bad_files() -> dict[str, dict[str, Any]]:
    """Return files that are well formed and prove nothing."""
    other = {**CERTIFICATE, "paper": None}
    later = {**COUNTERSIGNATURE, "sha256": "0" * 64}
    early = {**STATEMENT, "at": "2027-09-01T05:59:59Z"}
    elsewhere = {**STATEMENT, "project": "another"}
    return {
        "signed by a key that is not trusted": certificate_file(key=OTHER_LOG),
        "changed after signing": {**certificate_file(), "certificate": other},
        "another log's key": {**certificate_file(), "log_key": key_text(OTHER_LOG)},
        "a receipt of another certificate": certificate_file(receipt=receipt(certified(other))),
        "a receipt of another number": certificate_file(
            receipt=receipt(certified(CERTIFICATE, object="crt-" + "0" * 32))
        ),
        "a receipt of another project": certificate_file(
            receipt=receipt(certified(CERTIFICATE, project="another"))
        ),
        "a receipt that another key signed": certificate_file(
            receipt=receipt(certified(CERTIFICATE), OTHER_LOG)
        ),
        "a receipt whose proof leads elsewhere": certificate_file(
            receipt={**receipt(certified(CERTIFICATE)), "proof": [b64(bytes(32))]}
        ),
        "counter-signed with another digest": certificate_file(countersignatures=[signed(later)]),
        "counter-signed by a hold": certificate_file(countersignatures=[signed(HOLD)]),
        "counter-signed by nobody's key": certificate_file(
            countersignatures=[{**signed(COUNTERSIGNATURE), "identity": public(22)}]
        ),
        "a statement before the destruction": certificate_file(statements=[signed(early)]),
        "a statement about another project": certificate_file(statements=[signed(elsewhere)]),
        "a statement that is a counter-signature": certificate_file(
            statements=[signed(COUNTERSIGNATURE)]
        ),
    }


def destruction_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/destruction.md`."""
    good = {"plain": CERTIFICATE, "by a rule": {
        **CERTIFICATE, "asked_by": None, "person": None, "scope": "expired", "reason": "retention",
    }, "of a party": {**CERTIFICATE, "scope": "party", "subject": "child-welfare"}, "of an upload": {
        **CERTIFICATE, "scope": "upload", "subject": UPLOAD,
    }}  # fmt: skip
    good |= {name: changed(CERTIFICATE, place, value) for name, place, value in CERTIFICATE_GOOD}
    bad = {name: changed(CERTIFICATE, place, value) for name, place, value in CERTIFICATE_BAD}
    bad["without its objects"] = without(CERTIFICATE, "objects")
    signatures = {
        "a counter-signature": signed(COUNTERSIGNATURE),
        "a statement": signed(STATEMENT),
        "a statement by a recipient": signed(STATEMENT, duties=["recipient"]),
        "a hold": signed(HOLD),
        "a hold that is lifted": signed({**HOLD, "act": "lift"}),
    }
    malformed = {name: signed(changed(said, place, value)) for name, said, place, value in SAID_BAD}
    return {
        "spec": "destruction",
        "log_keys": [key_text(LOG)],
        "certificates": {"good": _named(good), "bad": _named(bad)},
        "signed": {
            "good": _named(signatures),
            "bad": _named(bad_signatures()),
            "malformed": _named(malformed),
        },
        "files": {
            "good": _named({
                "plain": certificate_file(
                    countersignatures=[signed(COUNTERSIGNATURE)], statements=[signed(STATEMENT)]
                ),
                "nobody has joined in": certificate_file(),
            }),
            "bad": _named(bad_files()),
        },
    }  # fmt: skip


def _named(documents: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    return [one | {"sha256": digest_of(documents[one["name"]])} for one in listed(documents)]


if __name__ == "__main__":
    write_vectors("destruction", destruction_vectors())
