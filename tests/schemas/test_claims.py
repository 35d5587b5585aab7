"""Claims and chain statements by their vectors: what is read, what is signed, what is refused."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from vectors.file import read_vectors

from schemas.documents.errors import FormatError
from schemas.documents.ids import LinkId, MatchId
from schemas.rounds.chain_statement import (
    ChainStatement,
    StatedMatch,
    StatedRecord,
    parse_statement,
    serialise_statement,
    sign_statement,
)
from schemas.rounds.claims import (
    Claim,
    Claims,
    Mark,
    Transcript,
    met_mac,
    parse_claims,
    serialise_claims,
    sign_claims,
)
from schemas.rounds.space_message import MessageHead, Veto
from schemas.signing.identity import PublicIdentity

VECTORS = read_vectors("claims")
IDENTITY = PublicIdentity.from_canonical(VECTORS["identity"].encode())
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
READERS: dict[str, Any] = {"claims": parse_claims, "statements": parse_statement}
WRITERS: dict[str, Any] = {"claims": serialise_claims, "statements": serialise_statement}

link_ids = st.binary(min_size=16, max_size=16).map(LinkId)
match_ids = st.binary(min_size=16, max_size=16).map(MatchId)


def of(which: str) -> Any:
    return pytest.mark.parametrize(
        ("kind", "message"),
        [
            pytest.param(kind, vector["message"], id=f"{kind}: {vector['name']}")
            for kind in READERS
            for vector in VECTORS[kind][which]
        ],
    )


def head_fields(head: MessageHead) -> dict[str, Any]:
    """The fields of a head that whoever signs gives: the rest is counted."""
    counted = {"claims", "marks", "vetoes", "makers", "body_sha256", "records", "matches", "pairs"}
    return {name: getattr(head, name) for name in type(head).model_fields if name not in counted}


GOOD = parse_claims(VECTORS["claims"]["good"][0]["message"].encode())
STATED = parse_statement(VECTORS["statements"]["good"][0]["message"].encode())


@pytest.mark.parametrize("vector", VECTORS["macs"], ids=lambda v: v["match"])
def test_proofs_are_those_of_the_vectors(vector: dict[str, str]) -> None:
    key, match = bytes.fromhex(VECTORS["pair_key_hex"]), MatchId(bytes.fromhex(vector["match"]))
    assert met_mac(key, match, bytes.fromhex(vector["token"])).hex() == vector["mac"]


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_no_two_matches_and_tokens_have_one_proof(one: bytes, two: bytes, token: bytes) -> None:
    here = met_mac(bytes(32), MatchId(one), two + token)
    there = met_mac(bytes(32), MatchId(one + two), token)
    assert (here == there) == (not two)


@given(
    st.dictionaries(match_ids, st.none() | st.integers(1, 12), max_size=8),
    st.sets(st.tuples(link_ids, st.sampled_from(["child-welfare", "k12"])), max_size=3),
    st.booleans(),
)
def test_what_is_signed_is_what_is_read(
    made: dict[MatchId, int | None], vetoed: set[tuple[LinkId, str]], is_proved: bool
) -> None:
    claims = [
        Claim(
            match,
            None if since is None else LinkId(match[::-1]),
            since or 0,
            since == 3,
            bytes(32) if is_proved else None,
        )
        for match, since in made.items()
    ]
    vetoes = [Veto(link, maker, 7, maker == "k12") for link, maker in vetoed]
    marks = [Mark(match, veto.link) for match in made for veto in vetoes]
    signed = sign_claims(claims, marks, vetoes, KEY, **head_fields(GOOD.head))
    assert parse_claims(serialise_claims(signed)) == signed
    assert sorted(claims, key=lambda claim: claim.match) == list(signed.claims)


@given(st.data())
def test_a_changed_byte_is_refused(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(READERS)))
    raw = bytearray(VECTORS[kind]["good"][0]["message"].encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FormatError):
        READERS[kind](bytes(raw)).verify(IDENTITY)


def test_records_of_a_statement_come_in_the_order_of_their_first_matches() -> None:
    pair = ("child-welfare", "k12")
    stated = [
        StatedRecord(None, 0, (StatedMatch(MatchId(bytes([n]) * 16), pair),), ()) for n in (9, 3, 5)
    ]
    signed = sign_statement(stated, [], [pair], KEY, **head_fields(STATED.head))
    assert [record.matches[0].match[0] for record in signed.records] == [3, 5, 9]
    assert parse_statement(serialise_statement(signed)) == signed


def test_no_link_id_and_no_match_is_in_what_is_printed() -> None:
    shown = repr(GOOD) + repr(STATED)
    assert "a1" * 16 not in shown
    assert repr(bytes.fromhex("a1" * 16)) not in shown


@pytest.mark.parametrize("kind", sorted(READERS))
def test_sixty_thousand_matches_are_written_and_read_in_seconds(kind: str) -> None:
    started = time.perf_counter()
    big: Claims | ChainStatement
    if kind == "claims":
        claims = [
            Claim(MatchId(n.to_bytes(16)), LinkId((n + 1).to_bytes(16)), 3, False, bytes(32))
            for n in range(60_000)
        ]
        big = sign_claims(claims, [], [], KEY, transcript=_ROOTS, **_without("transcript"))
    else:
        pair = ("child-welfare", "k12")
        stated = [
            StatedRecord(None, 0, (StatedMatch(MatchId(n.to_bytes(16)), pair),), ())
            for n in range(60_000)
        ]
        big = sign_statement(stated, [], [pair], KEY, **head_fields(STATED.head))
    assert READERS[kind](WRITERS[kind](big)) == big
    assert time.perf_counter() - started < 20


_ROOTS = Transcript(earlier="11" * 32, later="22" * 32)


def _without(name: str) -> dict[str, Any]:
    fields = head_fields(GOOD.head)
    del fields[name]
    return fields
