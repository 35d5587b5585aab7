"""What a broker says a party signed last: held against what this agency knows of it."""

from __future__ import annotations

from typing import Any

import pytest
from samples.agreement import private, signed, stated
from samples.refusals import raises
from samples.shown_agreements import FIRST, view

from encoding.agreement.kept_agreements import MAX_KEPT, KeptAgreements, read_kept, write_kept
from encoding.agreement.signer import NOTHING_YET, require_last
from encoding.agreement.verification import verified
from encoding.errors import AgreementUntrustedError
from schemas.agreement.negotiation import LastWord
from schemas.agreement.statement import SignedStatement, Statement

NOTHING = KeptAgreements(project="foster-k12")


def halt(at: str, before: str | None = None, name: str = "kim") -> dict[str, Any]:
    fields = {"act": "suspend", "reason": "A reason.", "at": at, "before": before}
    return signed(stated("notice", name, FIRST, **fields), private(name))


def said(document: dict[str, Any]) -> Statement:
    return SignedStatement.from_json(document).statement


def word(statement: Statement, at: str | None = None) -> LastWord:
    return LastWord(sha256=statement.digest(), at=at or statement.at)


HALT = halt("2026-09-02T06:00:00Z", "a" * 64)
KEPT = NOTHING.with_one(verified(view(notices=[HALT])))


def test_what_the_party_signed_last_may_be_named() -> None:
    require_last(word(said(HALT)), KEPT, "k12")
    require_last(NOTHING_YET, NOTHING, "k12")
    # A colleague has signed something since, of which nothing is known here.
    later = LastWord(sha256="b" * 64, at="2026-09-03T06:00:00Z")
    require_last(later, KEPT, "k12")
    # What another party signed is not this one's.
    require_last(NOTHING_YET, KEPT, "child-welfare")


@pytest.mark.parametrize(
    "named",
    [
        NOTHING_YET,
        LastWord(sha256="b" * 64, at="2026-09-01T06:00:00Z"),
        LastWord(sha256="a" * 64, at="2026-09-01T06:00:00Z"),
        LastWord(sha256="a" * 64, at="2026-09-06T06:00:00Z"),
        word(said(HALT), "2026-09-06T06:00:00Z"),
    ],
    ids=["nothing", "older", "the one before", "the one before as if later", "another time"],
)
def test_a_halt_is_not_left_out(named: LastWord) -> None:
    with raises(AgreementUntrustedError, match="leaves out what k12 has signed since"):
        require_last(named, KEPT, "k12")


def test_a_revocation_that_was_signed_here_is_not_left_out(tmp_path: Any) -> None:
    revocation = said(
        signed(
            stated(
                "approval-revocation",
                "kim",
                FIRST,
                approval="apv-" + "1" * 32,
                before=said(HALT).digest(),
                at="2026-09-04T06:00:00Z",
            ),
            private("kim"),
        )
    )
    path = tmp_path / "foster-k12.json"
    write_kept(path, KEPT.with_word(revocation))
    kept = read_kept(path, "foster-k12")
    require_last(word(revocation), kept, "k12")
    for at in (None, "2026-09-05T06:00:00Z"):
        with raises(AgreementUntrustedError, match="leaves out"):
            require_last(word(said(HALT), at), kept, "k12")


def test_the_newest_words_are_kept() -> None:
    kept = NOTHING
    for _ in range(MAX_KEPT + 1):
        kept = kept.with_word(said(HALT))
    assert len(kept.words) == MAX_KEPT
