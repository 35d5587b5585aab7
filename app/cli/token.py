"""`blindlink-broker token`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from app.cli.opening import local_operator, opened_broker
from app.durable import sync_folder, write_new
from app.errors import RequestError
from schemas.api import Role
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from app.agencies.service import IssuedToken


@click.group("token", short_help="Issue, list and revoke access tokens.")
def token() -> None:
    """Issue, list and revoke access tokens."""


@token.command("issue")
@click.argument("party")
@click.option("--role", type=click.Choice(get_args(Role)), default="agency", show_default=True)
@click.option("--label", default="", help="Who will hold it; kept for you, never logged.")
@click.option("--days", type=click.IntRange(1, 3660), default=365, show_default=True)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    required=True,
    help="New file for the token, owner-only; - prints it.",
)
@click.pass_context
def issue(  # noqa: PLR0917 - click passes by name
    ctx: click.Context, party: str, role: Role, label: str, days: int, out: Path
) -> None:
    """Issue a token to a person of PARTY. Hand the file over by a safe way; the broker keeps no copy.

    Example: blindlink-broker token issue child-welfare --out child-welfare.token
    """
    from app.agencies.service import issue_token

    if out.exists():
        raise RequestError("the file for the token exists already")
    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        with broker.database.write() as session:
            issued = issue_token(
                session,
                broker.log,
                party=party,
                label=label,
                role=role,
                lifetime=timedelta(days=days),
                actor=operator,
                now=broker.clock(),
            )
            # Before the commit: a token that nobody holds is better not issued.
            _hand_over(issued, out)
    click.echo(f"{issued.token_id} for {party} as {role}, until {issued.expires}", err=True)


@token.command("list")
@click.argument("party")
@json_option
@click.pass_context
def list_all(ctx: click.Context, party: str) -> None:
    """List a party's tokens by id.

    Example: blindlink-broker token list child-welfare
    """
    from app.agencies.service import list_tokens

    with opened_broker(ctx) as broker, broker.database.read() as session:
        rows = [
            {"token": t.id, "role": t.role, "expires": t.expires, "revoked": t.revoked}
            for t in list_tokens(session, party)
        ]
    lines = []
    for row in rows:
        end = (
            f"revoked {row['revoked']}"
            if row["revoked"]
            else f"until {row['expires'] or 'revoked'}"
        )
        lines.append(f"{row['token']}  {row['role']}  {end}")
    emit(rows, lines)


@token.command("revoke")
@click.argument("token_id")
@click.pass_context
def revoke(ctx: click.Context, token_id: str) -> None:
    """Revoke a token by its id (tok-...), effective on its next request.

    Example: blindlink-broker token revoke tok-0123456789abcdef0123456789abcdef
    """
    from app.agencies.service import revoke_token

    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        with broker.database.write() as session:
            revoke_token(session, broker.log, token_id=token_id, actor=operator, now=broker.clock())
    click.echo("the token is revoked", err=True)


def _hand_over(issued: IssuedToken, out: Path) -> None:
    if str(out) == "-":
        click.echo(issued.secret)
        return
    write_new(out, f"{issued.secret}\n".encode("ascii"))
    sync_folder(out.parent)
