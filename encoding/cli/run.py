"""`blindlink run`: ask for a run, and wait for it."""

from __future__ import annotations

import click

from encoding.cli.options import agency_options, json_option
from encoding.cli.session import Session


@click.command("run", epilog="Example: blindlink run --wait")
@click.option("--wait", is_flag=True, help="Wait until the run has ended.")
@click.option(
    "--again", is_flag=True, help="Ask even if the newest uploads have been linked already."
)
@json_option
@agency_options
@click.pass_obj
def run(session: Session, wait: bool, again: bool, as_json: bool) -> None:
    """Ask the broker to link the newest upload of every agency.

    Any agency may ask. If these uploads are being linked or have been linked already, that is the run.
    Exit code 6: the run failed or was cancelled.
    """
    from encoding.cli import steps

    with session.connect() as client:
        trust = session.trust(client)
        session.view(client)
        view = steps.run(session, client, wait=wait, again=again)
        if view.state == "succeeded":
            session.trust_again(client, trust)
    document = view.to_json()
    del document["specification"]
    if view.state == "succeeded":
        sentence = f"run {view.run} has succeeded; next: blindlink links"
    elif view.state == "awaiting":
        sentence = f"run {view.run} waits for approval; an approver types: blindlink approve run"
    else:
        sentence = f"run {view.run} is {view.state}; next: blindlink run --wait"
    steps.print_result(session, as_json, dict(document), sentence)
