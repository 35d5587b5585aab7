"""`blindlink hub join`: a spoke's side of an agreement with a hub, in one command."""

from __future__ import annotations

from typing import Any

import click

from encoding.cli.commands.agreement_signatures import Entry, signed_and_approved, signing_options
from encoding.cli.commands.init import write_settings
from encoding.cli.terminal.init_questions import FILE_ALONE
from encoding.cli.terminal.options import input_options
from encoding.project.agreement.project_view import project_view
from encoding.project.agreement.seats import seat
from encoding.project.session import Session


@click.command(
    "join",
    short_help="Join a hub as a spoke, in one command.",
    epilog="Example: blindlink hub join --file pupils.csv --preset edfi",
)
@click.option("--fingerprint", help="The fingerprint on your counsel's sheet, all 64 characters.")
@signing_options
@input_options
@click.pass_obj
def join(session: Session, /, *, fingerprint: str | None, **given: Any) -> None:
    """Join a hub as a spoke: name your file, sign what the hub has drafted, and begin the secret.

    It is for a person who works alone at a small agency and has all duties. Type it after `blindlink start`,
    once your counsel has signed the agreement's sheet. It does what `blindlink init`, `agreement sign
    --standing` and the first part of `refresh --agreement` do, and you can repeat it until all have signed.
    From then on the nightly `blindlink refresh` does the rest.
    """
    from encoding.project.secret.secret_progress import begin_secret

    entry = Entry.of(given, fingerprint)
    if session.config.sections.input is None and given["file"]:
        write_settings(session, {**FILE_ALONE, **given}, force=False)
        session.forget_settings()
    with seat(session) as at:
        kept = signed_and_approved(at, None, entry)
        if kept.missing() or not kept.has_begun(session.now().date()):
            return
        view = project_view(session, at.client, must_bind=False)
        begin_secret(session, at.client, view)
    session.say("every night from now on: blindlink --quiet refresh --wait-hours 8")
