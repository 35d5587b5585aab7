"""Approving runs in advance, by itself or together with a signature under the agreement."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Final

import click

from encoding.agreement.words import standing_sentences
from encoding.cli.terminal.prompts import require_yes
from encoding.project.agreement.seats import Seat

if TYPE_CHECKING:
    from encoding.agreement.kept_agreements import KeptAgreement
    from schemas.agreement.agreement import Agreement

DEFAULT_RUNS: Final = 52
RUNS: Final = click.IntRange(1, 1000)


def approve_in_advance(
    at: Seat, kept: KeptAgreement, until: str | None, runs: int, *, yes: bool
) -> str:
    """Approve runs in advance, after showing what that is, and return the approval's id."""
    last = last_day(kept.agreement, until)
    confirm(standing_sentences(kept.agreement, last, runs), yes=yes)
    return send_approval(at, kept.agreement, last, runs)


def last_day(agreement: Agreement, until: str | None) -> str:
    """Return the last day of an approval in advance; None is the agreement's own."""
    last = agreement.end if until is None else read_day(until)
    if agreement.approvals.runs != "standing":
        raise click.UsageError("the agreement asks for an approval of each run")
    if last > agreement.end:
        raise click.BadParameter(f"the agreement ends on {agreement.end}", param_hint="--until")
    return last


def send_approval(at: Seat, agreement: Agreement, last: str, runs: int) -> str:
    """Sign what someone has seen and meant, send it, and return the approval's id."""
    signed = at.signer(agreement).approve_in_advance(agreement.policy, last, runs, at.session.now())
    shown = at.client.approve_in_advance(at.project, signed)
    at.keep_word(signed, is_shown=signed in [state.signed for state in shown.approvals])
    at.session.say(f"up to {runs} runs are approved in advance until {last}")
    return str(signed.statement.to_json()["approval"])


def confirm(sentences: Iterable[str], *, yes: bool) -> None:
    """Show what is signed, and ask whether it is meant."""
    require_yes(sentences, "Sign this for your party?", yes=yes)


def read_day(text: str) -> str:
    """Return a day that was typed, as an ISO date."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise click.BadParameter("not a day such as 2027-06-30", param_hint="--until") from None
