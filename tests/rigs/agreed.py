"""Agreements of tests: said by their terms, and signed by every party at once through the broker's services."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.agencies.duties import role_of
from app.agreements import repository
from app.agreements.negotiation import consent, open_project, propose
from app.agreements.service import all_versions
from app.agreements.signers import last_word
from app.broker import Broker
from app.clock import utc_text
from app.runs.standing_approvals import approve_in_advance
from app.security.actor import Actor
from encoding.agreement.kept_agreements import KeptAgreement
from encoding.agreement.roster import change_roster
from encoding.people.identity import Identity
from schemas.agreement.agreement import Agreement
from schemas.agreement.negotiation import AgreementProposal
from schemas.agreement.statement import MAX_STANDING_RUNS, SignedStatement, Statement
from schemas.linkage.profile import EncodingProfile
from schemas.signing.identity import PublicIdentity
from schemas.signing.signed_request import SignedRequest, Where, new_request

OPERATOR = "operator"
COUNSEL = {"name": "Dana Cole", "title": "General counsel", "date": "2026-08-24"}


def bind(
    broker: Broker,
    operator: Actor,
    agreement: Agreement,
    profile: EncodingProfile,
    people: Iterable[Identity],
) -> None:
    """Open the project, let a steward of each party sign, and approve runs in advance where that counts."""
    now, project = broker.clock(), agreement.project
    by_id = {one.public.person: one for one in people}
    stewards = [_with_duty(agreement, name, "steward", by_id) for name in agreement.names()]
    with broker.database.write() as session:
        open_project(
            session, broker.log, project=project, parties=agreement.names(), actor=operator, now=now
        )
        sign_version(session, broker, agreement, profile, stewards)
    if agreement.start <= utc_text(now):
        approve_runs(broker, agreement, by_id.values())


def approve_runs(broker: Broker, agreement: Agreement, people: Iterable[Identity]) -> None:
    """Let the approvers of an agreement approve its runs in advance, where that counts."""
    if agreement.approvals.runs != "standing":
        return
    now, by_id = broker.clock(), {one.public.person: one for one in people}
    for party in agreement.approvals.parties:
        approver = _with_duty(agreement, party, "approver", by_id)
        with broker.database.write() as session:
            actor = actor_of(approver, now)
            approved = sign(
                approver,
                agreement,
                "standing-approval",
                now,
                approval=f"apv-{secrets.token_hex(16)}",
                policy_sha256=agreement.policy.digest(),
                until=agreement.end,
                runs=MAX_STANDING_RUNS,
                before=last_word(session, actor, agreement.project).sha256,
            )
            approve_in_advance(session, broker, actor, agreement.project, approved)


def amend(
    broker: Broker,
    agreement: Agreement,
    profile: EncodingProfile,
    people: Iterable[Identity],
    /,
    **changes: Any,
) -> Agreement:
    """Let a steward of each party sign the next version of an agreement, with these changes; return it."""
    by_id = {one.public.person: one for one in people}
    raw = agreement.to_json() | {"number": agreement.number + 1, "previous": agreement.digest()}
    following = Agreement.from_json(raw | changes)
    # Who proposes it has a part already.
    names = sorted(following.names(), key=lambda name: name not in agreement.names())
    stewards = [_with_duty(following, name, "steward", by_id) for name in names]
    with broker.database.write() as session:
        sign_version(session, broker, following, profile, stewards)
    return following


def join_roster(broker: Broker, project: str, person: PublicIdentity, steward: Identity) -> None:
    """Let a party's steward put a person on its list of authorized users, in a project that an agreement
    binds.
    """
    sign_roster(broker, project, steward, joining=[person], leaving=())


def sign_roster(broker: Broker, project: str, steward: Identity, **changes: Any) -> None:
    """Let a steward change who acts for their party, in a project that an agreement binds."""
    with broker.database.write() as session:
        bound = all_versions(session, project)[0]
        before = KeptAgreement(agreement=bound.agreement, profile=bound.profile)
        after = change_roster(before, steward.public.party, **changes)
        sign_version(session, broker, after.agreement, after.profile, [steward])


def sign_version(
    session: Session,
    broker: Broker,
    agreement: Agreement,
    profile: EncodingProfile,
    stewards: Sequence[Identity],
) -> None:
    """Let the first of these stewards propose a version of an agreement, and each of them sign it."""
    now, project = broker.clock(), agreement.project
    proposal = AgreementProposal(agreement=agreement, profile=profile)
    where = Where(broker.log.key.name, project)
    path = f"POST /v1/projects/{project}/agreements"
    asks = new_request(path, agreement.digest(), utc_text(now), where)
    signed_request = SignedRequest.of(asks, stewards[0].keys.signing_key)
    proposer = replace(actor_of(stewards[0], now), signed=signed_request)
    propose(session, broker, proposer, project, proposal)
    for steward in stewards:
        before = last_word(session, actor_of(steward, now), project).sha256
        signed = sign(steward, agreement, "consent", now, counsel=COUNSEL, before=before)
        consent(session, broker, actor_of(steward, now), project, signed)


def word_of(broker: Broker, party: str, project: str) -> str | None:
    """Return the digest of what a party has signed last in a project."""
    with broker.database.read() as session:
        word = repository.last_word(session, project, party)
        return None if word is None else word.sha256


def actor_of(identity: Identity, now: datetime) -> Actor:
    """Return the person as one who has signed in."""
    public = identity.public
    return Actor(
        party=public.party,
        person=public.person,
        role=role_of(public.duties),
        token_id="tok-" + "0" * 32,
        request_id="req-" + "0" * 32,
        duties=public.duties,
        clock=lambda: now,
    )


def state(
    person: PublicIdentity, agreement: Agreement, what: str, now: datetime, **fields: Any
) -> Statement:
    """Return a person's statement about an agreement."""
    raw = {
        "version": f"blindlink/{what}/1",
        "project": agreement.project,
        "agreement": agreement.digest(),
        "party": person.party,
        "person": person.person,
        "before": None,
        "at": utc_text(now),
        **fields,
    }
    unsigned = {"statement": raw, "changes": [], "signature": "A" * 86 + "=="}
    stated: Statement = SignedStatement.from_json(unsigned).statement
    return stated


def sign(
    identity: Identity, agreement: Agreement, what: str, now: datetime, **fields: Any
) -> SignedStatement:
    """Return a person's statement about an agreement with their signature."""
    stated = state(identity.public, agreement, what, now, **fields)
    return SignedStatement.of(stated, identity.keys.signing_key)


def _with_duty(
    agreement: Agreement, party: str, duty: str, people: dict[str, Identity]
) -> Identity:
    listed = agreement.party(party)
    assert listed is not None
    able = (one.person for one in listed.persons if duty in one.duties)
    return next(people[person] for person in able if person in people)
