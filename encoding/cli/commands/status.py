"""`blindlink status`: where the linkage stands, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from encoding.cli.terminal.advice import advise_custody
from encoding.errors import BrokerUnreachableError
from encoding.project.session import Session
from encoding.rounds.known_status import KnownStatus, late_words, read_status
from schemas.shared.command_line import emit, json_option, wants_json

if TYPE_CHECKING:
    from encoding.sharing.agency_state import Attention


@click.command("status", epilog="Example: blindlink status --json")
@json_option
@click.pass_obj
def status(session: Session) -> None:
    """Show where the linkage stands, who is waited for, what is overdue, and which command comes next.

    Where the broker does not answer, it shows what the broker said last, and ends with exit code 5.
    """
    from encoding.project.status import STATUS, linkage_status, overdue_files

    # Nobody waits for an answer that a second call gives as well.
    session.patience_s = 0
    frozen = overdue_files(session)
    try:
        found = linkage_status(session)
    except BrokerUnreachableError:
        known = read_status(session.workspace.report(session.project, STATUS))
        if known is not None and not wants_json():
            click.echo(f"The broker does not answer. This is what it said last, at {known.at}:")
            click.echo("\n".join(_lines(session, known, frozen)))
        raise
    document = {
        "project": found.project,
        "stage": found.stage,
        "sentences": list(found.sentences),
        "overdue": [one.model_dump() for one in found.overdue],
        "next": found.command,
        "round": found.round,
        "runs": list(found.runs),
        "final": list(found.final),
    }
    emit(
        document | {"frozen_overdue": [asdict(one) for one in frozen]},
        _lines(session, found, frozen),
    )
    advise_custody(session)


def _lines(session: Session, found: KnownStatus, frozen: Iterable[Attention]) -> Iterator[str]:
    yield from found.sentences
    yield from (late_words(one, session.party) for one in found.overdue)
    yield from (one.words() for one in frozen)
    yield f"Next: {found.command or 'nothing to do.'}"
