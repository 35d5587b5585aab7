"""What a person signs: verified before it leaves, with the changes of keys that lead to the own ones.
What a broker says a party signed last: held against what this agency knows of it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from samples.agreement import private, signed, stated
from samples.refusals import raises
from samples.shown_agreements import FIRST, specification, view

from encoding.agreement.kept_agreements import MAX_KEPT, KeptAgreements, read_kept, write_kept
from encoding.agreement.signer import NOTHING_YET, Signer, changes_since, require_last
from encoding.agreement.verification import verified
from encoding.errors import AgreementError, AgreementUntrustedError
from encoding.people.identity import Identity, new_identity, replace_keys
from schemas.agreement.agreement import Agreement
from schemas.agreement.negotiation import LastWord
from schemas.agreement.statement import (
    Consent,
    Counsel,
    Notice,
    RunApproval,
    SignedStatement,
    StandingApproval,
    Statement,
)
from schemas.signing.identity import IdentityHistory

NOW = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)
COUNSEL = Counsel(name="Dana Cole", title="General counsel", date="2026-08-24")


def listing(identity: Identity) -> Agreement:
    """The example's agreement with this person in place of kim of k12."""
    raw = FIRST | {"parties": [dict(party) for party in FIRST["parties"]]}
    raw["parties"][2] |= {"persons": [identity.public.to_json()], "holder": identity.public.person}
    return Agreement.from_json(raw)


@pytest.fixture
def kim() -> Identity:
    return new_identity("k12", ("approver", "steward"), NOW)


def test_every_statement_names_the_person_the_party_and_the_agreement(kim: Identity) -> None:
    agreement = listing(kim)
    signer = Signer(kim, agreement)
    made: list[Any] = [
        signer.consent(COUNSEL, NOW),
        signer.notice("suspend", "A reason.", NOW),
        signer.approve("run", specification(), NOW, 7),
        signer.approve_in_advance(agreement.policy, "2027-08-31", 52, NOW),
    ]
    kinds = [Consent, Notice, RunApproval, StandingApproval]
    assert [type(one.statement) for one in made] == kinds
    for one in made:
        assert one.verify(agreement) == kim.public
        assert (one.statement.party, one.statement.at) == ("k12", "2026-09-07T06:00:00Z")
    assert made[2].statement.expires == "2026-09-14T06:00:00Z"
    assert signer.revoke(made[3].statement.approval, NOW).verify(agreement) == kim.public


def test_nothing_is_signed_after_a_last_word_that_is_yet_to_come(kim: Identity) -> None:
    agreement = listing(kim)
    ahead = LastWord(sha256="5" * 64, at="2026-09-07T06:10:00Z")
    signed = Signer(kim, agreement, before=ahead).notice("resume", "All is well.", NOW)
    assert (signed.statement.before, signed.statement.at) == (ahead.sha256, ahead.at)
    # A broker that lies would have all later halts count for nothing.
    lied = LastWord(sha256="5" * 64, at="2026-09-07T06:10:01Z")
    with raises(AgreementUntrustedError, match="which is yet to come"):
        Signer(kim, agreement, before=lied).notice("resume", "All is well.", NOW)


def test_no_two_approvals_have_the_same_id(kim: Identity) -> None:
    signer = Signer(kim, listing(kim))
    first, second = (signer.approve("run", specification(), NOW, 7) for _ in range(2))
    assert first.statement != second.statement


def test_who_lacks_the_duty_or_is_not_listed_signs_nothing(kim: Identity) -> None:
    analyst = new_identity("k12", ("analyst",), NOW)
    stranger = new_identity("k12", ("steward",), NOW)
    raw = listing(kim).to_json()
    raw["parties"][2]["persons"] += [analyst.public.to_json()]
    raw["parties"][2]["persons"].sort(key=lambda person: str(person["person"]))
    agreement = Agreement.from_json(raw)
    for person, reason in ((analyst, "that duty"), (stranger, "does not list this person")):
        with pytest.raises(AgreementError, match=reason):
            Signer(person, agreement).consent(COUNSEL, NOW)


def test_new_keys_sign_with_the_changes_that_lead_to_them(kim: Identity) -> None:
    agreement = listing(kim)
    once, first = replace_keys(kim, NOW)
    twice, second = replace_keys(once, NOW)
    history = IdentityHistory(enrolled=kim.signed, changes=(first, second))
    assert changes_since(agreement, kim, [history]) == ()
    changes = changes_since(agreement, twice, [history])
    assert changes == (first, second)
    signed = Signer(twice, agreement, changes).consent(COUNSEL, NOW)
    assert signed.verify(agreement) == twice.public
    with pytest.raises(AgreementError):
        Signer(twice, agreement, changes_since(agreement, twice, [])).consent(COUNSEL, NOW)


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
