"""`blindlink upload`: from the outbox to the broker, and the receipt home."""

from __future__ import annotations

import click

from encoding.project.agreement.project_view import at_broker
from encoding.project.session import UNATTENDED_S, Session
from schemas.shared.command_line import emit, json_option


@click.command("upload", epilog="Example: blindlink upload")
@json_option
@click.pass_obj
def upload(session: Session) -> None:
    """Send the encodings of the open round, check the receipts, and keep them.

    An upload that was cut off goes on where it stopped.
    """
    from encoding.project import rounds as round_steps
    from encoding.project.uploading import steps

    session.patience_s = UNATTENDED_S
    sent: dict[str, object] = {}
    with at_broker(session) as context:
        found = round_steps.required_round(context)
        turns = round_steps.own_turns(context, found)
        round_steps.refuse_lost(context, turns)
        round_steps.refuse_unfit(context, found)
        for turn in turns:
            receipt = steps.upload(context, turn).receipt
            sent[turn.partner] = {"upload": receipt.subject, "log_index": receipt.index}
            session.say(
                f"the upload for {turn.partner} stands in the match log as entry {receipt.index}"
            )
    document: dict[str, object] = {"round": found.round, "uploads": sent}
    emit(document, remarks=["next: blindlink round --wait"])
