"""What the API says about destruction: closed, and no handle or salt in any repr."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.destruction_api import (
    DestructionView,
    HoldList,
    RecordWithdrawal,
    StatementTaken,
    WithdrawalTaken,
)
from schemas.document import Document
from schemas.errors import DocumentError

TIME = "2026-09-01T06:00:00Z"
BODIES: dict[type[Document], dict[str, Any]] = {
    DestructionView: {
        "certificate": "crt-" + "1" * 32,
        "project": "foster-k12",
        "scope": "party",
        "subject": "k12",
        "reason": "asked",
        "asked": TIME,
        "objects": 2,
        "finished": None,
        "sha256": None,
        "countersigned": [],
        "outstanding": [{"party": "k12", "what": "handle-map"}],
    },
    StatementTaken: {"sha256": "a" * 64, "project": "foster-k12", "party": "k12", "at": TIME},
    HoldList: {
        "is_held": True,
        "holds": [
            {
                "hold": "hld-" + "1" * 32,
                "party": "k12",
                "order": "Order of the court",
                "made": TIME,
                "lifted": None,
            }
        ],
    },
    RecordWithdrawal: {"handle": "ab" * 16, "salt": "cd" * 32},
    WithdrawalTaken: {"index": 7, "runs_cancelled": 0},
}


@pytest.mark.parametrize("kind", BODIES, ids=lambda kind: kind.__name__)
def test_a_body_is_read_and_written_unchanged_and_takes_nothing_unknown(
    kind: type[Document],
) -> None:
    assert kind.from_json(BODIES[kind]).to_json() == BODIES[kind]
    with pytest.raises(DocumentError):
        kind.from_json({**BODIES[kind], "surprise": 1})


@pytest.mark.parametrize("handle", ["", "ab" * 15, "AB" * 16, "zz" * 16, "ab" * 17])
def test_only_a_handle_can_be_withdrawn(handle: str) -> None:
    with pytest.raises(DocumentError):
        RecordWithdrawal.from_json({"handle": handle, "salt": "cd" * 32})


def test_handle_and_salt_show_in_no_repr() -> None:
    shown = repr(RecordWithdrawal.from_json(BODIES[RecordWithdrawal]))
    assert "abab" not in shown
    assert "cdcd" not in shown
