"""The bodies about rounds: closed, each with an example, and none with a place for a handle or a secret."""

from __future__ import annotations

import inspect
import itertools
import json
import re
from typing import Any

import pytest
from samples.documents import OFFER, RECEIPT

from schemas import rounds
from schemas.document import Document, Model
from schemas.errors import DocumentError
from schemas.matchlog.entry import Actor, Entry, entry_bytes, parse_entry
from schemas.matchlog.kinds import KIND_OF_BODY
from schemas.matchlog.proof import LogProof
from schemas.matchlog.round_kinds import RoundClosed, RoundOpened
from schemas.rounds import ListedClaims, ListedStatement, RoundPair, UsedNonce
from schemas.run import MAX_PROVIDERS
from schemas.upload import Receipt

DIGEST, TIME = "a" * 64, "2026-09-01T06:00:00Z"
SIGNATURE = {
    "party": "child-welfare",
    "person": OFFER["person"],
    "key": DIGEST,
    "signature": "A" * 86 + "==",
}
PAIR: dict[str, Any] = {
    "larger": "k12",
    "smaller": "child-welfare",
    "nonce_larger": {"number": 3, "nonce": "1" * 64},
    "nonce_smaller": {"number": 5, "nonce": "2" * 64},
}
NONCE = UsedNonce(number=1, nonce="1" * 64)
CLAIMS = {"party": "k12", "partner": "child-welfare", "sha256": DIGEST}
VIEW: dict[str, Any] = {
    "project": "foster-k12",
    "round": 3,
    "state": "open",
    "opened": TIME,
    "deadline": "2026-09-08T06:00:00Z",
    "pairs": [PAIR],
    "progress": [
        {
            "larger": "k12",
            "smaller": "child-welfare",
            "root_larger": DIGEST,
            "root_smaller": None,
            "earlier": "k12",
            "run": None,
            "has_result": False,
            "claims": [CLAIMS],
        }
    ],
    "statements": [{"party": "k12", "space": "shared", "sha256": DIGEST}],
    "supplements": [
        {
            "release": 2,
            "larger": "k12",
            "smaller": "child-welfare",
            "run": "run-0123456789abcdef0123456789abcdef",
            "state": "open",
            "claims": [CLAIMS],
            "closing": None,
        }
    ],
    "superseded_by": None,
    "receipt": RECEIPT,
    "closing": None,
}
EXAMPLES: dict[type[Document], dict[str, Any]] = {
    rounds.NonceOffer: OFFER,
    rounds.SignedNonceOffer: {"offer": OFFER, "signature": SIGNATURE},
    rounds.NonceState: {"party": "k12", "unspent": 4, "next": 9},
    rounds.RoundView: VIEW,
    rounds.RoundList: {"rounds": [VIEW], "due": False, "waiting_for": ["k12"]},
    rounds.Correction: {"reason": "wrong-file"},
    rounds.ClaimsReceipt: {
        "round": 3,
        "release": 2,
        "party": "k12",
        "partner": "child-welfare",
        "sha256": DIGEST,
        "sequence": 7,
    },
    rounds.StatementReceipt: {
        "round": 3,
        "party": "k12",
        "space": "shared",
        "sha256": DIGEST,
        "sequence": 2,
    },
}
BODIES = [
    kind
    for _, kind in inspect.getmembers(rounds, inspect.isclass)
    if issubclass(kind, Model) and kind.__module__ == rounds.__name__
]


def test_every_body_has_an_example_here() -> None:
    assert {kind for kind in BODIES if issubclass(kind, Document)} == set(EXAMPLES)


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_a_body_is_read_and_written_unchanged(kind: type[Document]) -> None:
    body = kind.from_json(EXAMPLES[kind])
    assert body.to_json() == EXAMPLES[kind]
    assert kind.from_canonical(body.to_canonical()) == body


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_a_body_without_any_one_field_or_with_one_more_is_refused(kind: type[Document]) -> None:
    for field, info in kind.model_fields.items():
        rest = {name: value for name, value in EXAMPLES[kind].items() if name != field}
        if info.is_required():
            with pytest.raises(DocumentError, match=f"field {field}"):
                kind.from_json(rest)
    with pytest.raises(DocumentError, match="not known"):
        kind.from_json({**EXAMPLES[kind], "surprise": 1})


def test_the_partner_of_each_party_is_the_other_one() -> None:
    pair = rounds.RoundView.from_json(VIEW).pairs[0]
    assert pair.parties == ("k12", "child-welfare")
    assert [pair.partner_of(party) for party in pair.parties] == ["child-welfare", "k12"]


def test_no_body_has_a_place_for_what_must_not_travel() -> None:
    forbidden = re.compile(r"handle|secret|birth|surname|record_id|token|link_id", re.IGNORECASE)
    for kind in BODIES:
        names = re.findall(r'"([a-z_0-9]+)": \{"', json.dumps(kind.model_json_schema()))
        assert not [name for name in names if forbidden.search(name)], kind.__name__


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
    assert parse_entry(raw) == entry
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
