"""`blindlink destroy`: at the broker, with a certificate; or here, with a signed statement."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from encoding.cli.terminal.options import file_outputs
from encoding.cli.terminal.prompts import require_yes
from encoding.errors import NotReadyError
from encoding.project.destroying.certificates import (
    counter_sign,
    fetch_certified,
    refuse_held,
    refuse_outputs,
    show_certified,
    write_certified,
)
from encoding.project.destroying.local_destruction import Order, destroy_here, wish_of
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from schemas.rounds.destruction import Countersignature, duties_for
from schemas.shared.command_line import json_option


@click.command("destroy", epilog="Example: blindlink destroy, then: blindlink destroy --local")
@click.option("--upload", metavar="ID", help="Only this upload, and what was made of it.")
@click.option(
    "--local", is_flag=True, help="Destroy what is on this computer, not what the broker has."
)
@click.option("--epoch", type=click.IntRange(1), help="With --local: only this epoch's files.")
@click.option(
    "--frozen", metavar="STUDY", help="With --local: only what was frozen for this study."
)
@click.option(
    "--certificate", metavar="NUMBER", help="With --local: which certificate asks for it."
)
@click.option(
    "--also",
    "also",
    multiple=True,
    metavar="KIND=FILE",
    help="With --local: a file that is not known here, such as received=from-schools.csv; repeatable.",
)
@click.option(
    "--keep",
    "keep",
    multiple=True,
    metavar="KIND=WHY",
    help="With --local: what is kept and why, such as link-table=For the audit of 2027; repeatable.",
)
@click.option(
    "--offline",
    is_flag=True,
    help="With --local: the broker is gone; the signed statement is yours to hand to the others.",
)
@click.option(
    "--handed-over",
    is_flag=True,
    help="With --local: a colleague has restored your workspace; remove yours, and state nothing.",
)
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@file_outputs
@json_option
@click.pass_obj
def destroy(
    session: Session,
    /,
    *,
    upload: str | None,
    local: bool,
    epoch: int | None,
    frozen: str | None,
    certificate: str | None,
    also: tuple[str, ...],
    keep: tuple[str, ...],
    offline: bool,
    handed_over: bool,
    yes: bool,
    output: Path | None,
    page: Path | None,
) -> None:
    """Have the broker destroy what it holds of your party, and what was made of it; you cannot undo it.

    You get a certificate, which is checked against your pins, the match log and your receipts, counter-signed
    with your keys, and kept in the workspace. You need the duty steward, for one upload steward or analyst.

    With --local, what lies on this computer is removed: handle maps, encodings, link IDs, files received and
    handed over, the secret, backups; and you sign a statement of it for the other parties. First it is listed.
    What was broken off goes on if you type the same again, or --local alone. Copies that no command of yours
    wrote are yours to remove. While a legal hold is in force, nothing is destroyed.
    """
    if local:
        if upload is not None or output is not None or page is not None:
            raise click.UsageError(
                "--local can't be combined with --upload or a certificate's file"
            )
        if epoch is not None and frozen is not None:
            raise click.UsageError("give either --epoch or --frozen")
        if also and (epoch is not None or frozen is not None):
            raise click.UsageError("--also can't be combined with --epoch or --frozen")
        if handed_over and (epoch is not None or frozen or certificate is not None or keep):
            raise click.UsageError(
                "--handed-over can't be combined with --epoch, --frozen, --certificate or --keep"
            )
        wish = wish_of(epoch, frozen, also, keep, is_handed_over=handed_over)
        destroy_here(session, Order(wish, certificate, offline), partial(require_yes, yes=yes))
        return
    if any((epoch, frozen, certificate, also, keep, offline, handed_over)):
        raise click.UsageError(
            "--epoch, --frozen, --certificate, --also, --keep, --offline and --handed-over need --local"
        )
    _destroy_there(session, upload, (output, page), yes=yes)


def _destroy_there(
    session: Session,
    upload: str | None,
    outputs: tuple[Path | None, Path | None],
    *,
    yes: bool,
) -> None:
    refuse_outputs(*outputs)
    own = unlock_own(session)
    with session.connect() as client:
        trust = session.trust(client)
        refuse_held(session, client)
        what = f"the upload {upload}" if upload else f"all uploads of {session.party}"
        said = f"At the broker, {what} and what was made of it will be destroyed for good."
        require_yes([said], "Destroy it?", yes=yes)
        begun = (
            client.destroy_own(session.project) if upload is None else client.destroy_upload(upload)
        )
        if begun.finished is None:
            raise NotReadyError(
                f"the destruction {begun.certificate} is under way, and there is no certificate yet",
                hint=f"in a minute: blindlink certificate --sign {begun.certificate}",
            )
        found = fetch_certified(session, client, trust, begun.certificate)
        if duties_for(Countersignature) & set(own.public.duties):
            found = counter_sign(session, client, trust, found)
        else:
            session.say("your steward has yet to counter-sign it: blindlink certificate --sign")
    write_certified(found.file, *outputs)
    show_certified(found)
