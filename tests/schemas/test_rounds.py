"""The bodies about rounds: closed, each with an example, and none with a place for a handle or a secret."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest
from oracles.example_documents import OFFER, RECEIPT

from schemas import rounds
from schemas.document import Document, Model
from schemas.errors import DocumentError

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
            "claims": [CLAIMS],
        }
    ],
    "statements": [{"party": "k12", "space": "shared", "sha256": DIGEST}],
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
