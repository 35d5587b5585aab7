"""Writes schemas/vectors/review.json by its page alone; the keys are for tests only.

PYTHONPATH=tests:. python -m vectors.review

Made with the standard library and the rfc8785 package, not with the code under test. What stands where a sealed
card would is any bytes: what is sealed has its own page, `sealed-file.md`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

import rfc8785
from vectors.file import bent, listed, write_vectors
from vectors.identity import identity_of, private_bytes, signature

REVIEWER, ASKED = "child-welfare", "k12"
PERSON = "per-00112233445566778899aabbccddeeff"
PRIVATE, STRANGER = private_bytes(1), private_bytes(2)
RUN = "run-0123456789abcdef0123456789abcdef"
UPLOAD = "upl-0123456789abcdef0123456789abcdef"
TIME = "2026-09-01T06:00:00Z"
PLAIN_BYTES = 2048

Named = list[tuple[str, Any]]

HEADER: dict[str, Any] = {
    "version": "blindlink/review-questions/1",
    "project": "foster-pupils",
    "round": 3,
    "run": RUN,
    "reviewer": REVIEWER,
    "asked": ASKED,
    "upload": UPLOAD,
    "questions": 2,
    "created": TIME,
}
QUESTIONS = [("0a" * 16, "fe" * 16, 17), ("b0" * 16, "01" * 16, 999_999_999_999)]
BUCKETS: dict[str, Any] = {
    "version": "blindlink/review-asked/1",
    **{name: HEADER[name] for name in ("project", "round", "run", "reviewer", "asked", "upload")},
    "buckets": ["00000000", "deadbeef"],
}
CARD: dict[str, Any] = {
    "version": "blindlink/card/1",
    "project": "foster-pupils",
    "round": 3,
    "run": RUN,
    "sender": ASKED,
    "person": PERSON,
    "record": "0123456789ab",
    "fields": [
        {"name": "first_name", "value": "Zo\u00eb \U0001f600"},
        {"name": "birth_date", "value": "2011-04-09"},
        {"name": "sex", "value": ""},
    ],
}
STATEMENT: dict[str, Any] = {
    "version": "blindlink/review-statement/1",
    "about": "decisions",
    "project": "foster-pupils",
    "agreement": "cd" * 32,
    "round": 3,
    "run": RUN,
    "party": REVIEWER,
    "person": PERSON,
    "number": 2,
    "sha256": "ab" * 32,
    "is_last": False,
    "at": TIME,
}
DECISIONS: dict[str, Any] = {
    "version": "blindlink/review-decisions/1",
    "run": RUN,
    "decisions": [
        {"reference": "0a" * 16, "verdict": "accept", "reason": "same-person"},
        {"reference": "b0" * 16, "verdict": "reject", "reason": "twins-or-siblings"},
        {"reference": "c0" * 16, "verdict": "unsure", "reason": "wrong-data"},
    ],
}
VIEW: dict[str, Any] = {
    "project": "foster-pupils",
    "round": 3,
    "run": RUN,
    "reviewer": REVIEWER,
    "asked": ASKED,
    "state": "answered",
    "deadline": "2026-09-15T06:00:00Z",
    "questions": 2,
    "buckets": None,
    "decided": 1,
    "release": None,
}
OF_CARDS = {"about": "cards", "party": ASKED, "number": 1, "is_last": True}
SEALED: dict[str, bytes] = {"00000000" + "11" * 12: b"one" * 9, "deadbeef" + "22" * 12: b"two" * 9}


def sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


# Files of lines.


def questions(lines: Sequence[tuple[str, str, int]] = tuple(QUESTIONS), **header: Any) -> bytes:
    text = "".join(f"{reference} {handle} {row:012d}\n" for reference, handle, row in lines)
    return rfc8785.dumps(HEADER | {"questions": len(lines)} | header) + b"\n" + text.encode()


def bad_questions() -> Named:
    plain = questions()
    head, _, body = plain.partition(b"\n")
    first, second = QUESTIONS
    return [
        ("nothing", b""),
        ("no lines, though two are counted", head + b"\n"),
        ("no newline at the end", plain[:-1]),
        ("a line more", plain + b"\n"),
        ("carriage returns", plain.replace(b"\n", b"\r\n")),
        ("white space in the head", plain.replace(b'"round":3', b'"round": 3')),
        ("a head that is too long", b"{" + b" " * 16_384 + plain[1:]),
        ("another version", questions(version="blindlink/review-questions/2")),
        ("an unknown field", questions(surprise=1)),
        ("round 0", questions(round=0)),
        ("fewer than counted", questions(questions=3)),
        ("more than counted", questions(questions=1)),
        ("more than there may be", questions(questions=10_001)),
        ("another order", questions([second, first])),
        ("a reference twice", questions([first, (first[0], *second[1:])])),
        ("a record twice", questions([first, (second[0], first[1], 18)])),
        ("capitals", head + b"\n" + body.upper()),
        ("a row of 11 digits", plain.replace(b" 000000000017", b" 00000000017")),
        ("a row below zero", plain.replace(b" 000000000017", b" -00000000017")),
        ("two spaces", plain.replace(b" 000000000017", b"  00000000017")),
        ("a text that is not ASCII", plain[:-2] + "\N{ARABIC-INDIC DIGIT NINE}\n".encode()),
    ]


def cards(
    sealed: Sequence[tuple[str, bytes]] = tuple(SEALED.items()),
    n_cards: object = None,
    size: object = None,
) -> bytes:
    n_cards = len(sealed) if n_cards is None else n_cards
    size = (len(sealed[0][1]) if sealed else 1) if size is None else size
    head = f"blindlink/cards/1 {n_cards} {size}\n".encode()
    return head + b"".join(bytes.fromhex(key) + content for key, content in sealed)


def bad_cards() -> Named:
    plain = cards()
    one, two = SEALED.items()
    return [
        ("nothing", b""),
        ("a first line alone", plain[: plain.index(b"\n") + 1]),
        ("another version", plain.replace(b"cards/1", b"cards/2")),
        ("no newline", plain.replace(b"\n", b" ", 1)),
        ("a leading zero", cards(n_cards="02")),
        ("cards of no bytes", cards([], n_cards=2, size=0)),
        ("none, of another size than one", cards([], size=27)),
        ("fewer than counted", cards(n_cards=3)),
        ("more than counted", cards(n_cards=1)),
        ("a byte less", plain[:-1]),
        ("a byte more", plain + b"\n"),
        ("another order", cards([two, one])),
        ("a card twice", cards([one, one])),
        ("too long", cards([(one[0], b"x" * 16_385)])),
    ]


# Documents.


def signed(body: str, kind: str, document: Any, private: bytes = PRIVATE) -> dict[str, Any]:
    return {body: document, "signature": signature(kind, document, private)}


def signed_card(private: bytes = PRIVATE, kind: str = "review-card", **changes: Any) -> bytes:
    return rfc8785.dumps(signed("card", kind, CARD | changes, private))


def card_plain(line: bytes | None = None) -> bytes:
    return ((line or signed_card()) + b"\n").ljust(PLAIN_BYTES)


def bad_card_documents() -> Named:
    cards_of = bent(CARD, [
        ("a field twice", "fields.1.name", "first_name"),
        ("a name of two lines", "fields.1.name", "birth\ndate"),
        ("a value that is a number", "fields.0.value", 7),
        ("an unknown field", "surprise", 1),
    ])  # fmt: skip
    return [
        (name, rfc8785.dumps(signed("card", "review-card", one))) for name, one in cards_of.items()
    ]


def bad_card_plains() -> Named:
    plain = card_plain()
    long = [{"name": f"f{number}", "value": "\u00df" * 200} for number in range(8)]
    return [
        ("nothing", b""),
        ("not padded", plain.rstrip(b" ")),
        ("a space less", plain[:-1]),
        ("a space more", plain + b" "),
        ("padded with zeros", plain.replace(b" ", b"\0")),
        ("something in the padding", plain[:-1] + b"x"),
        ("no newline", signed_card().ljust(PLAIN_BYTES)),
        ("longer than it may be", signed_card(fields=long) + b"\n"),
    ]


def signed_statement(
    private: bytes = PRIVATE, kind: str = "review-statement", **changes: Any
) -> Any:
    return signed("statement", kind, STATEMENT | changes, private)


def bad_statements() -> Named:
    statements = bent(STATEMENT, [
        ("an end that is a number", "is_last", 1),
        ("second cards", "", {**OF_CARDS, "number": 2}),
        ("cards that are not the last", "", {**OF_CARDS, "is_last": False}),
        ("an unknown field", "surprise", 1),
    ])  # fmt: skip
    return [
        (name, rfc8785.dumps(signed("statement", "review-statement", one)))
        for name, one in statements.items()
    ]


def stated_cards(content: bytes | None = None, **changes: Any) -> bytes:
    content = cards() if content is None else content
    head = signed_statement(**{**OF_CARDS, "sha256": sha(content), **changes})
    return rfc8785.dumps(head) + b"\n" + content


def bad_stated_cards() -> Named:
    plain = stated_cards()
    return [
        ("nothing", b""),
        ("a statement alone", plain[: plain.index(b"\n")]),
        ("cards alone", cards()),
        ("about decisions", stated_cards(about="decisions", number=2, is_last=False)),
        ("the digest of others", stated_cards(sha256="0" * 64)),
        ("a card changed", plain[:-1] + b"X"),
        ("a first line that is too long", b"{" + b" " * 16_384 + plain[1:]),
        *((f"cards with {name}", stated_cards(content)) for name, content in bad_cards()[1:]),
    ]


def stated_decisions(document: Any = None, **changes: Any) -> bytes:
    document = DECISIONS if document is None else document
    head = signed_statement(**{"sha256": sha(rfc8785.dumps(document)), **changes})
    return rfc8785.dumps({"signed": head, "decisions": document})


def bad_stated_decisions() -> Named:
    first, second, _ = DECISIONS["decisions"]
    decided = bent(DECISIONS, [
        ("a reason of another verdict", "decisions.0.reason", "twins-or-siblings"),
        ("another order", "decisions", [second, first]),
        ("a question twice", "decisions", [first, {**second, "reference": first["reference"]}]),
        ("an unknown field", "decisions.2.surprise", 1),
    ])  # fmt: skip
    return [
        *((name, stated_decisions(one)) for name, one in decided.items()),
        ("of another run", stated_decisions(run="run-" + "0" * 32)),
        ("about cards", stated_decisions(about="cards", number=1, is_last=True)),
        ("the digest of others", stated_decisions(sha256="0" * 64)),
    ]


def bad_buckets() -> dict[str, Any]:
    return bent(BUCKETS, [
        ("another order", "buckets", ["deadbeef", "00000000"]),
        ("a bucket twice", "buckets", ["deadbeef", "deadbeef"]),
        ("an unknown field", "surprise", 1),
    ])  # fmt: skip


def named(made: Named) -> list[dict[str, str]]:
    return listed(made, "base64")


def raw_of(vector: dict[str, str]) -> bytes:
    """Return the bytes of a vector."""
    return base64.b64decode(vector["base64"])


def review_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/review.md`."""
    forged_card: Named = [
        ("signed by another", signed_card(STRANGER)),
        ("signed as another kind", signed_card(kind="review-statement")),
        ("in another's name", signed_card(person="per-" + "0" * 32)),
        ("in another party's name", signed_card(sender="health")),
    ]
    forged: Named = [
        ("signed by another", signed_statement(STRANGER)),
        ("signed as another kind", signed_statement(kind="review-card")),
        ("in another's name", signed_statement(person="per-" + "0" * 32)),
        ("in another party's name", signed_statement(party="health")),
    ]
    no_decisions = {**DECISIONS, "decisions": []}
    return {
        "spec": "review",
        "identities": {
            party: rfc8785.dumps({**identity_of(PRIVATE), "party": party, "person": PERSON}).decode()
            for party in (REVIEWER, ASKED)
        },
        "questions": {
            "good": named([("two", questions()), ("none", questions([]))]),
            "bad": named(bad_questions()),
        },
        "asked": {
            "good": named(
                [
                    ("two buckets", rfc8785.dumps(BUCKETS)),
                    ("none", rfc8785.dumps({**BUCKETS, "buckets": []})),
                ]
            ),
            "bad": named([(name, rfc8785.dumps(one)) for name, one in bad_buckets().items()]),
        },
        "card": {
            "good": named(
                [
                    ("three fields", signed_card()),
                    ("a record that has left the file", signed_card(
                        fields=[{"name": "first_name", "value": ""}]
                    )),
                    ("16 fields", signed_card(
                        fields=[{"name": f"f{n}", "value": "x" * 40} for n in range(16)]
                    )),
                ]
            ),
            "bad": named(bad_card_documents()),
            "forged": named(forged_card),
        },
        "card_plain": {"good": named([("padded", card_plain())]), "bad": named(bad_card_plains())},
        "cards": {
            "good": named([("two", cards()), ("none", cards([]))]),
            "bad": named(bad_cards()),
        },
        "stated_cards": {
            "good": named([("two", stated_cards()), ("none", stated_cards(cards([])))]),
            "bad": named(bad_stated_cards()),
        },
        "statement": {
            "good": named(
                [
                    ("of decisions", rfc8785.dumps(signed_statement())),
                    ("the last one", rfc8785.dumps(signed_statement(is_last=True))),
                    ("of cards", rfc8785.dumps(signed_statement(**OF_CARDS))),
                ]
            ),
            "bad": named(bad_statements()),
            "forged": named([(name, rfc8785.dumps(document)) for name, document in forged]),
        },
        "stated_decisions": {
            "good": named(
                [
                    ("three", stated_decisions()),
                    ("none, and the end", stated_decisions(no_decisions, is_last=True)),
                ]
            ),
            "bad": named(bad_stated_decisions()),
        },
        "list": {
            "good": named(
                [
                    ("one", rfc8785.dumps({"reviews": [VIEW]})),
                    ("none", rfc8785.dumps({"reviews": []})),
                    ("an ended one", rfc8785.dumps(
                        {"reviews": [{**VIEW, "state": "ended", "release": 2}]}
                    )),
                ]
            ),
            "bad": named([("no reviews", b"{}"), ("no list", rfc8785.dumps({"reviews": VIEW}))]),
        },
    }  # fmt: skip


if __name__ == "__main__":
    write_vectors("review", review_vectors())
