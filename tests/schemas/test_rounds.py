"""Rounds: who has which partner, how long their entries are, and how many nonces are kept."""

from __future__ import annotations

import itertools

import pytest
from samples.bodies import BODIES

from schemas.linkage.run import MAX_PROVIDERS
from schemas.matchlog.entry import Actor, Entry, entry_bytes, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import LogProof
from schemas.matchlog.registry import KIND_OF_BODY
from schemas.matchlog.round_kinds import RoundClosed, RoundOpened
from schemas.rounds import rounds
from schemas.rounds.receipt import Receipt
from schemas.rounds.rounds import ListedClaims, ListedStatement, RoundPair, UsedNonce

DIGEST, TIME = "a" * 64, "2026-09-01T06:00:00Z"
NONCE = UsedNonce(number=1, nonce="1" * 64)


def test_the_partner_of_each_party_is_the_other_one() -> None:
    pair = rounds.RoundView.from_json(BODIES[rounds.RoundView]).pairs[0]
    assert pair.parties == ("k12", "child-welfare")
    assert [pair.partner_of(party) for party in pair.parties] == ["child-welfare", "k12"]


def longest_name(number: int) -> str:
    return f"agency-{number:02}".ljust(40, "x")


def most_agencies() -> tuple[RoundOpened, RoundClosed]:
    """Return the longest bodies that a round can have."""
    names = [longest_name(number) for number in range(MAX_PROVIDERS)]
    nonce = UsedNonce(number=10**9, nonce="1" * 64)
    pairs = tuple(
        RoundPair(larger=one, smaller=two, nonce_larger=nonce, nonce_smaller=nonce)
        for one, two in itertools.combinations(names, 2)
    )
    ends = itertools.permutations(names, 2)
    claims = (ListedClaims(party=one, partner=two, sha256=DIGEST) for one, two in ends)
    spaces = ["s" * 40] * len(names)
    stated = zip(names, spaces, strict=True)
    statements = (ListedStatement(party=one, space=space, sha256=DIGEST) for one, space in stated)
    opened = RoundOpened(round=10**6, deadline=TIME, corrects=10**6 - 1, pairs=pairs)
    closed = RoundClosed(round=10**6, claims=tuple(claims), statements=tuple(statements))
    return opened, closed


@pytest.mark.parametrize("which", [0, 1], ids=["opened", "closed"])
def test_the_longest_round_fits_an_entry_and_its_receipt(which: int) -> None:
    body = most_agencies()[which]
    entry = Entry(
        kind=KIND_OF_BODY[type(body)],
        seq=2**53 - 1,
        batch=2**53 - 1,
        place=2**53 - 1,
        previous=DIGEST,
        broker_wide=DIGEST,
        time=TIME,
        request="req-" + "1" * 32,
        actor=Actor(party=longest_name(1), person="per-" + "1" * 32, role="operator", signed=None),
        project="p" * 40,
        agreement=DIGEST,
        purpose="c" * 60,
        object=None,
        outcome="done",
        body=body,
    )
    raw = entry_bytes(entry)
    assert parse_entry(raw, KINDS) == entry
    receipt = LogProof(raw, 2**40, (bytes(32),) * 53, b"note").to_receipt(None)
    assert Receipt.from_canonical(receipt.to_canonical()) == receipt


def test_a_round_of_more_pairs_than_can_be_proven_is_no_round() -> None:
    opened, closed = most_agencies()
    one_more = RoundPair(
        larger="zoo", smaller="zoos", nonce_larger=NONCE, nonce_smaller=NONCE
    ).model_dump()
    with pytest.raises(ValueError, match="pairs"):
        RoundOpened.model_validate({**opened.model_dump(), "pairs": [*opened.pairs, one_more]})
    more = ListedClaims(party="zoo", partner="zoos", sha256=DIGEST)
    with pytest.raises(ValueError, match="claims"):
        RoundClosed(round=1, claims=(*closed.claims, more), statements=())


@pytest.mark.parametrize(("n_partners", "expected"), [(1, 4), (2, 8), (4, 16), (9, 16), (15, 16)])
def test_an_agency_keeps_nonces_for_each_partner(n_partners: int, expected: int) -> None:
    assert rounds.nonces_kept(n_partners) == expected
    assert n_partners <= expected <= rounds.MAX_OFFERED
