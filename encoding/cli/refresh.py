"""`blindlink refresh`: every step from the file to the links, unattended."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoding.cli.options import agency_options, file_options, json_option
from encoding.cli.session import UNATTENDED_S, Session

if TYPE_CHECKING:
    from schemas.run import Recipient


@click.command("refresh", epilog="Example: blindlink --quiet refresh --skip-invalid skipped.csv")
@file_options
@click.option(
    "--skip-invalid",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Leave out rows that cannot be encoded, and list them here.",
)
@click.option(
    "--wait-hours",
    type=click.FloatRange(0, 240),
    default=0,
    help="Wait so long for what other agencies have yet to do: upload, approve.",
)
@json_option
@agency_options
@click.pass_obj
def refresh(
    session: Session,
    *,
    file: Path | None,
    id_column: str | None,
    skip_invalid: Path | None,
    wait_hours: float,
    as_json: bool,
) -> None:
    """Check and encode the file, upload, ask for the run, wait, fetch and verify; for cron and Task Scheduler.

    Whatever fails, last week's links stay in force and the exit code says what it was. It may be started
    again at any time, and goes on where it stopped. Exit code 7: another agency has yet to do its part.
    """
    from encoding.blind_fetch import blind_recipients
    from encoding.cli import steps
    from encoding.cli.blind_steps import blind_links
    from encoding.cli.settling import settle_secrets
    from encoding.patience import Patience

    session.patience_s = UNATTENDED_S
    patience = Patience(wait_hours * 3600, session.sleep, session.say)
    source = steps.Source(file=file, id_column=id_column, skip_invalid=skip_invalid)
    steps.refuse_list(session, source)
    with session.workspace.refresh_lock(), session.connect() as client:
        trust = session.trust(client)
        view = session.view(client)
        patience.until_ready(lambda: settle_secrets(session, client, view))
        session.require_secret(view)
        rows = steps.check(session, view, source)
        steps.audit(session, view, source, rows)
        manifest = steps.encode(session, view, source).outbox.manifest
        session.say(f"encoded {manifest.records:,} records")
        kept = steps.upload(session, client, trust, view)
        session.say(f"uploaded, and logged as entry {kept.receipt.index}")
        run = patience.until_ready(lambda: steps.run(session, client, wait=True))
        # An agreement may let a release wait until the parties have cosigned a log that has the run's end.
        session.trust_again(client, trust)
        sealed: dict[str, str] = {}
        document: dict[str, object] = {
            "records": manifest.records,
            "upload": kept.receipt.subject,
            "run": run.run,
            "links": None,
            "sealed": sealed,
        }
        sentence = "the run has succeeded; the agreement gives this agency no link IDs of its own"
        if _receives_links(session, view.terms.recipients):
            written = patience.until_ready(lambda: steps.links(session, client, trust, source))
            document |= {"links": written.links, "file": str(written.path)}
            sentence = f"{written.links:,} records have a link ID, in {written.path}"
        for recipient in blind_recipients(view.terms):
            fetch = partial(blind_links, recipient=recipient, source=source, run=run.run)
            blind = patience.until_ready(partial(fetch, session, client, trust, view))
            sealed[recipient] = str(blind.path)
            sentence = f"{sentence}; {blind.sentence()}"
    steps.print_result(session, as_json, document, sentence)


def _receives_links(session: Session, recipients: tuple[Recipient, ...]) -> bool:
    mine = (session.party, "linked")
    return any((recipient.party, recipient.mode) == mine for recipient in recipients)
