"""`blindlink-audit compare`: whether several readers were shown one log."""

from __future__ import annotations

from pathlib import Path

import click

from app.auditor.forks import ForkBook
from app.auditor.keys import read_log_key
from app.auditor.options import EXIT_CODES, FILE, LOG_KEYS_OPTION, LogOptions, failures, verified
from app.auditor.proofs import check_proof
from schemas.matchlog.entry import Entry
from schemas.matchlog.proof import PROOF_START
from schemas.shared.command_line import emit, json_option


@click.command(epilog=EXIT_CODES)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@LOG_KEYS_OPTION
@json_option
def compare(*, files: tuple[Path, ...], log_keys: tuple[str, ...]) -> None:
    """Compare what several readers were shown: packs of agencies, bundles, and proofs of single entries.

    Two entries at one place of a project are proof of a fork, which the log's own key has signed. An agency
    that finds one keeps both proofs in its workspace: pins/evidence-*.tlog-proof.

    Example: blindlink-audit compare county.pack schools.pack --log-key log.key
    """
    with failures():
        book = ForkBook()
        for file in files:
            _take(book, file, log_keys)
    emit(book.to_json(), book.lines())


def _take(book: ForkBook, file: Path, log_keys: tuple[str, ...]) -> None:
    """Verify a file and take what it shows."""
    if _is_proof(file):
        keys = [read_log_key(given) for given in log_keys]
        book.take_apart(file.name, check_proof(file, keys, ()).entry)
        return

    def take(entry: Entry) -> None:
        book.take(file.name, entry)

    verified(LogOptions(bundle=str(file), log_key=log_keys[0]), take)


def _is_proof(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(PROOF_START)) == PROOF_START
    except OSError:
        # The one that reads it says what is wrong with it.
        return False
