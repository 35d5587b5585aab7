"""`blindlink status`: where the linkage stands, in plain words."""

from __future__ import annotations

import json

import click

from encoding.cli.parts.advice import advise_custody
from encoding.cli.parts.counter import Counter
from encoding.cli.parts.options import agency_options, json_option
from encoding.cli.parts.own_ledger import ledger_file, own_space
from encoding.cli.parts.project_view import project_view
from encoding.cli.parts.session import Session
from encoding.rounds.status import describe, gather_facts


@click.command("status", epilog="Example: blindlink status --json")
@json_option
@agency_options
@click.pass_obj
def status(session: Session, as_json: bool) -> None:
    """Say where the linkage stands, who is waited for, and which command comes next."""
    with session.connect() as client:
        trust = session.trust(client)
        view = project_view(session, client, must_bind=False)
        counter = Counter(session, client, trust, view)
        last = ledger_file(counter).read().last if own_space(counter) is not None else None
        applied = None if last is None else last.round
        facts = gather_facts(client, session.workspace, view, session.party, applied)
    found = describe(facts)
    if as_json:
        document = {
            "project": view.project,
            "stage": found.stage,
            "sentences": list(found.sentences),
            "next": found.command,
            "round": None if facts.round is None else facts.round.round,
            "runs": [run.run for run in facts.runs],
            "final": [run.finality.is_final for run in facts.runs if run.finality is not None],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        for sentence in found.sentences:
            click.echo(sentence)
        click.echo(f"Next: {found.command}" if found.command else "Next: nothing to do.")
    advise_custody(session)
