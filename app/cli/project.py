"""`blindlink-broker project`."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import click

from app.cli.documents import read_document
from app.cli.opening import echo_json, local_operator, opened_broker
from app.errors import ConfigurationError
from schemas.agreement import DEFAULT_FLOOR, ProjectTerms
from schemas.clauses import Frequency
from schemas.ids import is_name
from schemas.profile import EncodingProfile
from schemas.run import RECOMMENDED_POLICY, ReleaseMode, SpaceLifetime
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.canonical import JsonValue

MOST_RECORDS: Final = 20_000_000
ReadableFile = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("project", short_help="Open, list and show projects.")
def project() -> None:
    """Projects: who links what for whom, under which terms."""


@project.command("open")
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


@project.command("draft")
@click.argument("name")
@click.option(
    "--profile", "profile_file", type=ReadableFile, required=True, help="Encoding profile."
)
@click.option("--provider", "providers", multiple=True, required=True, help="Uploads encodings.")
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="PARTY=MODE",
    help="Who receives, and how: linked, blind, count or none. Without any, every provider: linked.",
)
@click.option("--auditor", "auditors", multiple=True, help="Reads the match log.")
@click.option("--space", help="One ID space for all who receive; each has its own if not given.")
@click.option(
    "--space-lifetime",
    type=click.Choice(get_args(SpaceLifetime)),
    default="lasting",
    show_default=True,
)
@click.option("--purpose", required=True, help="A code, such as school-stability.")
@click.option("--population", required=True, help="A code, such as foster-care-0-21.")
@click.option(
    "--records",
    "sizes",
    multiple=True,
    metavar="PARTY=LEAST-MOST",
    help="How many records a provider's file has; without, any number.",
)
@click.option(
    "--auto",
    default=RECOMMENDED_POLICY.auto,
    show_default=True,
    help="Probability from which pairs are linked.",
)
@click.option(
    "--review",
    default=RECOMMENDED_POLICY.review,
    show_default=True,
    help="Probability from which pairs are held back.",
)
@click.option(
    "--lead",
    type=int,
    default=RECOMMENDED_POLICY.lead,
    show_default=True,
    help="Times as likely as the runner-up, at least.",
)
@click.option(
    "--frequency",
    type=click.Choice(get_args(Frequency)),
    default="on-request",
    show_default=True,
    help="When a round is due.",
)
@click.option(
    "--floor", type=int, default=DEFAULT_FLOOR, show_default=True, help="Smallest count shown."
)
@click.option("--days", type=click.IntRange(1, 3660), default=365, show_default=True)
def draft(*, profile_file: Path, days: int, **given: Any) -> None:
    """Print terms for a project NAME, to be read, changed and then given to `project create`.

    Example: blindlink-broker project draft foster-k12 --profile profile.json --provider child-welfare
    --provider k12 --purpose school-stability --population foster-care > terms.json
    """
    profile = read_document(EncodingProfile, profile_file)
    today = date.today()  # noqa: DTZ011 - the operator's own day, printed for them to change
    terms = ProjectTerms.from_json(
        {
            **_parties(given),
            "project": given["name"],
            "purpose": given["purpose"],
            "population": given["population"],
            "profile": profile.digest(),
            "policy": _policy(given),
            "files": _sizes(given),
            "frequency": given["frequency"],
            "floor": given["floor"],
            "start": today.isoformat(),
            "end": (today + timedelta(days=days)).isoformat(),
        }
    )
    echo_json(terms.to_json())


@project.command("create")
@click.option("--terms", "terms_file", type=ReadableFile, required=True, help="Terms, JSON.")
@click.option(
    "--profile", "profile_file", type=ReadableFile, required=True, help="Encoding profile."
)
@click.pass_context
def create(ctx: click.Context, *, terms_file: Path, profile_file: Path) -> None:
    """Create a project by terms that nobody has signed, for a rehearsal; prints their digest.

    Refused unless the setting `insecure_operator_terms` is true. Records of real people are linked under an
    agreement that every party has signed: `blindlink-broker project open`.

    Example: blindlink-broker project create --terms terms.json --profile profile.json
    """
    from app.agreements.service import create_project

    terms, profile = (
        read_document(ProjectTerms, terms_file),
        read_document(EncodingProfile, profile_file),
    )
    with opened_broker(ctx) as broker:
        if not broker.settings.insecure_operator_terms:
            raise ConfigurationError(
                "a project is linked under an agreement that every party has signed",
                hint="open it with `blindlink-broker project open`, or, for a rehearsal with invented people, "
                "set BLINDLINK_INSECURE_OPERATOR_TERMS=true",
            )
        operator = local_operator(broker)
        with broker.database.write() as session:
            created = create_project(
                session,
                broker.log,
                terms=terms,
                profile=profile,
                actor=operator,
                now=broker.clock(),
            )
    click.echo(f"the project {terms.project} is created", err=True)
    click.echo(created.digest)


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


def _parties(given: dict[str, Any]) -> dict[str, JsonValue]:
    providers = sorted(given["providers"])
    modes = _modes(given["recipients"]) or dict.fromkeys(providers, "linked")
    spaces = [given["space"]] if given["space"] else list(modes)
    lifetime = given["space_lifetime"]
    return {
        "providers": providers,
        "auditors": sorted(given["auditors"]),
        "recipients": [
            {"party": party, "mode": mode, "space": given["space"] or party}
            for party, mode in modes.items()
        ],
        "spaces": [{"name": name, "lifetime": lifetime} for name in spaces],
    }


def _policy(given: dict[str, Any]) -> dict[str, JsonValue]:
    return RECOMMENDED_POLICY.to_json() | {key: given[key] for key in ("auto", "review", "lead")}


def _sizes(given: dict[str, Any]) -> list[JsonValue]:
    found: dict[str, tuple[int, int]] = dict.fromkeys(given["providers"], (1, MOST_RECORDS))
    for written in given["sizes"]:
        match = re.fullmatch(r"([a-z0-9-]+)=([0-9]{1,10})-([0-9]{1,10})", written)
        if match is None or match[1] not in found:
            raise click.BadParameter(
                "give each as PARTY=LEAST-MOST, for a provider", param_hint="--records"
            )
        found[match[1]] = int(match[2]), int(match[3])
    return [
        {"party": party, "least": least, "most": most}
        for party, (least, most) in sorted(found.items())
    ]


def _modes(written: Sequence[str]) -> dict[str, str]:
    """Return the mode of each recipient, in the order of their names."""
    found = {}
    for pair in sorted(written):
        party, _, mode = pair.partition("=")
        if mode not in get_args(ReleaseMode) or party in found:
            modes = ", ".join(get_args(ReleaseMode))
            raise click.BadParameter(
                f"give each as PARTY=MODE, the mode one of: {modes}", param_hint="--recipient"
            )
        found[party] = mode
    return found
