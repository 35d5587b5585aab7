"""`blindlink round`: where the round stands, and a correction of what was uploaded."""

from __future__ import annotations

import click

from encoding.cli.parts.counter import Counter
from encoding.cli.parts.options import agency_options
from encoding.cli.parts.project_view import project_view
from encoding.cli.parts.session import Session
from encoding.errors import NotReadyError
from encoding.rounds.api import RoundsApi
from encoding.rounds.words import round_lines
from schemas.shared.command_line import emit, json_option


@click.group(
    "round",
    short_help="See where the round stands, or correct it.",
    epilog="Example: blindlink round status",
)
def round() -> None:
    """A round: one turn of the project, in which every agency uploads once and link IDs are agreed on."""


@round.command("ready")
@agency_options
@click.pass_obj
def ready(session: Session) -> None:
    """Get ready for rounds: put spare nonces of this workspace into the match log.

    A round begins once every agency has some. Later, `blindlink encode` and `blindlink refresh` see to it.

    Example: blindlink round ready
    """
    from encoding.cli.parts.round_steps import top_up_nonces

    with session.connect() as client:
        counter = Counter(session, client, session.trust(client), project_view(session, client))
        top_up_nonces(counter)
        waiting = ", ".join(counter.api.rounds().waiting_for)
    session.say(
        f"ready for rounds; still to get ready: {waiting}"
        if waiting
        else "all agencies are ready; next: blindlink encode"
    )


@round.command("status")
@json_option
@agency_options
@click.pass_obj
def status(session: Session) -> None:
    """Say which round is open, who has uploaded, and whose claims are there.

    Example: blindlink round status
    """
    with session.connect() as client:
        session.trust(client)
        terms = project_view(session, client, must_bind=False).terms
        listed = RoundsApi(client, session.project).rounds()
    emit(listed.to_json(), round_lines(listed, terms))


@round.command("correct")
@click.option(
    "--reason",
    type=click.Choice(["wrong-file", "wrong-settings", "workspace-lost", "other"]),
    required=True,
    help="Why the round is made once more; the match log says so.",
)
@json_option
@agency_options
@click.pass_obj
def correct(session: Session, *, reason: str) -> None:
    """Void what all agencies have uploaded in the open round, and begin the next one in its place.

    An upload is never replaced: compared with its own second version, a file would be open to the broker. Both
    agencies' jobs encode again by themselves. It counts as a round.

    Example: blindlink round correct --reason wrong-file
    """
    from encoding.cli.parts.round_steps import top_up_nonces, void_nonces

    with session.connect() as client:
        counter = Counter(session, client, session.trust(client), project_view(session, client))
        found = next((one for one in counter.api.rounds().rounds if one.state == "open"), None)
        if found is None:
            raise NotReadyError("no round is open", hint="see: blindlink round status")
        if reason == "workspace-lost":
            void_nonces(counter)
        else:
            top_up_nonces(counter)
        new = counter.api.correct(found.round, reason)
    sentence = f"round {new.round} takes the place of round {found.round}; next: blindlink refresh"
    emit(new.to_json(), remarks=[sentence])
