"""`blindlink pin`: hold the broker to the match log that it has shown."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.files import refuse_to_overwrite, write_durably
from encoding.log.heads import seen_head
from encoding.project.session import Session
from schemas.matchlog.checkpoint import CHECKPOINTS_START, checkpoint_line, serialise_checkpoints
from schemas.shared.command_line import FILE, emit, json_option
from schemas.signing.identity import base64_text


@click.command("pin", epilog="Example: blindlink pin -o county.pin")
@click.option(
    "--output", "-o", type=FILE, help="Write the pin to this file too, to give to an auditor."
)
@json_option
@click.pass_obj
def pin(session: Session, output: Path | None) -> None:
    """Fetch the newest checkpoint, make sure that the log only grew, keep it, and cosign it.

    Every command that talks to the broker does so too. If you sign in with your own keys, you also cosign.
    With a token from a file, you only pin the log. Exit code 1: the log was rewritten or cut off.

    The line that begins with "pin" is the same pin, for you to copy into a message to an auditor. The line that
    begins with "head" has place and hash of the project's newest entry that was read here: an agency that has
    another hash for that place was shown another story.
    """
    if output is not None:
        refuse_to_overwrite(output, own_start=CHECKPOINTS_START)
    with session.connect() as client:
        trust = session.trust(client, cosigns=False)
        newest, witness = trust.log.pins()[-1], session.witness()
        if witness is not None and trust.log.settled() is not None:
            witness.cosign(newest, session.now(), client)
    if output is not None:
        write_durably(output, serialise_checkpoints([newest.note]))
    line, head = checkpoint_line(newest.note), seen_head(trust.log.folder, session.project)
    root = base64_text(newest.checkpoint.root)
    cosigned = 0 if witness is None else witness.cosigned_size()
    document = {
        "origin": newest.checkpoint.origin,
        "size": newest.checkpoint.size,
        "root": root,
        "log_key": trust.keys.text,
        "pin": line,
        "head": None if head is None else head.model_dump(),
        "cosigned": cosigned,
        "witness": None if witness is None else witness.signer.verifier_key.text,
        "file": None if output is None else str(output),
    }
    lines = [
        f"pinned       {newest.checkpoint.origin}, {newest.checkpoint.size:,} entries",
        f"root         {root}",
        f"log key      {trust.keys.text}",
        f"pin          {line}",
    ]
    if head is not None:
        lines.append(f"head         {session.project} {head.place} {head.leaf}")
    remarks = []
    if witness is None:
        remarks = ["pinned, not cosigned: that needs keys of your own; see: blindlink people"]
    else:
        lines.append(f"cosigned     {cosigned:,} entries, as {witness.signer.verifier_key.text}")
    emit(document, lines, remarks=remarks)
