"""`blindlink hub`: one party's linkages with many, from one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from encoding.cli.commands.agreement_signatures import Entry, signed_and_approved, signing_options
from encoding.cli.commands.init import write_settings
from encoding.cli.terminal import prompts
from encoding.cli.terminal.init_questions import FILE_ALONE, ask_sections, doubts_about_file
from encoding.cli.terminal.options import input_options
from encoding.errors import InvitationError
from encoding.extras.hub.add import add
from encoding.extras.hub.extend import extend
from encoding.extras.hub.report import Outcome
from encoding.extras.hub.reporting import ending_words, reported, status_lines, summary
from encoding.extras.hub.sessions import HubDesk, hub_settings
from encoding.extras.hub.settings import HubFile, HubSection, read_hub, render_hub
from encoding.extras.hub.sign import sign
from encoding.files import write_durably
from encoding.project.agreement.project_view import project_view
from encoding.project.agreement.seats import seat
from encoding.project.invitations import (
    Place,
    enrolled,
    opened_sections,
    read_invitation,
    settings_of,
    settle_files,
)
from encoding.project.own_keys import identity_lines
from encoding.project.session import UNATTENDED_S, Session
from encoding.workspace.config import ConfigFile
from schemas.shared.command_line import FILE, emit, json_option


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


_MOST_PROCESSES: Final = 16
# What nobody at the hub has to do anything about ends with 0; these come first where several are met.
_WORST_FIRST: Final = (9, 8, 4, 3, 6, 1)


@click.group("hub", epilog="Example: blindlink hub refresh. The guide is docs/hub.md.")
def hub() -> None:
    """Link with many parties, each in a project of two: you and that party."""


for command in (add, extend, sign, join):
    hub.add_command(command)


@hub.command(
    "start",
    short_help="Make your keys and the settings of a hub.",
    epilog="Example: blindlink hub start ann.invitation --key-file identity.key",
)
@click.argument("invitation", type=FILE)
@click.option("--only", help="The column of your file that says for which spoke a record is meant.")
@input_options
@click.pass_obj
def start(
    session: Session,
    /,
    *,
    invitation: Path,
    only: str | None,
    **given: Any,
) -> None:
    """Make your keys and the hub's settings, hub.toml, from the INVITATION of the operator.

    It is for people who take part in all projects of a hub: its steward, its analyst, the operator, an
    auditor. Keys are made and compared once. With --file, your file of people is named, too. You can repeat
    the command at any time; it never replaces keys or settings.
    """
    invited = read_invitation(invitation)
    path = hub_settings(session)
    place = Place(
        invited,
        path.parent,
        settings_of(invited, invited.party),
        session.passphrase_file,
        session.key_file,
    )
    if path.exists():
        kept = read_hub(path).sections
        if (kept.broker.url, kept.hub.party) != (invited.broker, invited.party):
            raise InvitationError(
                f"{path} has settings of another broker or party",
                hint="use the invitation in a folder of its own",
            )
    place.refuse_other_files(session)
    view, public = enrolled(session, place)
    settle_files(place)
    if not path.exists():
        sections = opened_sections(place)
        if given["file"]:
            sections = ask_sections(
                {**FILE_ALONE, **given}, path.parent, sections, may_ask=prompts.is_interactive()
            )
        write_durably(path, render_hub(_hub_file(sections, only)).encode("utf-8"))
        for doubt in doubts_about_file(sections, path.parent):
            session.warn(doubt)
    session.say(f"your keys are in {place.identity}, the settings of the hub in {path}")
    if view.state == "awaiting":
        session.say("now telephone the operator, and read them your ID and all twelve groups:")
    click.echo("\n".join(identity_lines(public)))


@hub.command(
    "refresh",
    short_help="Do what is due at all spokes, every night.",
    epilog="Example: blindlink --quiet hub refresh --wait-hours 6",
)
@click.option(
    "--wait-hours",
    type=click.FloatRange(0, 240),
    default=0,
    help="How long to keep trying spokes that have yet to do their part.",
)
@click.option("--begin", is_flag=True, help="Begin rounds where agreements have them on request.")
@click.option("--deliver", is_flag=True, help="Deliver listed columns to the spokes, sealed.")
@click.option("--attach", is_flag=True, help="Write the columns that spokes have delivered.")
@click.option(
    "--processes",
    type=click.IntRange(1, _MOST_PROCESSES),
    default=2,
    show_default=True,
    help="How many spokes to work on at a time.",
)
@click.option("--spoke", "chosen", multiple=True, help="Only this spoke; may be repeated.")
@json_option
@click.pass_obj
def refresh(
    session: Session,
    *,
    wait_hours: float,
    begin: bool,
    deliver: bool,
    attach: bool,
    processes: int,
    chosen: tuple[str, ...],
) -> None:
    """Do what is due at all spokes, and write hub-report.html: the one job of the night.

    At each spoke it does what `blindlink refresh` does. Spokes that are late or broken hold nobody up. Your
    file is read and cleaned once. It may be killed and started again at any time, and goes on where it
    stopped. Exit code 0: nobody at the hub has to do anything, though spokes may be late. Otherwise it is the
    code of `blindlink refresh` for the spoke that needs attention most.
    """
    from encoding.extras.hub.night import Night, NightOrder
    from encoding.project.delivering.exchange import ColumnsOrder

    session.patience_s = UNATTENDED_S
    desk = HubDesk(session)
    with desk.locked():
        spokes = [spoke for spoke in desk.some_spokes() if spoke.agreement]
        unknown = {*chosen} - {name for spoke in spokes for name in (spoke.name, spoke.project)}
        if unknown:
            raise click.UsageError(f"there is no spoke {min(unknown)}")
        if chosen:
            spokes = [one for one in spokes if {one.name, one.project} & {*chosen}]
        columns = ColumnsOrder(deliver=deliver, attach=attach)
        order = NightOrder(wait_hours * 3600, processes, begin, columns)
        night = Night(desk, order, lambda outcome: _tell(session, outcome))
        night.do(spokes)
        report, ending = reported(desk), ending_words(desk)
    emit(report.to_json(), remarks=[summary(report, desk.hub.report("html"))])
    if ending is not None:
        session.warn(ending)
    codes = {one.exit_code for one in night.outcomes.values() if one.state == "failed"}
    worst = next((code for code in _WORST_FIRST if code in codes), max(codes, default=0))
    click.get_current_context().exit(worst)


@hub.command(
    "status",
    short_help="Show where each spoke stands.",
    epilog="Example: blindlink hub status --json",
)
@json_option
@click.pass_obj
def status(session: Session) -> None:
    """Show where each spoke stood after the last night, and who has to do what. The broker is not asked."""
    desk = HubDesk(session)
    found = desk.seen()
    emit([_row(one) for one in found], status_lines(found))


@hub.command(
    "report", short_help="Write one report over all spokes.", epilog="Example: blindlink hub report"
)
@json_option
@click.pass_obj
def report(session: Session) -> None:
    """Write hub-report.html and .json anew: one report over all spokes, with small numbers left out."""
    desk = HubDesk(session)
    with desk.locked():
        made = reported(desk)
    emit(made.to_json(), remarks=[summary(made, desk.hub.report("html"))])


def _hub_file(sections: ConfigFile, only: str | None) -> HubFile:
    return HubFile(
        broker=sections.broker,
        identity=sections.identity,
        hub=HubSection(party=sections.project.party, only=only),
        input=sections.input,
        columns=sections.columns,
        share=sections.share,
        report=sections.report,
    )


def _tell(session: Session, outcome: Outcome) -> None:
    for warning in outcome.warnings:
        session.warn(f"{outcome.party}: {warning}")
    session.say(f"{outcome.party}: {outcome.state}: {outcome.message}")


def _row(one: Any) -> dict[str, Any]:
    outcome = one.outcome
    return {
        "project": one.spoke.project,
        "party": one.spoke.name,
        "title": one.spoke.title,
        "state": one.state,
        "last_night": None if outcome is None else outcome.to_json(),
    }
