"""What a person signs: verified before it leaves, with the changes of keys that lead to the own ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from samples.refusals import raises
from samples.shown_agreements import FIRST, specification

from encoding.agreement.signer import Signer, changes_since
from encoding.errors import AgreementError, AgreementUntrustedError
from encoding.people.identity import Identity, new_identity, replace_keys
from schemas.agreement.agreement import Agreement
from schemas.agreement.negotiation import LastWord
from schemas.agreement.statement import Consent, Counsel, Notice, RunApproval, StandingApproval
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
    assert [type(signed.statement) for signed in made] == kinds
    for signed in made:
        assert signed.verify(agreement) == kim.public
        assert (signed.statement.party, signed.statement.at) == ("k12", "2026-09-07T06:00:00Z")
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
