"""Who may say or do something under an agreement: the person who is signed in, with their duties and keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.agencies.persons import identities_of, keys_of
from app.agreements import repository
from app.agreements.models import PartyWord
from app.agreements.service import TermsInForce
from app.errors import (
    NOBODY_RECEIVES,
    NOT_PROVIDER,
    STATEMENT_ORDER,
    STATEMENT_REFUSED,
    WRONG_DUTY,
    RefusedError,
    Rule,
    SignatureRefusedError,
)
from app.security.actor import Actor
from schemas.agreement.agreement import Agreement
from schemas.agreement.negotiation import LastWord
from schemas.agreement.statement import SignedStatement, Statement, duty_for
from schemas.documents.document import Document
from schemas.documents.errors import SignatureError
from schemas.rounds.upload import Signature
from schemas.signing.identity import Duty, PublicIdentity
from schemas.signing.sealing import MAX_RECEIVERS
from schemas.signing.signatures import verify_document
from schemas.signing.signed_times import is_timely


def check_signer(
    session: Session, actor: Actor, signed: SignedStatement, agreement: Agreement, now: datetime
) -> None:
    """Check that the actor made this statement, and that the agreement lets them make it."""
    stated = signed.statement
    if duty_for(stated) not in actor.duties:
        raise RefusedError(WRONG_DUTY, f"This is for a person with the duty {duty_for(stated)}.")
    if (stated.party, stated.person) != (actor.party, actor.person):
        raise RefusedError(
            STATEMENT_REFUSED, "The statement names a different person than the one who sent it."
        )
    try:
        signer = signed.verify(agreement)
    except SignatureError as exc:
        raise RefusedError(STATEMENT_REFUSED, f"The statement does not count: {exc}.") from exc
    keys = keys_of(session, actor)
    if keys.key_sha256() != signer.key_sha256():
        raise RefusedError(
            STATEMENT_REFUSED,
            "The statement is not signed with the person's newest keys.",
            hint="after a change of keys, a statement holds the signed change, too",
        )
    refuse_untimely(stated.at, now)
    _take_word(session, stated)


def refuse_untimely(
    at: str, now: datetime, since: datetime | None = None, *, rule: Rule = STATEMENT_REFUSED
) -> None:
    """Refuse what was signed too long ago, or of a time to come, as a reader of the match log would.

    Args:
        since: when that began which is signed about; None: it is signed to be logged at once.
        rule: by which it is refused.
    """
    if not is_timely(at, now, since):
        raise RefusedError(
            rule,
            "The document was signed too long ago, or its time is in the future.",
            hint="check this computer's date and time, and sign anew",
        )


def last_word(session: Session, actor: Actor, project: str) -> LastWord:
    """Return what the actor's party has signed last in a project."""
    word = repository.last_word(session, project, actor.party)
    return (
        LastWord(sha256=None, at=None) if word is None else LastWord(sha256=word.sha256, at=word.at)
    )


def _take_word(session: Session, stated: Statement) -> None:
    """Note what a party has signed, if it names what the party signed before."""
    word = repository.last_word(session, stated.project, stated.party, lock=True)
    before, at = (None, "") if word is None else (word.sha256, word.at)
    said = PartyWord(
        project=stated.project, party=stated.party, sha256=stated.digest(), at=stated.at
    )
    follows = stated.before == before and stated.at >= at
    if not follows or not repository.keep_word(session, word, said):
        raise RefusedError(
            STATEMENT_ORDER,
            "The statement does not name the party's last signed document in the project.",
            hint="sign it anew: another statement of the party came in between",
        )


def require_signature(
    session: Session, actor: Actor, kind: str, document: Document, signature: Signature
) -> None:
    """Check that the actor has signed this document with the newest keys that they have enrolled.

    Raises:
        SignatureRefusedError: they have not, or the signature is in another's name.
    """
    keys = keys_of(session, actor)
    own = (actor.party, actor.person, keys.key_sha256())
    if (signature.party, signature.person, signature.key) != own:
        raise SignatureRefusedError(
            "The document is not signed with the newest keys of the person who sent it."
        )
    try:
        verify_document(kind, document.to_json(), signature.signature, keys.verifier())
    except SignatureError:
        raise SignatureRefusedError("The signature does not match the document.") from None


def refuse_stranger(terms: TermsInForce, party: str) -> None:
    """Raise not-a-provider where the terms do not name the party as a provider."""
    if party not in terms.terms.providers:
        raise RefusedError(
            NOT_PROVIDER, "The terms do not name this party as a provider.", clause="providers"
        )


def require_duty(actor: Actor, *duties: Duty) -> None:
    """Check that the actor has one of these duties."""
    if not set(duties) & set(actor.duties):
        raise RefusedError(WRONG_DUTY, f"This is for a person with the duty {' or '.join(duties)}.")


def receivers_of(session: Session, agreement: Agreement, party: str) -> tuple[PublicIdentity, ...]:
    """Return the newest keys of whom an agreement lists for a party with the duty `recipient`, by id.

    Whose access has ended is left out.
    """
    persons = [history.newest() for history in identities_of(session, [party]).identities]
    receivers = tuple(
        person
        for person in persons
        if "recipient" in person.duties and agreement.person(person.person) is not None
    )
    if not receivers:
        raise RefusedError(
            NOBODY_RECEIVES,
            f"The agreement lists no recipient of {party} who may act, so nobody could open its link IDs.",
            clause="recipients",
        )
    if len(receivers) > MAX_RECEIVERS:
        raise RefusedError(
            NOBODY_RECEIVES,
            f"More than {MAX_RECEIVERS} persons of {party} have the duty recipient.",
            clause="recipients",
        )
    return receivers


def paper_of(session: Session, project: str, agreement: str) -> str | None:
    """Return the number of an agreement's paper; None where it names none."""
    found = repository.find_agreement(session, project, agreement)
    if found is None:
        return None
    paper = Agreement.from_canonical(found.document.encode("utf-8")).paper
    return None if paper is None else paper.number
