"""In whose name a change is accepted of which more ends than is agreed."""

from __future__ import annotations

from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from encoding.sharing.links_of_rounds import Acceptance
from schemas.documents.ids import utc_text


def accept_change(session: Session, reason: str, *, ended: int, in_force: int) -> Acceptance:
    """Return that this person accepts now that so many of those in force end, and why."""
    return Acceptance(
        person=unlock_own(session).public.person,
        at=utc_text(session.now()),
        reason=reason,
        ended=ended,
        in_force=in_force,
    )
