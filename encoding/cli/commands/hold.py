"""`blindlink hold`: legal holds, while which nothing of a project is destroyed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from encoding.cli.terminal.prompts import require_yes
from encoding.errors import CertificateError
from encoding.project.agreement.seats import seat
from encoding.project.destroying.certificates import signed_by_own
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from schemas.rounds.destruction import HoldAct, HoldNotice
from schemas.shared.command_line import emit, json_option, one_line

if TYPE_CHECKING:
    from encoding.broker.client import BrokerClient
    from schemas.api.destruction import HoldList, HoldView


@click.command("hold", epilog='Example: blindlink hold --set "Court order of 1 September 2026"')
@click.option(
    "--set",
    "to_set",
    metavar="GROUND",
    type=one_line,
    help="Set a legal hold, on a ground that all parties see, in one line.",
)
@click.option(
    "--lift",
    "to_lift",
    metavar="GROUND",
    type=one_line,
    help="Lift the holds of your party; those of others stay.",
)
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@json_option
@click.pass_obj
def hold(session: Session, *, to_set: str | None, to_lift: str | None, yes: bool) -> None:
    """List the legal holds of the project, set one, or lift your party's.

    Until your party lifts it, nothing of the project is destroyed, at any party. What the agreement wants
    destroyed meanwhile waits. To set or lift one you need the duty steward.
    """
    if to_set is not None and to_lift is not None:
        raise click.UsageError("give either --set or --lift")
    project = _project(session)
    if to_set is not None:
        said = f"Until you lift it, nothing of {project} is destroyed: {to_set}"
        _, mine = _give(session, "set", to_set, said, yes=yes)
        for one in mine[:1]:
            click.echo(one.hold)
        session.say(f"nothing of {project} is destroyed until you lift it: blindlink hold --lift")
    elif to_lift is not None:
        said = f"What is overdue in {project} is destroyed at once if no other hold is in force."
        found, _ = _give(session, "lift", to_lift, said, yes=yes)
        others = (
            "others are still in force" if found.is_held else "what is overdue is destroyed now"
        )
        session.say(f"the legal holds of {unlock_own(session).public.party} are lifted; {others}")
    else:
        _list(session, project)


def _list(session: Session, project: str) -> None:
    """Print the legal holds, newest first."""
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
    """Give a client of the broker of the settings, or, for the person who has none, of the one that is
    named.
    """
    if session.config_path.exists() and session.broker is None:
        with session.connect() as client:
            session.trust(client)
            yield client
        return
    with seat(session) as at:
        yield at.client
