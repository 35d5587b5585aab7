"""`blindlink receipts`: check the broker's proofs."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.errors import NotReadyError, ReceiptError
from encoding.log.pins import PinnedLog
from encoding.log.receipts import ReceiptFolder, read_kept, verify_kept
from encoding.project.session import Session
from schemas.shared.command_line import FILE, emit, json_option


@click.command("receipts", epilog="Example: blindlink receipts")
@click.argument("files", nargs=-1, type=FILE)
@json_option
@click.pass_obj
def receipts(session: Session, files: tuple[Path, ...]) -> None:
    """Check FILES, or every receipt in the workspace, without asking the broker.

    Each must prove that the broker's match log holds exactly what this agency has sent or was given.
    """
    log = PinnedLog(session.workspace.pins, session.workspace.log_key)
    given = session.config.sections.broker.log_key
    if given is None and not log.has_key():
        raise NotReadyError(
            "the broker's log key is not known here", hint="set log_key in blindlink.toml"
        )
    keys = log.pinned_key(given)
    folder = ReceiptFolder(session.workspace.receipts)
    kept_receipts = [read_kept(path) for path in files] if files else list(folder.all())
    if not kept_receipts:
        raise NotReadyError("there is no receipt yet", hint="see: blindlink status")
    proved = []
    for kept in kept_receipts:
        try:
            proven = verify_kept(kept, session.party, keys)
        except ReceiptError as exc:
            raise ReceiptError(f"receipt {kept.receipt.subject}: {exc}", hint=exc.hint) from exc
        entry = proven.entry
        proved.append(
            {
                "subject": kept.receipt.subject,
                "kind": entry.kind,
                "time": entry.time,
                "log_index": entry.seq,
                "log_size": proven.checkpoint.size,
            }
        )
    emit(
        proved,
        (
            f"{one['subject']}  {one['kind']}  {one['time']}  entry {one['log_index']}"
            for one in proved
        ),
        remarks=[f"{len(proved)} receipts are valid"],
    )
