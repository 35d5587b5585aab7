"""`blindlink agreement halt|leave`: what any one party may do alone, effective at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from encoding.agreement.verification import verified
from encoding.cli.terminal import prompts
from encoding.errors import AgreementUntrustedError
from encoding.project.agreement.seats import seat
from encoding.project.session import Session
from schemas.shared.command_line import one_line

if TYPE_CHECKING:
    from schemas.agreement.statement import Act

_REASON = click.option(
    "--reason",
    type=one_line,
    metavar="TEXT",
    help="One line for the other parties and the match log.",
)
_YES = click.option("--yes", is_flag=True, help="Don't ask for confirmation.")


@click.command(
    "halt",
    short_help="Halt the linkage for your party, at once, or lift that.",
    epilog='Example: blindlink agreement halt --reason "A suspected breach."',
)
@click.option("--lift", is_flag=True, help="Lift the halt of your own party.")
@_REASON
@_YES
@click.pass_obj
def halt(session: Session, *, lift: bool, reason: str | None, yes: bool) -> None:
    """Halt the linkage for your party: from now on nothing is uploaded, linked or released.

    Your party alone can lift it, with: blindlink agreement halt --lift. You need the duty steward.
    """
    if lift:
        _give(session, "resume", reason, "Lift your party's halt?", yes=yes)
        session.say("your party's halt is lifted")
        return
    _give(session, "suspend", reason, "Halt the linkage for everyone?", yes=yes)
    session.say("the linkage is halted; lift it with: blindlink agreement halt --lift")


@click.command(
    "leave",
    short_help="Leave the agreement for good; it ends for every party.",
    epilog='Example: blindlink agreement leave --reason "The study is over."',
)
@_REASON
@_YES
@click.pass_obj
def leave(session: Session, /, *, reason: str | None, yes: bool) -> None:
    """Leave the agreement for good; it ends for every party, and only a new one can replace it.

    What was released stays where it is until its agreed date of destruction.
    """
    question = "Leave the agreement for good? It ends for every party."
    _give(session, "withdraw", reason, question, yes=yes)
    session.say("your party has left; the agreement has ended for all")


def _give(
    session: Session,
    act: Act,
    reason: str | None,
    question: str,
    *,
    yes: bool,
) -> None:
    if not prompts.is_interactive() and (reason is None or not yes):
        raise click.UsageError(
            "missing option --reason or --yes: there is no terminal to ask you on"
        )
    with seat(session) as at:
        kept = at.in_force()
        number = kept.agreement.number
        said = reason or click.prompt("Reason, in one line", value_proc=one_line, err=True)
        if not yes and not click.confirm(f"Agreement {number}. {question}", err=True):
            raise click.Abort
        signed = at.signer(kept.agreement).notice(act, said, session.now())
        shown = verified(at.client.give_notice(at.project, signed), kept.digest)
        if signed not in shown.notices:
            raise AgreementUntrustedError("the broker does not show the notice that was sent")
        at.keep(shown)
