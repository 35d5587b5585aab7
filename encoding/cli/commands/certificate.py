"""`blindlink certificate`: what the broker has destroyed, with proof."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from encoding.cli.terminal.options import file_outputs
from encoding.destruction.certificates import CertificateFolder, compare_with_receipts, verify_file
from encoding.errors import NotReadyError
from encoding.log.pins import PinnedLog
from encoding.log.receipts import ReceiptFolder
from encoding.project.destroying.certificates import (
    Certified,
    counter_sign,
    fetch_certified,
    refuse_outputs,
    show_certified,
    write_certified,
)
from encoding.project.session import Session
from schemas.api.destruction import DestructionView
from schemas.shared.command_line import emit, json_option

_Function = TypeVar("_Function", bound=Callable[..., Any])


@click.command("certificate", epilog="Example: blindlink certificate --html certificate.html")
@click.argument("number", required=False)
@click.option(
    "--list", "is_list", is_flag=True, help="List the project's destructions, newest first."
)
@click.option("--sign", is_flag=True, help="Countersign it: you need the duty steward or reviewer.")
@click.option("--offline", is_flag=True, help="Check the one that is kept here, ask nobody.")
@file_outputs
@json_option
@click.pass_obj
def certificate(
    session: Session,
    *,
    number: str | None,
    is_list: bool,
    sign: bool,
    offline: bool,
    output: Path | None,
    page: Path | None,
) -> None:
    """Show the certificate NUMBER, or else the newest one: what was destroyed, what remains and why.

    It is held against the pins, the match log and your own receipts, and kept in the workspace. Your signature
    says that you have read it and that nothing here contradicts it.
    """
    if is_list + sign + offline > 1:
        raise click.UsageError("give one of --list, --sign and --offline")
    refuse_outputs(output, page)
    if is_list:
        _list(session)
        return
    found = _kept(session, number) if offline else _fetched(session, number, sign=sign)
    write_certified(found.file, output, page)
    show_certified(found)


def _list(session: Session) -> None:
    """Print the project's destructions, with who has signed and what is outstanding."""
    with session.connect() as client:
        session.trust(client)
        found = client.destructions(session.project).destructions
    none = [] if found else ["nothing of this project has been destroyed yet"]
    emit([one.to_json() for one in found], map(_line, found), remarks=none)


def _fetched(session: Session, number: str | None, *, sign: bool) -> Certified:
    with session.connect() as client:
        trust = session.trust(client)
        chosen = number or _newest(session, client.destructions(session.project).destructions)
        found = fetch_certified(session, client, trust, chosen)
        return counter_sign(session, client, trust, found) if sign else found


def _line(one: DestructionView) -> str:
    signed = ", ".join(one.countersigned) or "nobody"
    state = "under way" if one.finished is None else f"counter-signed by {signed}"
    owing = f"{len(one.outstanding)} statements outstanding"
    return f"{one.certificate}  {one.asked}  {one.reason}  {one.objects} objects  {state}, {owing}"


def _kept(session: Session, number: str | None) -> Certified:
    folder = CertificateFolder(session.workspace.certificates)
    kept = list(folder.all()) if number is None else [folder.find(number)]
    file = kept[-1] if kept else None
    if file is None:
        raise NotReadyError(
            "this certificate is not kept here", hint="leave out --offline to fetch it"
        )
    log = PinnedLog(session.workspace.pins, session.workspace.log_key)
    keys = log.pinned_key(session.config.sections.broker.log_key)
    check = verify_file(file, file.certificate.certificate, session.project, keys)
    receipts = compare_with_receipts(check, ReceiptFolder(session.workspace.receipts))
    return Certified(file, check, receipts)


def _newest(session: Session, found: Any) -> str:
    for one in found:
        if one.finished is not None:
            return str(one.certificate)
    raise NotReadyError(
        f"nothing of the project {session.project} has been destroyed yet",
        hint="see: blindlink certificate --list",
    )
