"""Claims and chain statements by their vectors: what is read, what is signed, what is refused.
Rounds: who has which partner, how long their entries are, and how many nonces are kept.
A report of a round is the one of its page, and its ranges are worked out as the page says.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from samples.bodies import BODIES
from vectors.file import naming, read_vectors

from schemas.documents.errors import FormatError
from schemas.documents.ids import LinkId, MatchId
from schemas.linkage.link_quality import (
    TELLING_FIELDS,
    Concordance,
    Interval,
    missed_matches,
    shown_concordance,
    true_matches,
    wrong_links,
)
from schemas.linkage.run import MAX_PROVIDERS
from schemas.matchlog.entry import Actor, Entry, entry_bytes, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import LogProof
from schemas.matchlog.registry import KIND_OF_BODY
from schemas.matchlog.round_kinds import RoundClosed, RoundOpened
from schemas.reports.round_report import Range, RoundReport
from schemas.rounds import rounds
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
from schemas.rounds.receipt import Receipt
from schemas.rounds.rounds import ListedClaims, ListedStatement, RoundPair, UsedNonce
from schemas.rounds.space_message import MessageHead, Veto
from schemas.signing.identity import PublicIdentity

VECTORS = read_vectors("claims")
IDENTITY = PublicIdentity.from_canonical(VECTORS["identity"].encode())
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
READERS: dict[str, Any] = {"claims": parse_claims, "statements": parse_statement}
WRITERS: dict[str, Any] = {"claims": serialise_claims, "statements": serialise_statement}

link_ids = st.binary(min_size=16, max_size=16).map(LinkId)
match_ids = st.binary(min_size=16, max_size=16).map(MatchId)


def head_fields(head: MessageHead) -> dict[str, Any]:
    """The fields of a head that anyone who signs gives: the rest is counted."""
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


VECTORS_OF_ROUND_REPORT = read_vectors("round-report")


def test_wrong_links_are_within_the_range_of_the_page() -> None:
    for vector in VECTORS_OF_ROUND_REPORT["wrong"]:
        with naming(vector):
            found = wrong_links(vector["expected_false"])
            assert (found.low, found.high) == (vector["low"], vector["high"])


def test_missed_matches_are_within_the_range_of_the_page() -> None:
    for vector in VECTORS_OF_ROUND_REPORT["missed"]:
        with naming(vector):
            fields = [
                Concordance(field=name, apart=apart, other=None, missing=None)
                for name, apart in zip(TELLING_FIELDS, vector["apart"], strict=True)
            ]
            found = missed_matches(vector["linked"], vector["smaller"], fields, vector["floor"])
            assert (found.low, found.high) == (vector["low"], vector["high"])


def test_matches_of_a_group_are_within_the_range_of_the_page() -> None:
    for vector in VECTORS_OF_ROUND_REPORT["matched"]:
        with naming(vector):
            whole = vector["all"]["linked"], vector["all"]["records"]
            wrong, missed = Interval(0, vector["wrong"]), Interval(0, vector["missed"])
            found = true_matches(vector["linked"], vector["records"], whole, wrong, missed)
            assert (found.low, found.high) == (vector["low"], vector["high"])


def test_what_reviewers_have_linked_is_not_missed_any_more_and_what_is_hidden_has_no_range() -> (
    None
):
    report = RoundReport.from_canonical(VECTORS_OF_ROUND_REPORT["good"][0]["text"].encode())
    now = report.now.model_copy(update={"missed": Range(low=4, high=70)})
    report = report.model_copy(update={"now": now})
    shown, hidden = report.subgroups[0].groups
    assert report.true_matches(hidden) is None
    before, after = (
        report.model_copy(
            update={"pairs": (report.pairs[0].model_copy(update={"linked": now.linked - n}),)}
        ).true_matches(shown)
        for n in (0, 30)
    )
    assert before is not None
    assert after is not None
    assert before.low == after.low
    assert before.high > after.high > (shown.linked or 0)
    no_run = report.model_copy(update={"now": now.model_copy(update={"wrong": None})})
    assert no_run.true_matches(shown) is None


def test_of_a_profile_without_names_only_the_bound_is_known() -> None:
    sex = Concordance(field="sex", apart=5, other=None, missing=None)
    found = missed_matches(60, 100, [sex], 10)
    assert (found.low, found.high) == (0, 40)


class Field:
    """How linked pairs agree on a field, as it is."""

    field = "birth-date"

    def __init__(self, apart: int, other: int, missing: int) -> None:
        self.apart, self.other, self.missing = apart, other, missing


FIELDS = st.tuples(*(st.integers(0, 9),) * 4).map(
    # Those that agree exactly, in part, in nothing, and of which one lacks the value.
    lambda n: (sum(n), Field(apart=n[1] + n[2], other=n[2], missing=n[3]))
)


@given(FIELDS, st.integers(0, 4))
def test_no_count_below_the_floor_follows_from_those_that_are_shown(
    linked: tuple[int, Field], floor: int
) -> None:
    n_linked, field = linked
    (shown,) = shown_concordance(n_linked, [field], floor)
    fitting = [
        (same, part, other, missing)
        for same in range(n_linked + 1)
        for part in range(n_linked + 1 - same)
        for other in range(n_linked + 1 - same - part)
        for missing in [n_linked - same - part - other]
        if shown.apart in (None, part + other)
        and shown.other in (None, other)
        and shown.missing in (None, missing)
    ]
    truth = (
        n_linked - field.apart - field.missing,
        field.apart - field.other,
        field.other,
        field.missing,
    )
    assert truth in fitting
    for at, count in enumerate(truth):
        possible = {one[at] for one in fitting}
        assert len(possible) > 1 or count >= floor or n_linked < floor
