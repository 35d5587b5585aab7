"""The project as the broker shows it, held against the signed agreement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoding.errors import BrokerUnreachableError, NotReadyError
from encoding.project.agreement.agreements import require_agreement, require_kept_agreement
from encoding.project.session import Session
from schemas.api.bodies import ProjectView

if TYPE_CHECKING:
    from encoding.broker.client import BrokerClient


def project_view(session: Session, client: BrokerClient, *, must_bind: bool = True) -> ProjectView:
    """Return the project as the broker shows it, held against the signed agreement, and remember it."""
    view = client.project(session.project)
    require_agreement(session, client, view, must_bind=must_bind)
    session.workspace.keep_project(view)
    return view


def current_view(session: Session) -> ProjectView:
    """Return the project as the broker shows it, or, where it cannot be reached, as it was last seen."""
    try:
        with session.connect() as client:
            session.trust(client)
            return project_view(session, client)
    except BrokerUnreachableError as exc:
        known = session.workspace.project()
        if known is None:
            raise
        session.say(f"{exc}; going by the project's terms as they were last seen")
        require_kept_agreement(session, known)
        return known


def remembered_view(session: Session) -> ProjectView:
    """Return the project as it was last seen, without asking the broker."""
    known = session.workspace.project()
    if known is None:
        raise NotReadyError(
            "the project's terms are not known here yet", hint="see: blindlink status"
        )
    require_kept_agreement(session, known)
    return known
