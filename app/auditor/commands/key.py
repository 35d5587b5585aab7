"""`blindlink-audit key`: the auditor's own key, with which reports are signed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.auditor.auditor_key import new_key_file, read_passphrase
from app.auditor.options import FILE, OUTPUT, PASSPHRASE_FILE, failures, opened_key
from schemas.reports.audit_report import key_fingerprint, public_text
from schemas.shared.command_line import emit, json_option, wants_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@click.group()
def key() -> None:
    """Your own key, with which you sign reports."""


@key.command("new", short_help="Make a key under a passphrase; show its public half.")
@click.option("-o", "--output", required=True, type=OUTPUT, help="The key file to make.")
@PASSPHRASE_FILE
@json_option
def new(*, output: Path, passphrase_file: Path | None) -> None:
    """Make a key, locked by a passphrase, and print its public half and fingerprint.

    An Ed25519 key in a PEM file that you have already will do as well. Keep what is printed: readers of your
    reports need it, from you by voice or on paper.

    Example: blindlink-audit key new -o auditor.key
    """
    if passphrase_file is None:
        passphrase = str(
            click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=wants_json())
        )
    with failures():
        if passphrase_file is not None:
            passphrase = read_passphrase(passphrase_file)
        _show(new_key_file(output, passphrase))


@key.command("show")
@click.argument("key_file", metavar="KEYFILE", type=FILE)
@PASSPHRASE_FILE
@json_option
def show(*, key_file: Path, passphrase_file: Path | None) -> None:
    """Print the public half and the fingerprint of the key in KEYFILE.

    Example: blindlink-audit key show auditor.key
    """
    with failures():
        _show(opened_key(key_file, passphrase_file))


def _show(opened: Ed25519PrivateKey) -> None:
    text = public_text(opened)
    emit({"key": text, "fingerprint": key_fingerprint(text)}, [text])
    if not wants_json():
        click.echo(f"fingerprint: {key_fingerprint(text)}", err=True)
