"""Where the linkage stands, as the broker says it now: for `status`, and kept for `report`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from encoding.project.agreement.project_view import project_view
from encoding.project.context import Context
from encoding.project.linking.alarms import alarm_sentences
from encoding.project.linking.own_ledger import ledger_file, own_space
from encoding.project.linking.own_links import own_links
from encoding.project.reviewing.reviews import reviews_of
from encoding.project.session import Session
from encoding.project.uploading.kept_audits import audit_sentences
from encoding.rounds.known_status import KnownStatus, OwnApproval, keep_status
from encoding.rounds.status import describe, gather_facts, owed_to_review
from schemas.documents.ids import utc_text

if TYPE_CHECKING:
    from encoding.rounds.status import Facts

STATUS: Final = "status"


def linkage_status(session: Session) -> KnownStatus:
    """Ask the broker where the linkage stands, and keep what it says."""
    with session.connect() as client:
        trust = session.trust(client)
        view = project_view(session, client, must_bind=False)
        context = Context(session, client, trust, view)
        written = held = None
        alarms: tuple[str, ...] = ()
        if own_space(context) is not None:
            with session.workspace.lock():
                newest, waiting = own_links(context).newest(), own_links(context).held()
                last = ledger_file(context).read().last
            written = None if newest is None else newest.turn
            held = None if waiting is None else waiting.round
            alarms = alarm_sentences(session, 0 if last is None else last.round)
        facts = gather_facts(
            client,
            session.workspace,
            view,
            session.party,
            last_written=written,
            held=held,
            reviews=reviews_of(context),
            alarms=alarms,
        )
        found = describe(facts)
        status = KnownStatus(
            project=view.project,
            at=utc_text(session.now()),
            stage=found.stage,
            sentences=(*found.sentences, *audit_sentences(session, view.terms.privacy)),
            owed=tuple(owed_to_review(facts)),
            command=found.command,
            round=None if facts.round is None else facts.round.round,
            runs=tuple(run.run for run in facts.runs),
            final=tuple(run.finality.is_final for run in facts.runs if run.finality is not None),
            approvals=tuple(_approvals(facts)),
            overdue=client.overdue(view.project).overdue,
        )
    keep_status(session.workspace.report(session.project, STATUS), status)
    return status


def _approvals(facts: Facts) -> Iterator[OwnApproval]:
    states = {run.run: run.state for run in facts.runs}
    for shown in facts.approvals:
        if states[shown.run] == "awaiting" and facts.party in shown.missing:
            yield OwnApproval(run=shown.run, step="run")
        elif states[shown.run] == "succeeded" and facts.party in (shown.missing_for_release or ()):
            yield OwnApproval(run=shown.run, step="release")
