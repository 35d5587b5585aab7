"""The parties of the sample logs, the persons who act for them, and the terms that they agree on."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples.agreed import usual_clauses
from vectors.identity import identity_of

from schemas.agreement.agreement import ProjectTerms
from schemas.agreement.clauses import FileSize
from schemas.linkage.run import IdSpace, LinkRate, MatchingPolicy, Recipient
from schemas.matchlog.entry import Actor
from schemas.matchlog.person_kinds import PersonEnrolled
from schemas.signing.identity import PublicIdentity


def _actor(party: str, digit: str, role: str = "agency") -> Actor:
    return Actor(party=party, person="per-" + digit * 32, role=role, signed=None)


BROKER = Actor(party="broker", person=None, role="broker", signed=None)
OPERATOR = _actor("broker", "0", "operator")
CW = _actor("county-cw", "1")
K12 = _actor("school-district", "2")
HEALTH = _actor("health-office", "4")
STRANGER = _actor("stranger", "5")
# They sign for the county, or run the broker, or upload as others do.
ANN = _actor("county-cw", "a")
PAT = _actor("school-district", "b")
EVE = _actor("data-center", "e", "operator")
# In the order of their ids.
PEOPLE = (CW, K12, HEALTH, ANN, PAT, EVE)
SIGNERS = {one.party: one for one in (ANN, EVE, HEALTH, K12)}
USUAL = ("analyst", "recipient", "reviewer", "steward")
DUTIES = {
    ANN.person: ("approver", "steward"),
    EVE.person: ("operator", "steward"),
    K12.person: ("analyst", "approver", "recipient", "steward"),
    PAT.person: ("analyst",),
}

PROFILE = "ab" * 32
POLICY = MatchingPolicy(
    auto="0.9",
    review="0.05",
    lead=1,
    twin_guard=False,
    prior_matches="0.4",
    link_rate=LinkRate(least="0", most="1"),
)
LARGEST = {"county-cw": 50_000, "school-district": 20_000_000, "health-office": 1_000_000}


def private_of(person: str) -> bytes:
    """The private keys of a sample person."""
    return b"".join(hashlib.sha256(f"{person} {i}".encode()).digest() for i in range(4))


def signing_key(private: bytes) -> Ed25519PrivateKey:
    """The key to sign with, of these private keys."""
    return Ed25519PrivateKey.from_private_bytes(private[:32])


@cache
def identity(who: Actor, private: bytes | None = None) -> PublicIdentity:
    """The public identity of a person, with these private keys or their first."""
    assert who.person is not None
    made = identity_of(private or private_of(who.person))
    duties = list(DUTIES.get(who.person, USUAL))
    return PublicIdentity.from_json(
        made | {"party": who.party, "person": who.person, "duties": duties}
    )


def person_of(who: Actor) -> PersonEnrolled:
    """The body that enrols a person."""
    known = identity(who)
    return PersonEnrolled(
        party=known.party,
        person=known.person,
        duties=known.duties,
        signing_key=known.signing_key,
        receiving_key=known.key_digests()[1],
    )


def terms_of(project: str, **changes: Any) -> ProjectTerms:
    """Terms between the first two sample agencies, who both receive; the first one approves runs."""
    providers = changes.get("providers", ("county-cw", "school-district"))
    fields: dict[str, Any] = {
        "project": project,
        "purpose": "foster-care-education",
        "providers": providers,
        "recipients": tuple(
            Recipient(party=party, mode="linked", space="shared") for party in providers
        ),
        "spaces": (IdSpace(name="shared", lifetime="lasting"),),
        "profile": PROFILE,
        "policy": POLICY,
        "population": "pupils",
        "files": tuple(
            FileSize(party=party, least=100, most=LARGEST[party]) for party in providers
        ),
        **usual_clauses(providers[0]),
        "start": "2026-01-01",
        "end": "2030-12-31",
    }
    return ProjectTerms(**fields | changes)
