"""`blindlink run`: the runs of the open round, waited for, or asked for once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from encoding.project.agreement.project_view import at_broker
from encoding.project.session import Session
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from schemas.api.bodies import RunView


@click.command("run", epilog="Example: blindlink run --wait")
@click.option("--wait", is_flag=True, help="Wait until the runs have ended.")
@click.option(
    "--again", is_flag=True, help="Ask once more for a run that has failed or was cancelled."
)
@json_option
@click.pass_obj
def run(session: Session, wait: bool, again: bool) -> None:
    """Show the runs of the newest round; a run starts by itself once both agencies have uploaded.

    Exit code 6: a run failed or was cancelled. Exit code 7: another agency has yet to do its part.
    """
    from encoding.project import rounds as round_steps

    with at_broker(session) as context:
        found = round_steps.newest_round(context)
        if again:
            round_steps.ask_again(context, found)
        if wait:
            runs = round_steps.await_runs(context, found)
            session.trust_again(context.client, context.trust)
        else:
            runs = round_steps.runs_of(context, found)
        reasons = round_steps.reasons_of(context, found, runs)
    document: dict[str, object] = {
        "round": found.round,
        "runs": [_document(one) for one in runs],
        "reasons": list(reasons),
    }
    is_done = bool(runs) and all(one.state == "succeeded" for one in runs)
    states = [f"{one.run} {one.state}" for one in runs]
    step = "blindlink links" if is_done else "blindlink run --wait"
    sentence = f"round {found.round}: {'; '.join((*states, *reasons))}; next: {step}"
    emit(document, remarks=[sentence])


def _document(run: RunView) -> dict[str, object]:
    counts = None if run.counts is None else run.counts.model_dump()
    return {"run": run.run, "state": run.state, "failure": run.failure, "counts": counts}
