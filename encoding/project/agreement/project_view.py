"""The project as the broker shows it, held against the signed agreement; and what steps work with, by that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from encoding.broker.client import BrokerClient
from encoding.errors import BrokerUnreachableError, NotReadyError
from encoding.project.agreement.agreements import require_agreement, require_kept_agreement
from encoding.project.context import Context, Known
from encoding.project.session import Session
from schemas.api.bodies import ProjectView


def project_view(session: Session, client: BrokerClient, *, must_bind: bool = True) -> ProjectView:
    """Return the project as the broker shows it, held against the signed agreement, and remember it."""
    view = client.project(session.project)
    require_agreement(session, client, view, must_bind=must_bind)
    session.workspace.keep_project(view)
    return view


@contextmanager
def at_broker(session: Session, *, must_bind: bool = True) -> Iterator[Context]:
    """Give this agency at its broker, whose log only grew, and which goes by the signed agreement."""
    with session.connect() as client:
        trust = session.trust(client)
        view = project_view(session, client, must_bind=must_bind)
        yield Context(session, view, client, trust)


def current_view(session: Session) -> ProjectView:
    """Return the project as the broker shows it, or, where it cannot be reached, as it was last seen."""
    try:
        with at_broker(session) as context:
            return context.view
    except BrokerUnreachableError as exc:
        known = session.workspace.project()
        if known is None:
            raise
        session.say(f"{exc}; going by the project's terms as they were last seen")
        require_kept_agreement(session, known)
        return known


def last_seen(session: Session) -> Known:
    """Return this agency as it stands without a broker: in the project as it was last seen."""
    known = session.workspace.project()
    if known is None:
        raise NotReadyError(
            "the project's terms are not known here yet", hint="see: blindlink status"
        )
    require_kept_agreement(session, known)
    return Known(session, known)
