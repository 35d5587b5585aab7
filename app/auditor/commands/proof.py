"""`blindlink-audit proof`: proofs of single entries, without a log."""

from __future__ import annotations

from pathlib import Path

import click

from app.auditor.keys import read_log_key
from app.auditor.options import FILE, LOG_KEYS_OPTION, PIN_OPTION, failures
from app.auditor.pins import read_pins
from app.auditor.proofs import caveats, check_proof
from app.auditor.timeline import timeline_line
from schemas.documents.printable import printable
from schemas.shared.command_line import emit, json_option

EXIT_CODES = (
    "Exit status: 0 done and verified, 1 a proof does not verify, 2 usage, 3 a proof, key or pin cannot be "
    "read."
)


@click.command(epilog=EXIT_CODES)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@LOG_KEYS_OPTION
@PIN_OPTION
@json_option
def proof(
    *, files: tuple[Path, ...], log_keys: tuple[str, ...], pins: tuple[Path | str, ...]
) -> None:
    """Check proofs that entries are in the match log, and print what the entries say; no log is needed.

    An agency writes them with `blindlink disclosures --proofs`: one for each disclosure that concerns a child.

    Example: blindlink-audit proof proofs/entry-12.tlog-proof --log-key log.key
    """
    with failures():
        keys = [read_log_key(given) for given in log_keys]
        known = read_pins(pins)
        proved = [check_proof(file, keys, known) for file in files]
    emit([one.to_json() for one in proved], (timeline_line(one.entry) for one in proved))
    for caveat in caveats(proved, pinned=bool(known)):
        click.echo(f"not shown: {printable(caveat.text)}", err=True)
