"""Where the linkage stands: as the broker says it now, and all that the agency knows of its own part."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from encoding.destruction.freezes import Freeze, read_freezes
from encoding.epoch.status import status_of
from encoding.errors import BrokerUnreachableError
from encoding.log.pins import PinnedLog
from encoding.log.witness import read_cosigned
from encoding.project.agreement.agreements import agreements_kept
from encoding.project.agreement.project_view import at_broker
from encoding.project.context import Known
from encoding.project.linking.alarms import alarm_sentences
from encoding.project.linking.own_links import own_links
from encoding.project.reviewing.reviews import reviews_of
from encoding.project.session import Session
from encoding.project.uploading.file_audit import audit_sentences
from encoding.project.uploading.file_check import KIND
from encoding.quality.last_check import KeptCheck, read_kept_check
from encoding.rounds.known_status import (
    KnownStatus,
    OwnApproval,
    keep_status,
    overdue_words,
    read_status,
)
from encoding.rounds.status import Facts, describe, gather_facts, owed_to_review
from encoding.secret.kept_secret import kept_of
from encoding.sharing.agency_state import AgencyState, Attention, LogState
from encoding.sharing.kept_reports import KeptReports
from encoding.workspace.custody import custody_advice, last_backup, newest_encoded
from schemas.documents.ids import utc_text
from schemas.reports.round_report import RoundReport
from schemas.signing.identity import Duty

STATUS: Final = "status"


def linkage_status(session: Session) -> KnownStatus:
    """Ask the broker where the linkage stands, and keep what it says."""
    with at_broker(session, must_bind=False) as context:
        client, view = context.client, context.view
        written = held = None
        alarms: tuple[str, ...] = ()
        if context.space is not None:
            with session.workspace.lock():
                newest, waiting = own_links(context).newest(), own_links(context).held()
                last = context.ledger_file.read().last
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


def agency_state(session: Session) -> AgencyState:
    """Return what is known; the broker is asked once, and where it is silent its last word is taken."""
    status, is_current = _status(session)
    workspace, project = session.workspace, session.project
    check = read_kept_check(workspace.report(project, KIND))
    with session.workspace.lock():
        report, secret = _newest_report(session), _secret(session)
    kept = agreements_kept(session).last_complete()
    return AgencyState(
        project=project,
        party=session.party,
        made=utc_text(session.now()),
        status=status,
        is_current=is_current,
        agreement=None if kept is None else kept.agreement,
        report=report,
        check=check.document,
        is_same_file=_is_same(session, check),
        secret=secret,
        log=_log(session),
        frozen=overdue_files(session),
        encoded=newest_encoded(workspace, project),
        backup=last_backup(workspace),
        custody=None if session.own is None else custody_advice(workspace),
    )


def _status(session: Session) -> tuple[KnownStatus | None, bool]:
    try:
        return linkage_status(session), True
    except BrokerUnreachableError as exc:
        session.say(f"{exc}; going by what it said last")
        return read_status(session.workspace.report(session.project, STATUS)), False


def _newest_report(session: Session) -> RoundReport | None:
    workspace, view = session.workspace, session.workspace.project()
    space = None if view is None else Known(session, view).space
    rounds = () if space is None else workspace.rounds_with_report(session.project, space)
    if space is None or not rounds:
        return None
    return KeptReports(workspace, session.project, space).of_round(rounds[-1])


def _secret(session: Session) -> tuple[str, ...]:
    workspace, project = session.workspace, session.project
    epoch = max(workspace.epochs_with_secret(project), default=None)
    kept = None if epoch is None else kept_of(workspace, project, epoch)
    return () if kept is None else status_of(kept, session.party).sentences()


def _is_same(session: Session, check: KeptCheck) -> bool:
    try:
        return check.is_about(session.config.resolve(session.config.source.file))
    except OSError:
        return False


def _log(session: Session) -> LogState | None:
    workspace = session.workspace
    log = PinnedLog(workspace.pins, workspace.log_key)
    pins = log.pins() if log.has_key() else ()
    if not pins:
        return None
    witness = session.witness()
    cosigned = None if witness is None else read_cosigned(witness.path, witness.signer.verifier_key)
    newest = pins[-1].checkpoint
    return LogState(
        origin=newest.origin,
        entries=newest.size,
        cosigned=0 if cosigned is None else cosigned[0],
        cosigned_at=None
        if cosigned is None
        else utc_text(datetime.fromtimestamp(cosigned[1].time_s, UTC)),
        is_settled=log.settled() is not None,
        was_rewritten=log.has_evidence(),
    )


def frozen_here(session: Session) -> tuple[Freeze, ...]:
    """Return what was frozen of this project, the oldest first."""
    with session.workspace.lock():
        return read_freezes(session.workspace, session.project)


def overdue_files(session: Session) -> tuple[Attention, ...]:
    """Return what is told of each frozen file whose time is over and that is still here."""
    today = session.now().date().isoformat()
    kept = agreements_kept(session).last_complete()
    # As for all else that is overdue: an agency's analyst, and who receives for another party.
    is_agency = kept is None or session.party in kept.agreement.names("agency")
    duty: Duty = "analyst" if is_agency else "recipient"
    return tuple(
        Attention(
            "bad",
            overdue_words(
                f"The file that was frozen for {one.study} could be kept until {one.until}, and has not been"
                " destroyed.",
                duty,
            ),
            f"blindlink destroy --local --frozen {one.study}",
        )
        for one in frozen_here(session)
        if one.is_overdue(today)
    )
