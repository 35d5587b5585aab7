"""What a person says about destruction, signed with their own keys, and what forbids it."""

from __future__ import annotations

from typing import Any

from encoding.broker.client import BrokerClient
from encoding.errors import IdentityError, LegalHoldError
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from schemas.documents.errors import SignatureError
from schemas.documents.ids import utc_text
from schemas.rounds.destruction import Said, SignedDestruction, duties_for, sign_destruction


def signed_by_own(
    session: Session,
    kind: type[Said],
    *,
    not_before: str = "",
    project: str | None = None,
    **fields: Any,
) -> SignedDestruction:
    """Return what whoever types says about the project."""
    own = unlock_own(session)
    now = utc_text(session.now())
    said = kind(
        project=project or session.project,
        party=own.public.party,
        person=own.public.person,
        at=max(now, not_before),
        **fields,
    )
    try:
        return sign_destruction(said, own.public, own.keys.signing_key)
    except SignatureError as exc:
        needed = ", ".join(sorted(duties_for(kind)))
        raise IdentityError(
            f"you cannot sign this: {exc}", hint=f"you need one of these duties: {needed}"
        ) from exc


def refuse_held(session: Session, client: BrokerClient) -> None:
    """Raise LegalHoldError while a legal hold stands, by what the broker says."""
    found = client.legal_holds(session.project)
    if found.is_held:
        by = sorted({one.party for one in found.holds if one.lifted is None})
        raise LegalHoldError(
            f"a legal hold of {', '.join(by) or 'the agreement'} forbids destroying anything of the project",
            hint="see: blindlink hold",
        )
