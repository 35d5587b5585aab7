"""`blindlink round`: where the round and its runs stand, and a correction of what was uploaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from encoding.errors import NotReadyError
from encoding.project.agreement.project_view import at_broker
from encoding.project.session import Session
from encoding.rounds.words import round_lines
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from encoding.project.context import Context
    from schemas.api.runs import RunView


@click.command(
    "round",
    short_help="See where the round stands, wait for its runs, or correct it.",
    epilog="Example: blindlink round --wait",
)
@click.option(
    "--ready",
    is_flag=True,
    help="Put spare random numbers for coming rounds into the match log; encode and refresh do so, too.",
)
@click.option("--runs", is_flag=True, help="Show the runs of the newest round.")
@click.option("--wait", is_flag=True, help="Wait until the runs of the round have ended.")
@click.option(
    "--again", is_flag=True, help="Ask once more for a run that has failed or was cancelled."
)
@click.option(
    "--correct",
    "reason",
    type=click.Choice(["wrong-file", "wrong-settings", "workspace-lost", "other"]),
    help="Void all uploads of the open round, and begin the next; the match log records why.",
)
@json_option
@click.pass_obj
def round(
    session: Session, *, ready: bool, runs: bool, wait: bool, again: bool, reason: str | None
) -> None:
    """Show which round is open, who has uploaded, and whose claims are there.

    A round is one turn of the project: every agency uploads once, and link IDs are agreed on. It begins once
    every agency has spare random numbers in the match log, and its run starts by itself once both agencies have
    uploaded. Exit code 6: a run failed or was cancelled. Exit code 7: another agency has yet to do its part.

    An upload is never replaced: by comparing two versions of a file, the broker would learn about it. After
    --correct both agencies' jobs encode again by themselves. It counts as a round.
    """
    of_runs = runs or wait or again
    if ready + of_runs + (reason is not None) > 1:
        raise click.UsageError("give --ready, --correct, or one that is about runs")
    is_look = not (ready or of_runs or reason)
    with at_broker(session, must_bind=not is_look) as context:
        if is_look:
            listed = context.api.rounds()
            emit(listed.to_json(), round_lines(listed, context.view.terms))
        elif ready:
            _get_ready(context)
        elif reason is not None:
            _correct(context, reason)
        else:
            _runs(context, wait=wait, again=again)


def _get_ready(context: Context) -> None:
    from encoding.project.rounds import top_up_nonces

    top_up_nonces(context)
    waiting = ", ".join(context.api.rounds().waiting_for)
    context.session.say(
        f"ready for rounds; still to get ready: {waiting}"
        if waiting
        else "all agencies are ready; next: blindlink encode"
    )


def _correct(context: Context, reason: str) -> None:
    from encoding.project.rounds import top_up_nonces, void_nonces

    found = next((one for one in context.api.rounds().rounds if one.state == "open"), None)
    if found is None:
        raise NotReadyError("no round is open", hint="see: blindlink round")
    if reason == "workspace-lost":
        void_nonces(context)
    else:
        top_up_nonces(context)
    new = context.api.correct(found.round, reason)
    sentence = f"round {new.round} takes the place of round {found.round}; next: blindlink refresh"
    emit(new.to_json(), remarks=[sentence])


def _runs(context: Context, *, wait: bool, again: bool) -> None:
    from encoding.project import rounds as round_steps

    found = round_steps.newest_round(context)
    if again:
        round_steps.ask_again(context, found)
    if wait:
        runs = round_steps.await_runs(context, found)
        context.session.trust_again(context.client, context.trust)
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
    step = "blindlink links" if is_done else "blindlink round --wait"
    emit(document, remarks=[f"round {found.round}: {'; '.join((*states, *reasons))}; next: {step}"])


def _document(run: RunView) -> dict[str, object]:
    counts = None if run.counts is None else run.counts.model_dump()
    return {"run": run.run, "state": run.state, "failure": run.failure, "counts": counts}
