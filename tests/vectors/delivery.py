"""Writes schemas/vectors/delivery.json by its page alone; the keys are for tests only.

PYTHONPATH=tests:. python -m vectors.delivery

Made with the standard library and the rfc8785 package, not with the code under test.
"""

from __future__ import annotations

import hashlib
from typing import Any

from samples.documents import without
from vectors.file import bent, text_of, write_vectors
from vectors.identity import identity_of, private_bytes, signature

SENDER, RECIPIENT = "k12", "child-welfare"
PERSON = "per-00112233445566778899aabbccddeeff"
PRIVATE, STRANGER = private_bytes(1), private_bytes(2)
ROWS = f'link_id,Grade,School\n{"0a" * 16},9,North\n{"b0" * 16},4,"West, upper"\n'
STATEMENT: dict[str, Any] = {
    "version": "blindlink/delivery/1",
    "project": "foster-pupils",
    "round": 3,
    "number": 2,
    "sender": SENDER,
    "person": PERSON,
    "recipient": RECIPIENT,
    "purpose": "education-stability",
    "agreement": "ab" * 32,
    "columns": ["Grade", "School"],
    "size_bytes": len(ROWS.encode()),
    "sha256": hashlib.sha256(ROWS.encode()).hexdigest(),
    "at": "2026-09-01T06:00:00Z",
}
VIEW: dict[str, Any] = {
    "delivery": "dlv-0123456789abcdef0123456789abcdef",
    "project": "foster-pupils",
    "round": 3,
    "number": 2,
    "sender": SENDER,
    "recipient": RECIPIENT,
    "sha256": "cd" * 32,
    "size_bytes": 4711,
    "received": "2026-09-01T06:00:00Z",
    "keep_until": "2027-09-01T06:00:00Z",
    "fetched": None,
    "opened": None,
    "fault": None,
    "replaced": None,
    "ended": None,
}


def signed(
    statement: dict[str, Any], private: bytes = PRIVATE, kind: str = "delivery"
) -> dict[str, Any]:
    return {"statement": statement, "signature": signature(kind, statement, private)}


def head(**changes: Any) -> str:
    return text_of(signed({**STATEMENT, **changes})) + "\n"


def bad_heads() -> dict[str, str]:
    """Return first lines that no content may begin with, by what is wrong."""
    statements = bent(STATEMENT, [
        ("to oneself", "recipient", SENDER),
        ("a column twice", "columns", ["Grade", "Grade"]),
        ("a column with a line end", "columns.0", "Gra\nde"),
        ("a field too many", "rows", 2),
    ])  # fmt: skip
    good = head()
    return {
        **{name: text_of(signed(one)) + "\n" for name, one in statements.items()},
        "without a line end": good[:-1],
        "blanks between": good.replace(",", ", ", 1),
        "an empty line": "\n",
        "nothing": "",
    }


def delivery_vectors() -> dict[str, Any]:
    """Return all vectors."""
    forged = {
        "by another person": signed(STATEMENT, STRANGER),
        "as another kind": signed(STATEMENT, kind="review-card"),
        "changed": {**signed(STATEMENT), "statement": {**STATEMENT, "round": 4}},
        "in another party's name": signed({**STATEMENT, "sender": "health"}),
    }
    opened = {**VIEW, "fetched": VIEW["received"], "opened": VIEW["received"]}
    return {
        "spec": "deliveries",
        "identity": {
            **identity_of(PRIVATE), "party": SENDER, "person": PERSON, "duties": ["analyst"],
        },
        "rows": ROWS,
        "padding": {"0": 0, "1": 65535, "65536": 0, "65537": 65535, "4711": 60825},
        "head": {
            "good": {"of two columns": head(), "the last of a round": head(number=16)},
            "bad": bad_heads(),
            "forged": {name: text_of(one) + "\n" for name, one in forged.items()},
        },
        "tables": {
            "good": {
                "none": {"content": "", "tables": []},
                "one": {"content": "4\na\nb\n", "tables": ["a\nb\n"]},
                "two": {"content": "2\na\n3\n\u00e9\n", "tables": ["a\n", "\u00e9\n"]},
            },
            "bad": {
                "no length": "a\n", "an empty line": "\n", "no byte": "0\n", "a zero before": "02\na\n",
                "a sign": "+2\na\n", "a blank": " 2\na\n", "no line end": "2",
                "another line end": "2\r\na\n", "other digits": "\u0662\na\n", "underscores": "1_0\n",
                "too many digits": "9" * 17 + "\n", "something after a table": "2\na\n\n",
            },
        },
        "list": {
            "good": {
                "one that waits": {"deliveries": [VIEW]},
                "opened, and none could be used": {
                    "deliveries": [opened, {**VIEW, "fetched": VIEW["received"], "fault": "unreadable"}]
                },
                "none": {"deliveries": []},
            },
            "bad": {"a view that lacks a field": {"deliveries": [without(VIEW, "ended")]}},
        },
    }  # fmt: skip


if __name__ == "__main__":
    write_vectors("delivery", delivery_vectors())
