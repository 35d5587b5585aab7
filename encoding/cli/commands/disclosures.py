"""`blindlink disclosures`: which disclosures concern one of your records, with proof of each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoding.files import make_private_folder, refuse_to_overwrite, write_csv, write_durably
from encoding.project.context import fetched_log
from encoding.project.session import UNATTENDED_S, Session
from schemas.documents.printable import inert
from schemas.matchlog.proof import PROOF_START
from schemas.shared.command_line import FILE, emit, json_option

if TYPE_CHECKING:
    from encoding.log.log_copy import LogCopy

COLUMNS = (
    "time",
    "entry",
    "what",
    "certainty",
    "from",
    "to",
    "purpose",
    "interest",
    "basis",
    "citation",
    "agreement",
    "object",
)


@click.command(
    "disclosures", epilog="Example: blindlink disclosures --record 4711 --csv answer.csv"
)
@click.option(
    "--record",
    required=True,
    metavar="ID",
    help="The record's ID in your file; - reads it from standard input.",
)
@click.option("--csv", "csv_file", type=FILE, help="Write the answer as CSV.")
@click.option(
    "--proofs",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for a proof of each line, which anybody can check with the log's key.",
)
@json_option
@click.pass_obj
def disclosures(
    session: Session, *, record: str, csv_file: Path | None, proofs: Path | None
) -> None:
    """List the disclosures that concern one record: who received what, when, why, on what legal basis.

    The answer comes from your workspace and the whole match log, so the broker does not learn whom you ask
    about. Each line is proved by the log. Where a release was blind, it is only said that the record was in a
    file released to the recipient.
    """
    from encoding.evidence.person_disclosures import as_json as line_json
    from encoding.evidence.person_disclosures import disclosures_of, find_record, proof_files

    if csv_file is not None:
        refuse_to_overwrite(csv_file, own_start=f"{','.join(COLUMNS)}\n".encode())
    for proof in () if proofs is None else proofs.glob("entry-*.tlog-proof"):
        refuse_to_overwrite(proof, own_start=PROOF_START)
    record_id = sys.stdin.readline().rstrip("\r\n") if record == "-" else record
    session.patience_s = UNATTENDED_S
    copy = _fetched_log(session)
    with session.workspace.lock():
        known = find_record(session.workspace, session.project, record_id)
        lines = disclosures_of(session.workspace, copy, session.project, session.party, known)
    if proofs is not None:
        make_private_folder(proofs)
        for name, content in proof_files(copy, lines):
            write_durably(proofs / name, content)
    documents = [line_json(line) for line in lines]
    if csv_file is not None:
        named = ({**d, "from": d["giver"], "to": d["receiver"]} for d in documents)
        write_csv(csv_file, COLUMNS, [[inert(str(d[column])) for column in COLUMNS] for d in named])
    shown = (
        f"{line.time}  entry {line.entry}  {line.giver} to {line.receiver}\n"
        f"    {line.sentence}; purpose: {line.purpose}"
        for line in lines
    )
    remark = f"{len(lines)} disclosures, each proved by the match log"
    if not known.handles and not lines:
        remark = "this record has never been encoded here, so no disclosure concerns it"
    emit({"known": bool(known.handles), "disclosures": documents}, shown, remarks=[remark])


def _fetched_log(session: Session) -> LogCopy:
    with session.connect() as client:
        return fetched_log(session, client, session.trust(client))
