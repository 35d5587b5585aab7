"""`blindlink status`: where the linkage stands, in plain words."""

from __future__ import annotations

import click

from encoding.cli.parts.advice import advise_custody
from encoding.cli.parts.counter import Counter
from encoding.cli.parts.options import agency_options
from encoding.cli.parts.own_ledger import own_space
from encoding.cli.parts.project_view import project_view
from encoding.cli.parts.session import Session
from encoding.rounds.status import describe, gather_facts
from schemas.shared.command_line import emit, json_option


@click.command("status", epilog="Example: blindlink status --json")
@json_option
@agency_options
@click.pass_obj
def status(session: Session) -> None:
    """Say where the linkage stands, who is waited for, what is overdue, and which command comes next."""
    from encoding.cli.parts.own_links import own_links
    from encoding.cli.parts.reviews import reviews_of

    with session.connect() as client:
        trust = session.trust(client)
        view = project_view(session, client, must_bind=False)
        counter = Counter(session, client, trust, view)
        written = held = None
        if own_space(counter) is not None:
            with session.workspace.lock():
                newest, waiting = own_links(counter).newest(), own_links(counter).held()
            written = None if newest is None else newest.turn
            held = None if waiting is None else waiting.round
        facts = gather_facts(
            client,
            session.workspace,
            view,
            session.party,
            last_written=written,
            held=held,
            reviews=reviews_of(counter),
        )
        overdue = client.overdue(view.project).overdue
    found = describe(facts)
    late = [
        f"Overdue, in {'your hands' if one.party == session.party else f'the hands of {one.party}'} "
        f"(duty {one.duty}): {one.words()}"
        for one in overdue
    ]
    document = {
        "project": view.project,
        "stage": found.stage,
        "sentences": list(found.sentences),
        "overdue": [one.model_dump() for one in overdue],
        "next": found.command,
        "round": None if facts.round is None else facts.round.round,
        "runs": [run.run for run in facts.runs],
        "final": [run.finality.is_final for run in facts.runs if run.finality is not None],
    }
    emit(document, [*found.sentences, *late, f"Next: {found.command or 'nothing to do.'}"])
    advise_custody(session)
