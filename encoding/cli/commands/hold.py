"""`blindlink hold`: legal holds, while which nothing of a project is destroyed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from encoding.cli.terminal.prompts import require_yes
from encoding.errors import CertificateError
from encoding.project.agreement.agreements import seat
from encoding.project.destroying.statements import signed_by_own
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from schemas.rounds.destruction import HoldAct, HoldNotice
from schemas.shared.command_line import emit, json_option, one_line

if TYPE_CHECKING:
    from encoding.broker.client import BrokerClient
    from schemas.api.destruction import HoldList, HoldView

_ORDER: Final = click.option(
    "--order",
    type=one_line,
    metavar="TEXT",
    required=True,
    help="On what ground, in one line; all parties see it.",
)
_YES: Final = click.option("--yes", is_flag=True, help="Don't ask for confirmation.")


@click.group("hold", epilog='Example: blindlink hold set --order "Court order of 1 September 2026"')
def hold() -> None:
    """Set and lift legal holds: while one is in force, nothing of the project is destroyed."""


@hold.command(
    "set",
    short_help="Set a legal hold: nothing of the project is destroyed.",
    epilog='Example: blindlink hold set --order "Court order of 1 September 2026"',
)
@_ORDER
@_YES
@click.pass_obj
def set_hold(session: Session, /, *, order: str, yes: bool) -> None:
    """Set a legal hold: until your party lifts it, nothing of the project is destroyed, at any party.

    What the agreement wants destroyed meanwhile waits. You need the duty steward.
    """
    project = _project(session)
    said = f"Until you lift it, nothing of {project} is destroyed: {order}"
    _, mine = _give(session, "set", order, said, yes=yes)
    for one in mine[:1]:
        click.echo(one.hold)
    session.say(f"nothing of {project} is destroyed until you lift it: blindlink hold lift")


@hold.command("lift", epilog='Example: blindlink hold lift --order "The case is closed."')
@_ORDER
@_YES
@click.pass_obj
def lift(session: Session, /, *, order: str, yes: bool) -> None:
    """Lift the legal holds that your party has set; those of others stay. You need the duty steward."""
    project = _project(session)
    said = f"What is overdue in {project} is destroyed at once if no other hold is in force."
    found, _ = _give(session, "lift", order, said, yes=yes)
    others = "others are still in force" if found.is_held else "what is overdue is destroyed now"
    party = unlock_own(session).public.party
    session.say(f"the legal holds of {party} are lifted; {others}")


@hold.command("list", epilog="Example: blindlink hold list")
@json_option
@click.pass_obj
def list_holds(session: Session, /) -> None:
    """List the legal holds of the project, newest first."""
    project = _project(session)
    with _broker(session) as client:
        found = client.legal_holds(project)
    lines = []
    for one in found.holds:
        state = "stands" if one.lifted is None else f"lifted {one.lifted}"
        lines.append(f"{one.hold}  {one.party}  {one.made}  {state}  {one.order}")
    if not found.is_held:
        lines.append("No legal hold is in force.")
    elif all(one.lifted is not None for one in found.holds):
        lines.append("The agreement itself holds everything.")
    emit(found.to_json(), lines)


def _give(
    session: Session,
    act: HoldAct,
    order: str,
    said: str,
    *,
    yes: bool,
) -> tuple[HoldList, list[HoldView]]:
    """Sign it and hand it in; returns all holds, and those of the own party that stand."""
    project = _project(session)
    party = unlock_own(session).public.party
    signed = signed_by_own(session, HoldNotice, project=project, act=act, order=order)
    require_yes([said], "Sign this for your party?", yes=yes)
    with _broker(session) as client:
        found = client.change_hold(project, signed)
    mine = [one for one in found.holds if one.lifted is None and one.party == party]
    if bool(mine) != (act == "set"):
        raise CertificateError("the broker does not show the legal hold as it was signed")
    return found, mine


def _project(session: Session) -> str:
    if session.named_project is None and not session.config_path.exists():
        raise click.UsageError("missing option --project: no settings file names it")
    return session.named_project or session.project


@contextlib.contextmanager
def _broker(session: Session) -> Iterator[BrokerClient]:
    """Give a client of the broker of the settings, or, for whoever has none, of the one that is named."""
    if session.config_path.exists() and session.broker is None:
        with session.connect() as client:
            session.trust(client)
            yield client
        return
    with seat(session) as at:
        yield at.client
