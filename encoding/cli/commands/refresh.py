"""`blindlink refresh`: every step from the file to the links, unattended."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.cli.terminal.options import ACCEPT_CHANGE, file_options
from encoding.project.session import UNATTENDED_S, Session
from encoding.project.source import Source
from schemas.shared.command_line import FILE, emit, json_option


@click.command("refresh", epilog="Example: blindlink --quiet refresh --skip-invalid skipped.csv")
@file_options
@click.option(
    "--skip-invalid", type=FILE, help="Leave out rows that cannot be encoded, and list them here."
)
@click.option(
    "--wait-hours",
    type=click.FloatRange(0, 240),
    default=0,
    help="How long to wait for other agencies to upload or approve.",
)
@click.option(
    "--begin", is_flag=True, help="Begin a round where the agreement has rounds on request."
)
@click.option(
    "--deliver",
    is_flag=True,
    help="Deliver the columns that the agreement lets others have, sealed, by the broker.",
)
@click.option(
    "--attach",
    is_flag=True,
    help="Write the columns that partners have delivered beside your own rows, or join them.",
)
@click.option(
    "--agreement",
    metavar="FINGERPRINT",
    help="The first time: the fingerprint on counsel's sheet; its secret is begun, too.",
)
@ACCEPT_CHANGE
@json_option
@click.pass_obj
def refresh(
    session: Session,
    *,
    file: Path | None,
    id_column: str | None,
    skip_invalid: Path | None,
    wait_hours: float,
    begin: bool,
    deliver: bool,
    attach: bool,
    agreement: str | None,
    accept_change: str | None,
) -> None:
    """Do what is due, from the file to the links: check, encode, upload, wait, fetch, agree on link IDs.

    For cron and Task Scheduler, every night. If something fails, last round's links stay in force, and the
    exit code says what failed. You can start it again at any time; it goes on where it stopped. If nothing is
    due, the exit code is 0. Rounds on request begin with --begin, except the first. Exit code 7: another
    agency has yet to do its part. Exit code 8: more links would end than is agreed, and last round's stay
    until you look at changes.csv and give --accept-change. Exit code 9: what came can't be genuine, and none
    of it was stored.

    The first time, give --agreement the fingerprint on counsel's sheet. Your computer verifies every
    signature, trusts the keys that the agreement lists from then on, and makes and sends your part of the
    secret.

    With --deliver and --attach, each job ends with the partners' columns beside your rows, in with-PARTNER.csv.
    A recipient that uploads nothing needs only --attach: its job joins what the agencies have delivered.
    """
    from encoding.project.delivering.exchange import ColumnsOrder
    from encoding.project.linking.links_files import LinksOrder
    from encoding.project.refresh import do_what_is_due

    session.patience_s = UNATTENDED_S
    source = Source(file=file, id_column=id_column, skip_invalid=skip_invalid)
    order = LinksOrder(source, accepted=accept_change)
    document, sentence = do_what_is_due(
        session,
        order,
        wait_s=wait_hours * 3600,
        begin=begin,
        columns=ColumnsOrder(deliver=deliver, attach=attach),
        agreement=agreement,
    )
    emit(document, remarks=[sentence])
