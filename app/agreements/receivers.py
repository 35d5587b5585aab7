"""Whose keys open what a blind release seals: persons on the recipient's roster with the duty to receive."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.agencies.persons import identities_of
from app.errors import NOBODY_RECEIVES, RefusedError
from schemas.agreement.agreement import Agreement
from schemas.signing.identity import PublicIdentity
from schemas.signing.sealing import MAX_RECEIVERS


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
