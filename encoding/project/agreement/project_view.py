"""The project as the broker shows it, held against the signed agreement; and what steps work with, by that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from encoding.broker.client import BrokerClient
from encoding.errors import AgencyError, BrokerUnreachableError, ColumnNotListedError, NotReadyError
from encoding.project.agreement.agreements import require_agreement, require_kept_agreement
from encoding.project.context import Context, Known
from encoding.project.session import Session
from encoding.project.source import Source
from encoding.records.agency_file import agency_file
from encoding.records.table import lacking
from encoding.sharing.columns import not_agreed
from schemas.agreement.agreement import Agreement
from schemas.api.projects import ProjectView


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


def agreed_columns(agreement: Agreement, party: str) -> tuple[str, ...] | None:
    """Return the names of what a party may hand over, to whomever the agreement lets have them.

    None where it lists no data element of any party; empty where it lists none that this party may hand over.
    """
    return agreement.columns(party, "shared") if agreement.elements else None


def refuse_other_columns(
    agreement: Agreement, giver: str, receiver: str, columns: Sequence[str]
) -> None:
    """Refuse to hand over to a party what the agreement does not let it have."""
    agreed = agreed_columns(agreement, giver)
    if agreed == () or not agreement.discloses(giver, receiver):
        raise NotReadyError(f"the agreement lets no columns of {giver} go to {receiver}")
    for column in not_agreed(columns, agreed):
        raise ColumnNotListedError(
            f"the agreement does not let the column {column} go to {receiver}",
            hint="take it out of blindlink.toml: [share] columns",
        )


def warn_of_lacking(session: Session, agreement: Agreement, source: Source | None = None) -> None:
    """Warn of each column that reviewers may see of this agency's file and that the file lacks.

    Without it no question about a record can be answered. What cannot be read says so elsewhere.
    """
    source = source or Source()
    with contextlib.suppress(AgencyError):
        clause, config = agreement.review, session.config
        if clause is None or clause.reviewer == session.party:
            return
        file = agency_file(config, source.file, source.id_column)
        columns = config.sections.columns | source.columns
        shown = agreement.columns(session.party, "shown")
        for header in lacking(shown, columns, file.table().columns):
            session.warn(
                f"your file has no column {header}, which the agreement lets reviewers see: no question about"
                " your records can be answered without it; say in [columns] what your file calls it, or amend"
                " the agreement"
            )
