"""`blindlink approve`: approve a run or a release by exactly what it does, or runs in advance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from encoding.agreement.coverage import require_covered_run, require_own_upload
from encoding.agreement.words import specification_sentences, standing_sentence
from encoding.cli.terminal.standing_approvals import DEFAULT_RUNS, RUNS, approve_in_advance, confirm
from encoding.errors import NotReadyError
from encoding.log.receipts import ReceiptFolder
from encoding.project.agreement.seats import Seat, seat
from encoding.project.session import Session
from schemas.agreement.statement import StandingApproval, Step
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from encoding.agreement.kept_agreements import KeptAgreement
    from schemas.agreement.negotiation import PendingApproval

_DAYS: Final = 7


@click.command(
    "approve",
    epilog="Example: blindlink approve --standing --until 2027-06-30",
)
@click.argument("named", metavar="[RUN]", required=False)
@click.option("--list", "is_list", is_flag=True, help="List what waits for approval, and by whom.")
@click.option("--release", is_flag=True, help="Approve that RUN's result is released.")
@click.option(
    "--standing", is_flag=True, help="Approve runs in advance, until a day and up to a number."
)
@click.option(
    "--revoke",
    is_flag=True,
    help="Revoke the standing approval of this ID, or the only one there is.",
)
@click.option("--until", help="With --standing: the last day; the agreement's if left out.")
@click.option(
    "--runs",
    type=RUNS,
    default=DEFAULT_RUNS,
    show_default=True,
    help="With --standing: the number of runs at most.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 30),
    default=_DAYS,
    show_default=True,
    help="The days after which the approval expires, if it was not used.",
)
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@json_option
@click.pass_obj
def approve(
    session: Session,
    /,
    *,
    named: str | None,
    until: str | None,
    runs: int,
    days: int,
    yes: bool,
    **deeds: bool,
) -> None:
    """Approve RUN, by exactly what is shown; without RUN, the one that waits for you.

    First it is checked against the signed agreement. You need the duty approver. A person who uploaded for a
    run cannot approve that its result is released. Runs approved in advance are those by the agreed policy; one
    that fails does not count, and you can revoke the approval at any time.
    """
    chosen = [name for name, is_given in deeds.items() if is_given]
    if len(chosen) > 1:
        raise click.UsageError("give one of --list, --release, --standing and --revoke")
    with seat(session) as at:
        if deeds["is_list"]:
            _list(at)
        elif deeds["standing"]:
            click.echo(approve_in_advance(at, at.in_force(), until, runs, yes=yes))
        elif deeds["revoke"]:
            _revoke(at, named, yes=yes)
        else:
            _approve(at, "release" if deeds["release"] else "run", named, days=days, yes=yes)


def _list(at: Seat) -> None:
    """Print what needs approval, by whom, and the standing approvals."""
    pending = at.client.pending_approvals(at.project).pending
    standing = at.client.standing_approvals(at.project).approvals
    document = {
        "pending": [
            {"run": one.run, "step": one.step, "missing": list(one.missing)} for one in pending
        ],
        "standing": [
            {**one.signed.statement.to_json(), "used": one.used, "revoked": one.revoked}
            for one in standing
        ],
    }
    lines = [f"{one.step} {one.run} waits for {', '.join(one.missing)}" for one in pending]
    for state in standing:
        stated = state.signed.statement
        if isinstance(stated, StandingApproval):
            lines.append(f"standing {standing_sentence(stated, state.used, state.revoked)}")
    emit(document, lines if pending else [*lines, "Nothing waits to be approved."])


def _revoke(at: Seat, approval: str | None, *, yes: bool) -> None:
    """Revoke the party's standing approval at once."""
    chosen = approval or _only_standing(at)
    _refuse_unknown(at, chosen)
    confirm([f"This revokes the standing approval {chosen}."], yes=yes)
    # It may have been given under an earlier version, which lists other people.
    signed = at.signer(at.in_force().agreement).revoke(chosen, at.session.now())
    shown = at.client.revoke_approval(at.project, signed)
    revoked = [
        state.signed.statement.to_json()["approval"]
        for state in shown.approvals
        if state.revoked is not None
    ]
    at.keep_word(signed, is_shown=chosen in revoked)
    at.session.say(f"{chosen} is revoked; runs that haven't begun need a new approval")


def _approve(at: Seat, step: Step, run_id: str | None, *, days: int, yes: bool) -> None:
    waiting = _chosen(at, step, run_id)
    kept = _covering(at, waiting)
    confirm(specification_sentences(kept.agreement, waiting.specification, step), yes=yes)
    signed = at.signer(kept.agreement).approve(step, waiting.specification, at.session.now(), days)
    shown = at.client.approve_run(waiting.run, signed)
    at.keep_word(signed, is_shown=signed in shown.approvals)
    missing = shown.missing if step == "run" else (shown.missing_for_release or ())
    others = f"; it still waits for {', '.join(missing)}" if missing else ""
    at.session.say(f"the {step} {waiting.run} is approved for {at.party}{others}")


def _chosen(at: Seat, step: Step, run_id: str | None) -> PendingApproval:
    """Return what waits for this party's approval."""
    pending = [
        one
        for one in at.client.pending_approvals(at.project).pending
        if one.step == step and at.party in one.missing and run_id in (None, one.run)
    ]
    if not pending:
        raise NotReadyError(
            f"no {step} waits for the approval of {at.party}", hint="see: blindlink approve --list"
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
            "there is no standing approval with this ID", hint="see: blindlink approve --list"
        )
