"""`blindlink hold`: legal holds, while which nothing of a project is destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from encoding.cli.confirming import require_yes
from encoding.cli.one_line import one_line
from encoding.cli.options import agency_options, json_option
from encoding.cli.own_identity import identity_options, unlock_own
from encoding.cli.session import Session

if TYPE_CHECKING:
    from schemas.destruction import HoldAct
    from schemas.destruction_api import HoldList

_ORDER: Final = click.option(
    "--order",
    type=one_line,
    metavar="TEXT",
    required=True,
    help="On what ground, in one line; all parties see it.",
)
_YES: Final = click.option("--yes", is_flag=True, help="Do not ask whether you mean it.")


@click.group("hold", epilog='Example: blindlink hold set --order "Court order of 1 September 2026"')
def hold() -> None:
    """Forbid for the time being that anything of the project is destroyed."""


@hold.command("set", epilog='Example: blindlink hold set --order "Court order of 1 September 2026"')
@_ORDER
@_YES
@identity_options
@agency_options
@click.pass_obj
def set_hold(session: Session, /, *, order: str, yes: bool, **given: Any) -> None:
    """Set a legal hold: until your party lifts it, nothing of the project is destroyed, at any party.

    What the agreement wants destroyed meanwhile waits. You need the duty steward.
    """
    said = f"Until you lift it, nothing of {session.project} is destroyed: {order}"
    found = _give(session, given, "set", order, said, yes=yes)
    standing = [one for one in found.holds if one.lifted is None and one.party == session.party]
    for one in standing[:1]:
        click.echo(one.hold)
    session.say(f"nothing of {session.project} is destroyed until you lift it: blindlink hold lift")


@hold.command("lift", epilog='Example: blindlink hold lift --order "The case is closed."')
@_ORDER
@_YES
@identity_options
@agency_options
@click.pass_obj
def lift(session: Session, /, *, order: str, yes: bool, **given: Any) -> None:
    """Lift the legal holds that your party has set; those of others stay. You need the duty steward."""
    said = f"What is overdue in {session.project} is destroyed at once if no other hold stands."
    found = _give(session, given, "lift", order, said, yes=yes)
    others = "others still stand" if found.is_held else "what is overdue is destroyed now"
    session.say(f"the legal holds of {session.party} are lifted; {others}")


@hold.command("list", epilog="Example: blindlink hold list")
@json_option
@agency_options
@click.pass_obj
def list_holds(session: Session, *, as_json: bool) -> None:
    """List the legal holds of the project, newest first."""
    import json

    with session.connect() as client:
        session.trust(client)
        found = client.legal_holds(session.project)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
        return
    for one in found.holds:
        state = "stands" if one.lifted is None else f"lifted {one.lifted}"
        click.echo(f"{one.hold}  {one.party}  {one.made}  {state}  {one.order}")
    if not found.is_held:
        click.echo("No legal hold stands.")
    elif all(one.lifted is not None for one in found.holds):
        click.echo("The agreement itself holds everything.")


def _give(
    session: Session,
    given: dict[str, Any],
    act: HoldAct,
    order: str,
    said: str,
    *,
    yes: bool,
) -> HoldList:
    from encoding.cli.testifying import signed_by_own
    from encoding.errors import CertificateError
    from schemas.destruction import HoldNotice

    unlock_own(session, given)
    signed = signed_by_own(session, given, HoldNotice, act=act, order=order)
    require_yes([said], "Sign this for your party?", yes=yes)
    with session.connect() as client:
        session.trust(client)
        found = client.change_hold(session.project, signed)
    mine = [one for one in found.holds if one.lifted is None and one.party == session.party]
    if bool(mine) != (act == "set"):
        raise CertificateError("the broker does not show the legal hold as it was signed")
    return found
