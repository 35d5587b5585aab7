"""`blindlink upload`: from the outbox to the broker, and the receipt home."""

from __future__ import annotations

import click

from encoding.cli.options import agency_options, json_option
from encoding.cli.session import UNATTENDED_S, Session


@click.command("upload", epilog="Example: blindlink upload")
@json_option
@agency_options
@click.pass_obj
def upload(session: Session, as_json: bool) -> None:
    """Send the encodings to the broker, and keep the receipt once it has been checked.

    An upload that was cut off goes on where it stopped.
    """
    from encoding.cli import steps

    session.patience_s = UNATTENDED_S
    with session.connect() as client:
        trust = session.trust(client)
        kept = steps.upload(session, client, trust, session.view(client))
    receipt = kept.receipt
    document: dict[str, object] = {"upload": receipt.subject, "log_index": receipt.index}
    steps.print_result(
        session,
        as_json,
        document,
        f"upload {receipt.subject} stands in the match log as entry {receipt.index};"
        " next: blindlink run --wait",
    )
