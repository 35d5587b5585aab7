"""`blindlink-audit key`: the auditor's own key, with which reports are signed."""

from __future__ import annotations

from pathlib import Path

import click

from app.auditor.auditor_key import new_key_file, read_passphrase
from app.auditor.options import PASSPHRASE_FILE, failures, opened_key
from schemas.reports.audit_report import key_fingerprint, public_text
from schemas.shared.command_line import INPUT_FILE, emit, wants_json


@click.command()
@click.argument("key_file", metavar="KEYFILE", type=INPUT_FILE)
@click.option("--new", "is_new", is_flag=True, help="Make the key, locked by a passphrase.")
@PASSPHRASE_FILE
def key(*, key_file: Path, is_new: bool, passphrase_file: Path | None) -> None:
    """Print the public half and the fingerprint of your own key, in KEYFILE, with which you sign reports.

    An Ed25519 key in a PEM file that you have already will do as well as one made with --new. Keep what is
    printed: readers of your reports need it, from you by voice or on paper.

    Example: blindlink-audit key auditor.key --new
    """
    passphrase = ""
    if is_new and passphrase_file is None:
        passphrase = str(
            click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=wants_json())
        )
    with failures():
        if is_new and passphrase_file is not None:
            passphrase = read_passphrase(passphrase_file)
        text = public_text(
            new_key_file(key_file, passphrase) if is_new else opened_key(key_file, passphrase_file)
        )
    emit({"key": text, "fingerprint": key_fingerprint(text)}, [text])
    if not wants_json():
        click.echo(f"fingerprint: {key_fingerprint(text)}", err=True)
