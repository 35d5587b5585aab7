"""What a person says about destruction, signed with their own keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from encoding.errors import IdentityError
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from schemas.documents.errors import SignatureError
from schemas.documents.ids import utc_text
from schemas.rounds.destruction import Said, SignedDestruction, duties_for, sign_destruction


def signed_by_own(
    session: Session,
    given: Mapping[str, Any],
    kind: type[Said],
    *,
    not_before: str = "",
    project: str | None = None,
    **fields: Any,
) -> SignedDestruction:
    """Return what whoever types says about the project."""
    own = unlock_own(session, given)
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
