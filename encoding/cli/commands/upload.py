"""`blindlink upload`: from the outbox to the broker, and the receipt home."""

from __future__ import annotations

import click

from encoding.cli.parts.counter import Counter
from encoding.cli.parts.options import agency_options
from encoding.cli.parts.project_view import project_view
from encoding.cli.parts.session import UNATTENDED_S, Session
from schemas.shared.command_line import emit, json_option


@click.command("upload", epilog="Example: blindlink upload")
@json_option
@agency_options
@click.pass_obj
def upload(session: Session) -> None:
    """Send the encodings of the open round, check the receipts, and keep them.

    An upload that was cut off goes on where it stopped.
    """
    from encoding.cli.parts import round_steps, steps

    session.patience_s = UNATTENDED_S
    sent: dict[str, object] = {}
    with session.connect() as client:
        trust, view = session.trust(client), project_view(session, client)
        counter = Counter(session, client, trust, view)
        found = round_steps.required_round(counter)
        turns = round_steps.own_turns(counter, found)
        round_steps.refuse_lost(counter, turns)
        round_steps.refuse_unfit(counter, found)
        for turn in turns:
            receipt = steps.upload(session, client, trust, view, turn).receipt
            sent[turn.partner] = {"upload": receipt.subject, "log_index": receipt.index}
            session.say(
                f"the upload for {turn.partner} stands in the match log as entry {receipt.index}"
            )
    document: dict[str, object] = {"round": found.round, "uploads": sent}
    emit(document, remarks=["next: blindlink run --wait"])
