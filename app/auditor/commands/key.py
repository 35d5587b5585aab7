"""`blindlink-audit key`: the auditor's own key, with which reports are signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.auditor.options import FILE, OUTPUT, failures, json_option

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PASSPHRASE_FILE = click.option(
    "--passphrase-file", type=FILE, help="Read the passphrase from this file, do not ask."
)


@click.group()
def key() -> None:
    """Your own key, with which you sign reports."""


@key.command("new")
@click.option("-o", "--output", required=True, type=OUTPUT, help="The key file to make.")
@PASSPHRASE_FILE
@json_option
def new(*, output: Path, passphrase_file: Path | None, as_json: bool) -> None:
    """Make a key, locked by a passphrase, and print its public half and fingerprint.

    An Ed25519 key in a PEM file that you have already will do as well. Keep what is printed: readers of your
    reports need it, from you by voice or on paper.

    Example: blindlink-audit key new -o auditor.key
    """
    from app.auditor.auditor_key import new_key_file, read_passphrase

    if passphrase_file is None:
        passphrase = str(
            click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=as_json)
        )
    with failures(as_json=as_json):
        if passphrase_file is not None:
            passphrase = read_passphrase(passphrase_file)
        _show(new_key_file(output, passphrase), as_json)


@key.command("show")
@click.argument("key_file", metavar="KEYFILE", type=FILE)
@PASSPHRASE_FILE
@json_option
def show(*, key_file: Path, passphrase_file: Path | None, as_json: bool) -> None:
    """Print the public half and the fingerprint of the key in KEYFILE.

    Example: blindlink-audit key show auditor.key
    """
    with failures(as_json=as_json):
        _show(opened_key(key_file, passphrase_file), as_json)


def opened_key(key_file: Path, passphrase_file: Path | None) -> Ed25519PrivateKey:
    """Return the key in a file; asks for its passphrase where it has one and no file gives it.

    Raises:
        KeyFileError: it does not open.
    """
    from app.auditor.auditor_key import needs_passphrase, open_key_file, read_passphrase

    passphrase: Any = None
    if needs_passphrase(key_file):
        if passphrase_file is not None:
            passphrase = read_passphrase(passphrase_file)
        else:
            passphrase = click.prompt("Passphrase of your key", hide_input=True, err=True)
    return open_key_file(key_file, passphrase)


def _show(opened: Ed25519PrivateKey, as_json: bool) -> None:
    from schemas.audit_report import key_fingerprint, public_text

    text = public_text(opened)
    if as_json:
        click.echo(json.dumps({"key": text, "fingerprint": key_fingerprint(text)}, indent=2))
        return
    click.echo(text)
    click.echo(f"fingerprint: {key_fingerprint(text)}", err=True)
