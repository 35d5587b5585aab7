"""`blindlink status`: where the linkage stands, in plain words."""

from __future__ import annotations

import click

from encoding.cli.parts.advice import advise_custody
from encoding.cli.parts.options import agency_options
from encoding.cli.parts.session import Session
from schemas.shared.command_line import emit, json_option


@click.command("status", epilog="Example: blindlink status --json")
@json_option
@agency_options
@click.pass_obj
def status(session: Session) -> None:
    """Say where the linkage stands, who is waited for, what is overdue, and which command comes next."""
    from encoding.cli.parts.linkage_status import linkage_status
    from encoding.rounds.known_status import late_words

    found = linkage_status(session)
    late = [late_words(one, session.party) for one in found.overdue]
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
    emit(document, [*found.sentences, *late, f"Next: {found.command or 'nothing to do.'}"])
    advise_custody(session)
