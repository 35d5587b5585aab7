"""`blindlink audit-pack`: one file for an auditor who has no account at the broker."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.evidence.audit_pack import PackOrder, fill_pack, read_sample
from encoding.files import refuse_to_overwrite
from encoding.project.agreement.project_view import project_view
from encoding.project.session import UNATTENDED_S, Session
from schemas.documents.ids import utc_text
from schemas.reports.audit_pack import PACK_START
from schemas.shared.command_line import FILE, emit, json_option


@click.command(
    "audit-pack", epilog="Example: blindlink audit-pack --sample sample.json -o county.pack"
)
@click.option(
    "--sample",
    "sample_file",
    type=FILE,
    help="Open the decisions that an auditor drew; they gave you this file.",
)
@click.option(
    "--output", "-o", required=True, type=FILE, help="The file to write, for the auditor."
)
@json_option
@click.pass_obj
def audit_pack(session: Session, sample_file: Path | None, output: Path) -> None:
    """Write the match log, your receipts and your pins into one file for an auditor.

    With --sample the auditor also learns which of your records, by handle, the decisions of the sample
    are about; by `blindlink resolve` you can say at their visit who that is. Nothing else in the file is
    about single records. blindlink-audit reads it: blindlink-audit verify county.pack
    """
    refuse_to_overwrite(output, own_start=PACK_START)
    session.patience_s = UNATTENDED_S
    sample = None if sample_file is None else read_sample(sample_file)
    created = utc_text(session.now())
    with session.connect() as client:
        trust = session.trust(client)
        if sample is not None:
            # Anyone who fetches openings names the agreement that binds now; all else needs none.
            project_view(session, client, must_bind=False)
        order = PackOrder(session.project, session.party, created, sample, session.own)
        with session.workspace.lock():
            packed = fill_pack(client, session.workspace, trust, order, output)
    document: dict[str, object] = {
        "file": str(output),
        "receipts": packed.receipts,
        "log_entries": packed.entries,
        "openings": packed.openings,
        "asked": packed.asked,
    }
    opened = f", {packed.openings} of {packed.asked} decisions opened" if sample else ""
    sentence = (
        f"wrote {output}: {packed.receipts} receipts, {packed.entries:,} entries of the log{opened}"
    )
    emit(document, remarks=[sentence])
