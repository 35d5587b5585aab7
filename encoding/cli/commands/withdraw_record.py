"""`blindlink withdraw-record`: one record takes part in no run any more."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Any

import click

from encoding.cli.terminal.prompts import require_yes
from encoding.errors import LogError, UnknownRecordError
from encoding.project.agreement.project_view import project_view
from encoding.project.context import fetched_log
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from encoding.rounds.api import RoundsApi
from schemas.api.destruction import SALT_BYTES, RecordWithdrawal
from schemas.matchlog.destruction_kinds import RecordWithdrawn
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from encoding.broker.client import BrokerClient
    from encoding.evidence.person_disclosures import KnownRecord
    from encoding.log.trust import Trust
    from encoding.packing.withdrawals import LoggedWithdrawal
    from schemas.documents.ids import Handle


@click.command("withdraw-record", epilog="Example: blindlink withdraw-record --record 4711")
@click.option(
    "--record",
    required=True,
    metavar="ID",
    help="The record's ID in your file; - reads it from standard input.",
)
@click.option(
    "--in-advance",
    is_flag=True,
    help="Also withdraw a record that was never encoded: it never will be.",
)
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@json_option
@click.pass_obj
def withdraw_record(session: Session, /, *, record: str, in_advance: bool, yes: bool) -> None:
    """Withdraw one record: no run that ends from now on compares it, and `encode` leaves it out.

    The broker learns its handle, never its record ID, and the match log holds a commitment that only you can
    open. What was released before stays with its recipient. You cannot undo it. Runs that have not ended are
    canceled: ask for them again.
    """
    from encoding.evidence.person_disclosures import find_record
    from encoding.packing.withdrawals import Withdrawn

    record_id = sys.stdin.readline().rstrip("\r\n") if record == "-" else record
    unlock_own(session)
    workspace, project = session.workspace, session.project
    with workspace.lock():
        known = find_record(workspace, project, record_id)
    if not in_advance:
        _require_known(known)
    said = "This record will no longer be linked, and runs that haven't ended will be canceled."
    require_yes([said], "Withdraw it for good?", yes=yes)
    with session.connect() as client:
        trust = session.trust(client)
        view = project_view(session, client, must_bind=False)
        with workspace.lock():
            handles = find_record(workspace, project, record_id).handles
            kept = Withdrawn(workspace.withdrawn(project), project, workspace.key())
            # First here, so that no container that is made meanwhile holds it.
            kept.add(record_id)
        open_rounds = {
            one.round for one in RoundsApi(client, project).rounds().rounds if one.state == "open"
        }
        told = [handle for (number, _), handle in handles.items() if number in open_rounds]
        n_cancelled = 0
        for handle in told:
            logged, n_more = _tell(session, client, trust, handle, view.terms.epoch)
            n_cancelled += n_more
            with workspace.lock():
                kept = Withdrawn(workspace.withdrawn(project), project, workspace.key())
                kept.add(record_id, logged)
    document = {"was_encoded": bool(handles), "told": bool(told), "cancelled": n_cancelled}
    once_more = ["ask for the run once more: blindlink round --again"] if n_cancelled else []
    emit(document, remarks=[_sentence(document), *once_more])


def _require_known(record: KnownRecord) -> None:
    """Refuse a number under which nothing was ever encoded: most likely someone mistyped it."""
    if not record.handles:
        raise UnknownRecordError(
            "no record of this number was ever encoded here, so none is withdrawn",
            hint="check the number: spaces and leading zeros count; for a new record give --in-advance",
        )


def _tell(
    session: Session, client: BrokerClient, trust: Trust, handle: Handle, epoch: int
) -> tuple[LoggedWithdrawal, int]:
    """Tell the broker, and return where the log says so, after opening the commitment there."""
    from encoding.packing.withdrawals import LoggedWithdrawal

    salt = secrets.token_hex(SALT_BYTES)
    withdrawal = RecordWithdrawal(handle=handle.hex(), salt=salt)
    commitment = withdrawal.commitment()
    taken = client.withdraw_record(session.project, withdrawal)
    copy = fetched_log(session, client, trust)
    for entry in copy.entries:
        if entry.seq == taken.index:
            body = entry.body
            is_own = entry.actor.party == session.party and entry.project == session.project
            if is_own and isinstance(body, RecordWithdrawn) and body.commitment == commitment:
                session.trust_again(client, trust)
                logged = LoggedWithdrawal(epoch=epoch, index=taken.index, salt=salt)
                return logged, taken.runs_cancelled
    raise LogError(
        "the match log doesn't have the withdrawal that the broker confirmed",
        hint="call the operator; the record is left out of what is encoded here all the same",
    )


def _sentence(document: dict[str, Any]) -> str:
    if document["told"]:
        return "the record is withdrawn; the match log records it, and only you can show which record it was"
    if not document["was_encoded"]:
        return "no record of this number was ever encoded here, and none will be"
    return "the record is in no round that is open; it is left out of what is encoded from now on"
