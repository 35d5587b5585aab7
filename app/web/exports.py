"""Notes in the match log that somebody takes a copy of it, or of a register made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.agreements.service import agreement_now
from app.matchlog.draft import entry_actor

if TYPE_CHECKING:
    from app.broker import Broker
    from app.web.answer import PageRequest


def note_export(broker: Broker, page: PageRequest, project: str | None, what: str) -> None:
    """Log that a page's twin is about to be handed out; of the page itself nothing is logged."""
    if page.twin == "html":
        return
    with broker.database.write() as session:
        agreement = None if project is None else agreement_now(session, project, broker.clock())
        broker.log.append_export(
            session,
            entry_actor(page.actor),
            project,
            agreement,
            what=what,
            request=page.actor.request_id,
        )
