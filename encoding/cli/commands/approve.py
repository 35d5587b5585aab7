"""`blindlink approve`: approve a run or a release by exactly what it does, or runs in advance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from encoding.agreement.coverage import require_covered_run, require_own_upload
from encoding.agreement.words import specification_sentences, standing_sentence
from encoding.cli.terminal.standing_approvals import RUNS, approve_in_advance, confirm
from encoding.errors import NotReadyError
from encoding.log.receipts import ReceiptFolder
from encoding.project.agreement.agreements import Seat, seat
from encoding.project.session import Session
from schemas.agreement.statement import StandingApproval, Step
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from encoding.agreement.kept_agreements import KeptAgreement
    from schemas.agreement.negotiation import PendingApproval

_DAYS: Final = 7
_YES = click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
_LASTS = click.option(
    "--days",
    type=click.IntRange(1, 30),
    default=_DAYS,
    show_default=True,
    help="The days after which the approval expires, if it was not used.",
)


@click.group("approve", epilog="Example: blindlink approve run")
def approve() -> None:
    """Approve runs and releases as the agreement asks; you need the duty approver."""


@approve.command(
    "list",
    short_help="List what needs approval, and the standing approvals.",
    epilog="Example: blindlink approve list --json",
)
@json_option
@click.pass_obj
def list_pending(session: Session, /) -> None:
    """List what needs approval, by whom, and the standing approvals."""
    with seat(session) as at:
        pending = at.client.pending_approvals(at.project)
        standing = at.client.standing_approvals(at.project)
    document = {
        "pending": [
            {"run": one.run, "step": one.step, "missing": list(one.missing)}
            for one in pending.pending
        ],
        "standing": [
            {**one.signed.statement.to_json(), "used": one.used, "revoked": one.revoked}
            for one in standing.approvals
        ],
    }
    lines = [f"{one.step} {one.run} waits for {', '.join(one.missing)}" for one in pending.pending]
    for state in standing.approvals:
        stated = state.signed.statement
        if isinstance(stated, StandingApproval):
            lines.append(f"standing {standing_sentence(stated, state.used, state.revoked)}")
    if not pending.pending:
        lines.append("Nothing waits to be approved.")
    emit(document, lines)


@approve.command(
    "run",
    short_help="Approve one run, by exactly what is shown.",
    epilog="Example: blindlink approve run --yes",
)
@click.argument("run_id", metavar="RUN", required=False)
@_LASTS
@_YES
@click.pass_obj
def approve_run(session: Session, /, *, run_id: str | None, days: int, yes: bool) -> None:
    """Approve RUN, by exactly what is shown; without RUN, the one that waits for you.

    First it is checked against the signed agreement.
    """
    _approve(session, "run", run_id, days=days, yes=yes)


@approve.command(
    "release",
    short_help="Approve that a run's result is released.",
    epilog="Example: blindlink approve release --yes",
)
@click.argument("run_id", metavar="RUN", required=False)
@_LASTS
@_YES
@click.pass_obj
def approve_release(session: Session, /, *, run_id: str | None, days: int, yes: bool) -> None:
    """Approve that RUN's result is released; a person who uploaded for it cannot."""
    _approve(session, "release", run_id, days=days, yes=yes)


@approve.command(
    "standing",
    short_help="Approve runs in advance, up to a day and a number.",
    epilog="Example: blindlink approve standing --until 2027-06-30 --runs 52",
)
@click.option("--until", required=True, help="The last day, such as 2027-06-30.")
@click.option("--runs", required=True, type=RUNS, help="The number of runs to approve at most.")
@_YES
@click.pass_obj
def standing(session: Session, /, *, until: str, runs: int, yes: bool) -> None:
    """Approve runs by the agreed policy in advance, until a day, and up to a number.

    A run that fails does not count. You can revoke it at any time: blindlink approve revoke
    """
    with seat(session) as at:
        approval = approve_in_advance(at, at.in_force(), until, runs, yes=yes)
    click.echo(approval)


@approve.command(
    "revoke",
    short_help="Revoke a standing approval, at once.",
    epilog="Example: blindlink approve revoke apv-0123...",
)
@click.argument("approval", required=False)
@_YES
@click.pass_obj
def revoke(session: Session, /, *, approval: str | None, yes: bool) -> None:
    """Revoke your party's standing APPROVAL at once; without APPROVAL, the only one there is."""
    with seat(session) as at:
        chosen = approval or _only_standing(at)
        _refuse_unknown(at, chosen)
        confirm([f"This revokes the standing approval {chosen}."], yes=yes)
        # It may have been given under an earlier version, which lists other people.
        signed = at.signer(at.in_force().agreement).revoke(chosen, session.now())
        shown = at.client.revoke_approval(at.project, signed)
        revoked = [
            state.signed.statement.to_json()["approval"]
            for state in shown.approvals
            if state.revoked is not None
        ]
        at.keep_word(signed, is_shown=chosen in revoked)
    session.say(f"{chosen} is revoked; runs that haven't begun need a new approval")


def _approve(
    session: Session,
    step: Step,
    run_id: str | None,
    *,
    days: int,
    yes: bool,
) -> None:
    with seat(session) as at:
        waiting = _chosen(at, step, run_id)
        kept = _covering(at, waiting)
        confirm(specification_sentences(kept.agreement, waiting.specification, step), yes=yes)
        signed = at.signer(kept.agreement).approve(step, waiting.specification, session.now(), days)
        shown = at.client.approve_run(waiting.run, signed)
        at.keep_word(signed, is_shown=signed in shown.approvals)
    missing = shown.missing if step == "run" else (shown.missing_for_release or ())
    others = f"; it still waits for {', '.join(missing)}" if missing else ""
    session.say(f"the {step} {waiting.run} is approved for {at.party}{others}")


def _chosen(at: Seat, step: Step, run_id: str | None) -> PendingApproval:
    """Return what waits for this party's approval."""
    pending = [
        one
        for one in at.client.pending_approvals(at.project).pending
        if one.step == step and at.party in one.missing and run_id in (None, one.run)
    ]
    if not pending:
        raise NotReadyError(
            f"no {step} waits for the approval of {at.party}", hint="see: blindlink approve list"
        )
    if len(pending) > 1:
        raise click.UsageError(
            f"several are waiting; name one: {', '.join(one.run for one in pending)}"
        )
    return pending[0]


def _covering(at: Seat, waiting: PendingApproval) -> KeptAgreement:
    """Return the signed agreement that provides for a run, which also uses the own upload as it was sent."""
    specification = waiting.specification
    at.keep(at.fetch(specification.agreement))
    kept = require_covered_run(at.known(), waiting.run, specification, waiting.specification_sha256)
    if kept is None:
        raise LookupError("an agreement that was just kept is not there")
    sent = ReceiptFolder(at.workspace.receipts).sent_for(specification, at.party)
    require_own_upload(at.known(), specification, sent)
    return kept


def _only_standing(at: Seat) -> str:
    own = [
        str(state.signed.statement.to_json()["approval"])
        for state in at.client.standing_approvals(at.project).approvals
        if state.revoked is None and state.signed.statement.party == at.party
    ]
    if not own:
        raise NotReadyError(f"{at.party} has no standing approval")
    if len(own) > 1:
        raise click.UsageError(f"there are several; name one: {', '.join(own)}")
    return own[0]


def _refuse_unknown(at: Seat, approval: str) -> None:
    given = at.client.standing_approvals(at.project).approvals
    if all(state.signed.statement.to_json()["approval"] != approval for state in given):
        raise NotReadyError(
            "there is no standing approval with this ID", hint="see: blindlink approve list"
        )
