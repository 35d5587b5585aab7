"""Puts together what an agency knows of its own part, with the broker or, where it does not answer, without."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from encoding.epoch.status import status_of
from encoding.errors import BrokerUnreachableError
from encoding.log.pins import PinnedLog
from encoding.log.witness import read_cosigned
from encoding.project.agreement.agreements import agreements_kept
from encoding.project.exporting.freezing import overdue_files
from encoding.project.linking.own_ledger import OwnDesk, own_space
from encoding.project.session import Session
from encoding.project.status.linkage_status import STATUS, linkage_status
from encoding.project.uploading.file_check import KIND
from encoding.quality.last_check import KeptCheck, read_kept_check
from encoding.rounds.known_status import KnownStatus, read_status
from encoding.secret.kept_secret import kept_of
from encoding.sharing.agency_state import AgencyState, LogState
from encoding.sharing.kept_reports import KeptReports
from encoding.workspace.custody import custody_advice, last_backup, newest_encoded
from schemas.documents.ids import utc_text

if TYPE_CHECKING:
    from schemas.reports.round_report import RoundReport


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
    space = None if view is None else own_space(OwnDesk(session, view))
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
