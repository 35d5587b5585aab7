"""`blindlink status`: where the linkage stands, in plain words."""

from __future__ import annotations

import click

from encoding.cli.advice import advise_custody
from encoding.cli.options import agency_options, json_option
from encoding.cli.session import Session


@click.command("status", epilog="Example: blindlink status --json")
@json_option
@agency_options
@click.pass_obj
def status(session: Session, as_json: bool) -> None:
    """Say where the linkage stands, who is waited for, and which command comes next."""
    import json

    from encoding.status import describe, gather_facts

    with session.connect() as client:
        trust = session.trust(client)
        view = session.view(client, must_bind=False)
        facts = gather_facts(client, session.workspace, trust.receipts, view, session.party)
    found = describe(facts)
    if as_json:
        document = {
            "project": view.project,
            "stage": found.stage,
            "sentences": list(found.sentences),
            "next": found.command,
            "upload": facts.upload.upload if facts.upload else None,
            "run": facts.run.run if facts.run else None,
            "final": facts.run.finality.is_final if facts.run and facts.run.finality else None,
            "release": facts.release.release if facts.release else None,
        }
        click.echo(json.dumps(document, indent=2))
    else:
        for sentence in found.sentences:
            click.echo(sentence)
        click.echo(f"Next: {found.command}" if found.command else "Next: nothing to do.")
    advise_custody(session)
