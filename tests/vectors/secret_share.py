"""Writes the vectors of shares of a secret and of their confirmations; run by hand when a format changes.

Made with the standard library, the rfc8785 package and primitives of `cryptography`, not with the code under
test. Only what HPKE seals is random: it is kept from the stored vectors where there are any.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import rfc8785
from vectors.file import VECTORS, digest_of, listed, read_vectors, text_of, write_vectors
from vectors.identity import b64, fingerprint_of, identity_of, private_bytes, signature
from vectors.sealed import hkdf
from vectors.sealed import seal as hpke_seal

PROJECT, EPOCH = "river-county", 3
TIME = "2026-09-01T06:00:00Z"
PARTIES = {"child-welfare": 1, "schools": 2, "health": 3}
ENDS = [("child-welfare", "schools"), ("schools", "child-welfare"), ("health", "schools")]


def private_of(party: str) -> bytes:
    return private_bytes(PARTIES[party])


def person_of(party: str) -> str:
    return f"per-{hashlib.sha256(party.encode()).hexdigest()[:32]}"


def public_of(party: str) -> dict[str, Any]:
    keys = identity_of(private_of(party))
    return {**keys, "party": party, "person": person_of(party)}


def contribution_of(party: str) -> bytes:
    return hashlib.sha256(f"contribution of {party}".encode()).digest()


def holders() -> dict[str, Any]:
    return {
        "version": "blindlink/secret-holders/1",
        "project": PROJECT,
        "epoch": EPOCH,
        "holders": [
            {
                "party": party,
                "person": person_of(party),
                "fingerprint": fingerprint_of(private_of(party)),
            }
            for party in sorted(PARTIES)
        ],
    }


def shared_secret() -> bytes:
    ikm = b"".join(contribution_of(party) for party in sorted(PARTIES))
    return hkdf(bytes.fromhex(digest_of(holders())), ikm, b"blindlink/v1/shared-secret\n")


def sub_key(label: str, project: str = "", epoch: int = 0) -> bytes:
    info = f"blindlink/v1/sub-key\n{label}\n{project}\n{epoch}\n".encode()
    return hkdf(bytes(32), shared_secret(), info)


def info(sender: str, recipient: str) -> bytes:
    bound = {
        "project": PROJECT,
        "epoch": EPOCH,
        "from": {"party": sender, "person": person_of(sender)},
        "to": {"party": recipient, "person": person_of(recipient)},
        "holders": digest_of(holders()),
    }
    return b"blindlink/v1/secret-share\n" + rfc8785.dumps(bound)


def seal(sender: str, recipient: str) -> str:
    return b64(hpke_seal(contribution_of(sender), public_of(recipient), info(sender, recipient)))


def share(sender: str, recipient: str, sealed: str) -> dict[str, Any]:
    return {
        "version": "blindlink/secret-share/1",
        "holders": holders(),
        "sender": sender,
        "recipient": recipient,
        "sealed": sealed,
        "created": TIME,
    }


def signed(kind: str, name: str, document: dict[str, Any], by: str) -> dict[str, Any]:
    return {name: document, "signature": signature(kind, document, private_of(by))}


def confirmation(party: str, **other: Any) -> dict[str, Any]:
    step = {"rules": "1" * 64, "result": "2" * 64}
    stated = {
        "version": "blindlink/share-confirmation/1",
        "project": PROJECT,
        "epoch": EPOCH,
        "party": party,
        "person": person_of(party),
        "holders": digest_of(holders()),
        "key_id": sub_key("key-id")[:8].hex(),
        "self_test": {"recipe": step, "rows": step, "software": "blindlink-0.1.0"},
        "created": TIME,
        **other,
    }
    message = b"blindlink/v1/share-confirmation\n" + rfc8785.dumps(stated)
    tag = hmac.digest(sub_key("confirm", PROJECT, EPOCH), message, "sha256")
    return {**stated, "tag": b64(tag)}


def bad_holders() -> dict[str, dict[str, Any]]:
    good = holders()
    one, two, three = good["holders"]
    return {
        "out of order": {**good, "holders": [two, one, three]},
        "a party twice": {**good, "holders": [one, one, two]},
        "the same keys twice": {
            **good,
            "holders": [one, {**two, "fingerprint": one["fingerprint"]}],
        },
        "a fingerprint of eleven groups": {
            **good,
            "holders": [{**one, "fingerprint": one["fingerprint"][:-6]}, two],
        },
        "a fingerprint without spaces": {
            **good,
            "holders": [{**one, "fingerprint": one["fingerprint"].replace(" ", "")}, two],
        },
        "an unknown field": {**good, "broker": "river"},
    }


def bad_shares(good: dict[str, Any]) -> dict[str, dict[str, Any]]:
    document = good["share"]
    raw = base64.b64decode(document["sealed"])
    changes: dict[str, dict[str, Any]] = {
        "to oneself": {"recipient": document["sender"]},
        "from a stranger": {"sender": "stranger"},
        "to a stranger": {"recipient": "stranger"},
        "a sealed part that is too short": {"sealed": b64(raw[:-1])},
        "a sealed part that is too long": {"sealed": b64(raw + b"x")},
        "a sealed part in another spelling": {"sealed": document["sealed"].replace("=", "")},
        "an unknown field": {"contribution": "0"},
    }
    return {name: {**good, "share": {**document, **change}} for name, change in changes.items()}


def forged_shares(good: dict[str, Any]) -> dict[str, dict[str, Any]]:
    document = good["share"]
    other_epoch = copy.deepcopy(document)
    other_epoch["holders"]["epoch"] += 1
    other_person = copy.deepcopy(document)
    other_person["holders"]["holders"][0]["person"] = "per-" + "0" * 32
    return {
        "signed by the recipient": signed("secret-share", "share", document, document["recipient"]),
        "signed as another kind": signed("manifest", "share", document, document["sender"]),
        "to another recipient": {**good, "share": {**document, "recipient": "health"}},
        "of another epoch": {**good, "share": other_epoch},
        "for other holders": {**good, "share": other_person},
        "in another's name": {**good, "share": {**document, "sender": "health"}},
        "another person of the sender's party": signed(
            "secret-share", "share", other_person, document["sender"]
        ),
    }


def bad_confirmations(good: dict[str, Any]) -> dict[str, dict[str, Any]]:
    document = good["confirmation"]
    changes: dict[str, dict[str, Any]] = {
        "a short tag": {"tag": b64(bytes(31))},
        "an unknown field": {"secret": "0"},
    }
    return {
        name: {**good, "confirmation": {**document, **change}} for name, change in changes.items()
    }


def secret_share_vectors(sealed: Mapping[str, str]) -> dict[str, Any]:
    """Return the vectors of `schemas/spec/secret-share.md`, with these sealed parts by sender and recipient."""
    shares = [
        {
            "from": sender,
            "to": recipient,
            "info": info(sender, recipient).decode(),
            "document": text_of(
                signed(
                    "secret-share",
                    "share",
                    share(sender, recipient, sealed[f"{sender} to {recipient}"]),
                    sender,
                )
            ),
        }
        for sender, recipient in ENDS
    ]
    sender, recipient = ENDS[0]
    good = signed(
        "secret-share",
        "share",
        share(sender, recipient, sealed[f"{sender} to {recipient}"]),
        sender,
    )
    confirmed = signed("share-confirmation", "confirmation", confirmation(sender), sender)
    return {
        "spec": "secret-share",
        "identities": {party: text_of(public_of(party)) for party in sorted(PARTIES)},
        "private_hex": {party: private_of(party).hex() for party in sorted(PARTIES)},
        "contributions_hex": {party: contribution_of(party).hex() for party in sorted(PARTIES)},
        "holders": text_of(holders()),
        "holders_sha256": digest_of(holders()),
        "secret_hex": shared_secret().hex(),
        "key_id": sub_key("key-id")[:8].hex(),
        "sealed": dict(sealed),
        "shares": shares,
        "confirmations": [
            {
                "party": party,
                "document": text_of(
                    signed("share-confirmation", "confirmation", confirmation(party), party)
                ),
            }
            for party in sorted(PARTIES)
        ],
        "bad_holders": listed(bad_holders()),
        "bad_shares": listed(bad_shares(good)),
        "forged_shares": listed(forged_shares(good)),
        "bad_confirmations": listed(bad_confirmations(confirmed)),
        "forged_confirmations": listed(
            {
                "signed by another holder": signed(
                    "share-confirmation", "confirmation", confirmation(sender), recipient
                ),
                "in another's name": signed(
                    "share-confirmation", "confirmation", confirmation(recipient), sender
                ),
                "another key id than was signed": {
                    **confirmed,
                    "confirmation": confirmation(sender, key_id="0" * 16),
                },
            }
        ),
    }


def stored_or_new_seals() -> dict[str, str]:
    """Return the sealed parts that are stored, or newly sealed ones where there are none."""
    if (VECTORS / "secret-share.json").exists():
        sealed: dict[str, str] = read_vectors("secret-share")["sealed"]
        return sealed
    return {f"{sender} to {recipient}": seal(sender, recipient) for sender, recipient in ENDS}


if __name__ == "__main__":
    write_vectors("secret-share", secret_share_vectors(stored_or_new_seals()))
