"""From a person's signed claim to a short token, and from that token to who calls.

What was signed to be used once is remembered until it would be too old to be taken anyway.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.agencies import repository
from app.agencies.duties import duties_of, role_of
from app.agencies.models import RefusedSignIns, Token
from app.agencies.persons import identity_of, state_of
from app.agencies.service import TOKEN_ID_PREFIX, actor_of_holder
from app.broker import Broker
from app.clock import Clock, hour_text, utc_text
from app.db import add_if_alone, insert_rows
from app.errors import REQUEST_UNSIGNED, RefusedError, SignInRefusedError, UnavailableError
from app.ids import new_id
from app.matchlog.draft import EntryDraft
from app.matchlog.service import MatchLog
from app.security.actor import Actor
from app.security.assertions import claimed_person, read_assertion
from app.security.dpop import WINDOW_S, Proof, read_proof
from app.security.tokens import Credential, digest_of, is_token, new_token
from schemas.api.sign_in import TokenAnswer
from schemas.documents.errors import FormatError
from schemas.matchlog.person_kinds import SignInRefused
from schemas.signing.identity import PublicIdentity
from schemas.signing.signed_request import HEADER, SignedRequest

TOKEN_LIFETIME: Final = timedelta(minutes=10)
# A signed request is taken for so long, either way.
REQUEST_AGE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Admission:
    """Who calls, and the proof that came with the call and may come once only; None where none did."""

    actor: Actor
    proof: Proof | None


def sign_in(
    session: Session, claim: str, proof: str | None, *, token_url: str, now: datetime
) -> TokenAnswer:
    """Return a token of 10 minutes for the person whose claim this is."""
    person = repository.lock_person(session, claimed_person(claim) or "")
    repository.sweep_sign_ins(session, utc_text(now))
    with charged_to(None if person is None else person.party):
        assertion = read_assertion(claim, audience=token_url, now=now)
        if person is None or person.identity is None or state_of(person) != "active":
            raise SignInRefusedError("person")
        assertion.verify(identity_of(person))
        use_once(session, ("claim", person.id, assertion.jti), assertion.expires)
        thumbprint = None
        if proof is not None:
            shown = read_proof(proof, method="POST", url=token_url, token=None, now=now)
            _remember(session, shown)
            thumbprint = shown.thumbprint
    secret = new_token()
    insert_rows(
        session,
        Token(
            id=new_id(TOKEN_ID_PREFIX),
            digest=digest_of(secret),
            person=person.id,
            role=role_of(duties_of(person)),
            created=utc_text(now),
            expires=utc_text(now + TOKEN_LIFETIME),
            thumbprint=thumbprint,
        ),
    )
    return TokenAnswer(
        access_token=secret,
        token_type="Bearer" if thumbprint is None else "DPoP",
        expires_in=int(TOKEN_LIFETIME.total_seconds()),
    )


def admit(
    session: Session, credential: Credential, request_id: str, *, now: datetime, clock: Clock
) -> Admission:
    """Return who shows this credential; nothing is written, so the caller still has to `use_proof`.

    Args:
        now: of the machine, since what is shown was made by the clock of another one.
        clock: the broker's, for the actor.
    Raises:
        NotAuthenticatedError: the token is unknown, expired or revoked, or its person is.
        SignInRefusedError: the token is valid, and came without the proof that it needs, with another, or with
            one that was used before.
    """
    found = None
    if is_token(credential.token):
        found = repository.holder_by_token(session, digest_of(credential.token), utc_text(now))
    actor = actor_of_holder(found, request_id, clock)
    with charged_to(actor.party):
        proof = _proof_of(credential, found.token.thumbprint if found else None, now)
        # Looked at here too: a copy of someone's request costs nothing of how often that person may come.
        if proof is not None and repository.was_seen(session, _digest_of(_names_of(proof))):
            raise SignInRefusedError("replayed")
    if credential.signed is not None:
        identity = identity_of(repository.require_person(session, actor.person))
        actor = replace(actor, signed=_signed_request(credential, identity, now))
    return Admission(actor, proof)


def use_proof(session: Session, proof: Proof, actor: Actor) -> None:
    """Remember the actor's proof for as long as it could be taken.

    Raises:
        SignInRefusedError: it was used before.
    """
    with charged_to(actor.party):
        _remember(session, proof)


def _signed_request(
    credential: Credential, identity: PublicIdentity, now: datetime
) -> SignedRequest:
    """Return the request that this person signed just now; what it states is held against the log's entry."""
    try:
        signed = SignedRequest.from_header(credential.signed or "")
        signed.require_signature(identity.verifier())
    except FormatError as exc:
        raise RefusedError(
            REQUEST_UNSIGNED,
            "The match log records this request, so its sender must sign it.",
            hint=f"schemas/spec/signed-request.md says how the header {HEADER} is made",
        ) from exc
    earliest, latest = (utc_text(now + shift) for shift in (-REQUEST_AGE, REQUEST_AGE))
    if signed.request.asks != credential.asks or not earliest <= signed.request.at <= latest:
        raise RefusedError(
            REQUEST_UNSIGNED, "The signature is for a different request, or for a different time."
        )
    return signed


def _proof_of(credential: Credential, thumbprint: str | None, now: datetime) -> Proof | None:
    if thumbprint is None and credential.proof is None:
        return None
    # Neither may a bound token come alone, nor may a proof seem to protect a token that it does not.
    if thumbprint is None or credential.proof is None:
        raise SignInRefusedError("binding")
    proof = read_proof(
        credential.proof,
        method=credential.method,
        url=credential.url,
        token=credential.token,
        now=now,
    )
    if not hmac.compare_digest(proof.thumbprint, thumbprint):
        raise SignInRefusedError("binding")
    return proof


def _remember(session: Session, proof: Proof) -> None:
    use_once(session, _names_of(proof), proof.issued + WINDOW_S + 1)


def _names_of(proof: Proof) -> tuple[str, str, str]:
    return "proof", proof.thumbprint, proof.jti


def use_once(session: Session, names: tuple[str, str, str], until_s: int) -> None:
    """Remember what has these names, of printable ASCII, until a second since 1970."""
    expires = utc_text(datetime.fromtimestamp(until_s, UTC))
    if not repository.remember_seen(session, _digest_of(names), expires):
        raise SignInRefusedError("replayed")


def _digest_of(names: tuple[str, str, str]) -> str:
    # No name has a line end in it: two are ours, and a jti is printable.
    return hashlib.sha256("\n".join(names).encode("ascii")).hexdigest()


@contextmanager
def charged_to(party: str | None) -> Iterator[None]:
    """Let a refusal within the block be counted in the name of a party; None: of nobody who is known."""
    try:
        yield
    except SignInRefusedError as exc:
        exc.party = party
        raise


def note_refusal(broker: Broker, party: str | None) -> None:
    """Count a refusal that has just been, and sum up the hours before this one if the log can be written."""
    now = broker.clock()
    with broker.database.write() as session:
        count_refusal(session, party, now)
    # Where the log cannot grow, the caller must still be answered like everybody who is refused.
    with suppress(UnavailableError), broker.database.write() as session:
        sum_up_refusals(session, broker.log, now)


def count_refusal(session: Session, party: str | None, now: datetime) -> None:
    """Count a sign-in that was refused, in the name of a party, or of nobody who is known (None)."""
    name, hour = party or "", hour_text(now)
    if repository.count_refusal(session, name, hour):
        return
    if not add_if_alone(session, RefusedSignIns(party=name, hour=hour, count=1)):
        repository.count_refusal(session, name, hour)


def sum_up_refusals(session: Session, log: MatchLog, now: datetime) -> int:
    """Log one summary for each party and hour that is over, and return how many."""
    rows = repository.pop_refusals(session, hour_text(now))
    drafts = [
        EntryDraft(
            SignInRefused(party=row.party or None, hour=row.hour, count=row.count),
            outcome="refused",
        )
        for row in rows
    ]
    if drafts:
        log.append(session, drafts)
    return len(drafts)
