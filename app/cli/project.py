"""`blindlink-broker project`."""

from __future__ import annotations

import click

from app.cli.opening import echo_json, local_operator, opened_broker
from schemas.ids import is_name
from schemas.shared.command_line import emit, json_option


@click.group("project", short_help="Open, list and show projects.")
def project() -> None:
    """Projects: who links what for whom, under which terms."""


@project.command("open", short_help="Open a project, for its parties to agree on.")
@click.argument("name")
@click.option(
    "--party",
    "parties",
    multiple=True,
    required=True,
    help="May propose an agreement; your own party may, too.",
)
@click.pass_context
def open_(ctx: click.Context, *, name: str, parties: tuple[str, ...]) -> None:
    """Open the project NAME, for its parties to agree on: nothing is linked before all have signed.

    A steward then sends an agreement with `blindlink agreement send`; every party signs it, yours included.

    Example: blindlink-broker project open foster-k12 --party child-welfare --party k12
    """
    from app.agreements.negotiation import open_project

    if not is_name(name):
        raise click.BadParameter(
            "a name has 2 to 40 lower-case letters, digits and dashes, such as foster-k12",
            param_hint="NAME",
        )
    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        with broker.database.write() as session:
            open_project(
                session,
                broker.log,
                project=name,
                parties=parties,
                actor=operator,
                now=broker.clock(),
            )
    click.echo(f"the project {name} is open, and waits for an agreement", err=True)


@project.command("list")
@json_option
@click.pass_context
def list_all(ctx: click.Context) -> None:
    """List the projects.

    Example: blindlink-broker project list
    """
    from app.agreements.service import project_view, projects_for

    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        with broker.database.read() as session:
            now = broker.clock()
            found = projects_for(session, operator)
            views = [project_view(session, one, now) for one in found]
    lines = []
    for view in views:
        state = "in force" if view.in_force else "not in force"
        lines.append(f"{view.project}  {view.terms.start} to {view.terms.end}  {state}")
    emit([view.to_json() for view in views], lines)


@project.command("show")
@click.argument("name")
@click.pass_context
def show(ctx: click.Context, name: str) -> None:
    """Print a project's terms and encoding profile as JSON.

    Example: blindlink-broker project show foster-k12
    """
    from app.agreements.service import project_for, project_view

    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        with broker.database.read() as session:
            now = broker.clock()
            found = project_for(session, operator, name)
            view = project_view(session, found, now)
        echo_json(view.to_json())
