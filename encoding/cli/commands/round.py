"""`blindlink round`: where the round stands, and a correction of what was uploaded."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.cli.terminal.options import file_options
from encoding.errors import NotReadyError
from encoding.project.agreement.project_view import at_broker
from encoding.project.session import Session
from encoding.project.source import Source
from encoding.rounds.words import round_lines
from schemas.shared.command_line import FILE, emit, json_option


@click.group(
    "round",
    short_help="See where the round stands, or correct it.",
    epilog="Example: blindlink round status",
)
def round() -> None:
    """A round: one turn of the project, in which every agency uploads once and link IDs are agreed on."""


@round.command("ready", short_help="Get ready: log spare nonces of this workspace.")
@click.pass_obj
def ready(session: Session) -> None:
    """Get ready for rounds: put spare nonces of this workspace into the match log.

    A round begins once every agency has some. Later, `blindlink encode` and `blindlink refresh` do this for
    you.

    Example: blindlink round ready
    """
    from encoding.project.rounds import top_up_nonces

    with at_broker(session) as context:
        top_up_nonces(context)
        waiting = ", ".join(context.api.rounds().waiting_for)
    session.say(
        f"ready for rounds; still to get ready: {waiting}"
        if waiting
        else "all agencies are ready; next: blindlink encode"
    )


@round.command("status", short_help="Show which round is open, and who has uploaded.")
@json_option
@click.pass_obj
def status(session: Session) -> None:
    """Show which round is open, who has uploaded, and whose claims are there.

    Example: blindlink round status
    """
    with at_broker(session, must_bind=False) as context:
        terms, listed = context.view.terms, context.api.rounds()
    emit(listed.to_json(), round_lines(listed, terms))


@round.command("correct", short_help="Void the uploads of the open round, and begin the next.")
@click.option(
    "--reason",
    type=click.Choice(["wrong-file", "wrong-settings", "workspace-lost", "other"]),
    required=True,
    help="Why you correct the round; the match log records it.",
)
@json_option
@click.pass_obj
def correct(session: Session, *, reason: str) -> None:
    """Void all uploads of the open round, and begin the next round in its place.

    An upload is never replaced: by comparing two versions of a file, the broker would learn about it. Both
    agencies' jobs encode again by themselves. It counts as a round.

    Example: blindlink round correct --reason wrong-file
    """
    from encoding.project.rounds import top_up_nonces, void_nonces

    with at_broker(session) as context:
        found = next((one for one in context.api.rounds().rounds if one.state == "open"), None)
        if found is None:
            raise NotReadyError("no round is open", hint="see: blindlink round status")
        if reason == "workspace-lost":
            void_nonces(context)
        else:
            top_up_nonces(context)
        new = context.api.correct(found.round, reason)
    sentence = f"round {new.round} takes the place of round {found.round}; next: blindlink refresh"
    emit(new.to_json(), remarks=[sentence])


@round.command(
    "report",
    short_help="Write the report of the newest round, as a page and JSON.",
    epilog="Example: blindlink round report",
)
@file_options
@click.option(
    "--output",
    "-o",
    type=FILE,
    help="The file of links beside which it is written; the settings name it.",
)
@click.option("--force", is_flag=True, help="Overwrite files that are no such report.")
@json_option
@click.pass_obj
def report(
    session: Session, *, file: Path | None, id_column: str | None, output: Path | None, force: bool
) -> None:
    """Write the report of the newest round that has links: one page for leadership and counsel, and as JSON.

    Match rates, how many links are likely wrong or missed, what changed since the round before, what to do
    about the data, and who received what on which legal basis. `blindlink refresh` writes it too, after each
    round. The section [report] of the settings names the columns for match rates by group; they stay here.
    """
    from encoding.project.linking.links_files import LinksOrder
    from encoding.project.linking.round_reports import newest_reported, report_of_round
    from encoding.sharing.round_page import summary

    order = LinksOrder(Source(file=file, id_column=id_column), output, force=force)
    with at_broker(session) as context:
        written = report_of_round(context, newest_reported(context), order)
    emit(
        written.report.to_json(),
        remarks=[summary(written.report), f"the report is in {written.page}"],
    )
