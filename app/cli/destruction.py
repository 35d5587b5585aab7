"""`blindlink-broker destroy`, `certificate` and `hold`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.opening import echo_json, local_operator, opened_broker
from app.durable import write_durably
from app.errors import ConfigurationError, RequestError
from schemas.documents.ids import UPLOAD_PREFIX, is_random_id
from schemas.reports.certificate_page import certificate_page
from schemas.shared.command_line import FILE, emit, json_option, one_line
from schemas.shared.durable import PlaceBlockedError

if TYPE_CHECKING:
    from app.agreements.models import LegalHold
    from app.broker import Broker
    from schemas.api.destruction import DestructionView
    from schemas.reports.certificate import CertificateFile

_out = click.option("--out", "out", type=FILE, help="Write the certificate as JSON to this file.")
_html = click.option("--html", "html", type=FILE, help="Write it as a page to print, too.")


@click.command("destroy", short_help="Destroy what the broker holds, with a certificate.")
@click.argument("what")
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@_out
@_html
@click.pass_context
def destroy(
    ctx: click.Context, what: str, *, yes: bool, out: Path | None, html: Path | None
) -> None:
    """Destroy all that the broker holds of the project WHAT, or one upload and what was made of it.

    It cannot be undone. Prints the number of the certificate. A legal hold forbids it.

    Example: blindlink-broker destroy foster-k12 --yes --html certificate.html
    """
    from app.destruction import service
    from app.destruction.certification import finish

    if not yes:
        click.confirm(f"destroy {what} for good?", abort=True, err=True)
    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        is_upload = is_random_id(what, UPLOAD_PREFIX)
        begin = service.destroy_upload if is_upload else service.destroy_project
        with broker.database.write() as session:
            certificate = begin(session, broker, operator, what).id
        if not finish(broker, certificate):
            raise ConfigurationError(
                "something could not be removed yet",
                hint="the next sweep of blindlink-broker work goes on with it",
            )
        file = _file_of(broker, certificate)
    n_objects = len(file.certificate.objects)
    click.echo(f"{n_objects} objects are destroyed for good", err=True)
    click.echo(certificate)
    # Last: what is destroyed is so also where no file can be written.
    _write(file, out, html)


@click.group("certificate", short_help="List and show certificates of destruction.")
def certificate() -> None:
    """List and show certificates of destruction, with who has signed them and what is outstanding."""


@certificate.command("list")
@click.argument("project")
@json_option
@click.pass_context
def list_all(ctx: click.Context, project: str) -> None:
    """List the certificates of PROJECT, newest first.

    Example: blindlink-broker certificate list foster-k12
    """
    from app.destruction import participation

    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        with broker.database.read() as session:
            found = participation.destructions_for(session, operator, project)
            views = [participation.view_of(session, one) for one in found]
    emit([view.to_json() for view in views], map(_line, views))


@certificate.command("show", short_help="Show a certificate, or write it to a file or as a page.")
@click.argument("number")
@_out
@_html
@click.pass_context
def show(ctx: click.Context, number: str, *, out: Path | None, html: Path | None) -> None:
    """Print the certificate NUMBER as JSON, or write it to a file or as a page.

    Example: blindlink-broker certificate show crt-0123456789abcdef0123456789abcdef --html page.html
    """
    with opened_broker(ctx) as broker:
        file = _file_of(broker, number)
    _write(file, out, html)
    if out is None and html is None:
        echo_json(file.to_json())


@click.group("hold", short_help="Forbid destruction for the time being.")
def hold() -> None:
    """Set and lift legal holds: while one stands, nothing of a project is destroyed."""


@hold.command("set")
@click.argument("project")
@click.option(
    "--order",
    type=one_line,
    metavar="TEXT",
    required=True,
    help="On what ground, in one line; all parties see it.",
)
@click.pass_context
def set_hold(ctx: click.Context, project: str, *, order: str) -> None:
    """Forbid to destroy anything of PROJECT until you lift it.

    Example: blindlink-broker hold set foster-k12 --order "Order of the court of 1 September 2026"
    """
    from app.agreements import holds

    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        with broker.database.write() as session:
            made = holds.set_hold(session, broker, operator, project, order)
    click.echo(made.id)
    click.echo(f"nothing of {project} is destroyed until you lift it", err=True)


@hold.command("lift")
@click.argument("project")
@click.pass_context
def lift(ctx: click.Context, project: str) -> None:
    """Lift the holds on PROJECT that you have set; those of others stay.

    Example: blindlink-broker hold lift foster-k12
    """
    from app.agreements import holds

    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        with broker.database.write() as session:
            n_lifted = holds.lift_holds(session, broker, operator, project)
            is_held = holds.is_held(session, project, broker.clock())
    others = "others still stand" if is_held else "what is overdue is destroyed by the next sweep"
    click.echo(f"{n_lifted} holds are lifted; {others}", err=True)


@hold.command("list")
@click.argument("project")
@click.pass_context
def list_holds(ctx: click.Context, project: str) -> None:
    """List the holds on PROJECT, newest first.

    Example: blindlink-broker hold list foster-k12
    """
    from app.agreements import holds

    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        with broker.database.read() as session:
            lines = [_hold_line(one) for one in holds.holds_of(session, operator, project)]
    for line in lines:
        click.echo(line)


def _hold_line(one: LegalHold) -> str:
    state = "stands" if one.lifted is None else f"lifted {one.lifted}"
    return f"{one.id}  {one.party}  {one.made}  {state}  {one.order}"


def _file_of(broker: Broker, number: str) -> CertificateFile:
    from app.destruction import participation

    operator = local_operator(broker)
    with broker.database.read() as session:
        return participation.file_of(
            session, participation.destruction_for(session, operator, number)
        )


def _write(file: CertificateFile, out: Path | None, html: Path | None) -> None:
    for path, content in (
        (out, file.to_canonical),
        (html, lambda: certificate_page(file).encode("utf-8")),
    ):
        try:
            if path is not None:
                write_durably(path, content())
        except PlaceBlockedError as exc:
            raise RequestError(
                f"{path} cannot be written",
                hint=f"choose another place: certificate show {file.certificate.certificate}",
            ) from exc


def _line(view: DestructionView) -> str:
    signed = ", ".join(view.countersigned) or "nobody"
    state = "under way" if view.sha256 is None else f"counter-signed by {signed}"
    return (
        f"{view.certificate}  {view.asked}  {view.scope}  {view.objects} objects  {state}, "
        f"{len(view.outstanding)} statements outstanding"
    )
