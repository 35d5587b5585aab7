"""`blindlink-broker project`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from app.cli.opening import echo_json, local_operator, opened_broker
from schemas.documents.ids import is_name
from schemas.linkage.row_layout import MAX_RECORDS
from schemas.shared.amounts import byte_size, duration
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from app.worker.estimate import RunEstimate


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


@project.command("estimate", short_help="Say what a run will take of this machine.")
@click.argument("name")
@click.option(
    "--records",
    type=click.IntRange(1, MAX_RECORDS),
    nargs=2,
    metavar="LARGER SMALLER",
    help="Records of the two files; as many as agreed at most unless given.",
)
@click.option("--price", type=click.FloatRange(0), help="What an hour of this machine costs.")
@json_option
@click.pass_context
def estimate(
    ctx: click.Context, *, name: str, records: tuple[int, int] | None, price: float | None
) -> None:
    """Say what a run of the project NAME will take of this machine, before there is one.

    Rows are made up and compared for a second or two, so it tells of this
    machine as it is busy now. More workers, here or elsewhere, share the time.

    Example: blindlink-broker project estimate foster-k12 --price 0.20
    """
    from app.agreements.service import terms_in_force
    from app.matching.blocks.ranges import Sizes
    from app.worker.estimate import estimate_run

    with opened_broker(ctx) as broker:
        with broker.database.read() as session:
            terms = terms_in_force(session, name, broker.clock())
        n_threads = broker.settings.worker_threads
        most = {file.party: file.most for file in terms.terms.files}
        pairs = {
            pair: estimate_run(
                terms.profile,
                Sizes(larger=records[0], smaller=records[1])
                if records
                else Sizes(larger=most[pair[0]], smaller=most[pair[1]]),
                n_threads=n_threads,
            )
            for pair in terms.terms.pairs
        }
        free = broker.blobs.free_bytes()
    document = [{"larger": a, "smaller": b, **asdict(one)} for (a, b), one in pairs.items()]
    emit(
        {"pairs": document, "free_bytes": free},
        [
            line
            for pair, one in pairs.items()
            for line in _estimated(pair, one, terms.terms.policy.max_pairs, free, price)
        ],
    )


def _estimated(
    pair: tuple[str, str],
    expected: RunEstimate,
    max_pairs: int,
    free: int | None,
    price: float | None,
) -> Iterator[str]:
    sizes = expected.sizes
    yield f"{pair[0]}, {sizes.larger:,} records, with {pair[1]}, {sizes.smaller:,}"
    yield f"  rows     {expected.n_rows:,}, {byte_size(expected.upload_bytes)} to upload"
    yield f"  pairs    at most {expected.most_meetings:,}"
    if expected.most_meetings > max_pairs:
        yield f"           by the agreement, a run that finds more than {max_pairs:,} has no result"
    room = "" if free is None else f", and {byte_size(free)} can be used"
    yield f"  disk     {byte_size(expected.disk_bytes)} until the encodings are destroyed{room}"
    yield f"  memory   {byte_size(expected.memory_bytes)} a worker"
    cost = "" if price is None else f", {price * expected.seconds / 3600:.2f} at {price:g} an hour"
    yield f"  a run    at most {duration(expected.seconds)} with one worker{cost}"
