"""What the wire says of a run: progress for all, counts as far as the floor and the caller's part allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.runs.models import Run
from app.runs.service import specification_of
from schemas.api import RunCounts, RunProgress, RunView

if TYPE_CHECKING:
    from app.security.actor import Actor
    from schemas.run import RunSpecification


def view_of(run: Run, actor: Actor) -> RunView:
    """Return a run as this actor may see it."""
    specification = specification_of(run)
    return RunView(
        run=run.id,
        project=run.project,
        state=run.state,  # type: ignore[arg-type]  # the column holds only these
        specification=specification,
        specification_sha256=run.specification_sha256,
        progress=_progress(run),
        counts=_counts(run, specification, actor) if run.state == "succeeded" else None,
        kernel=run.kernel,
        failure=run.failure,
        created=run.created,
        finished=run.finished,
    )


def above_floor(count: int | None, floor: int) -> int | None:
    """Return a count, or None where it lies below the smallest one that is shown."""
    return count if count is not None and count >= floor else None


def _progress(run: Run) -> RunProgress:
    left = max(run.comparisons_total - run.comparisons_done, 0)
    is_timed = run.state == "running" and run.rate > 0
    return RunProgress(
        stage=run.stage,  # type: ignore[arg-type]  # the column holds only these
        comparisons_done=run.comparisons_done,
        comparisons_total=run.comparisons_total,
        rate=run.rate,
        seconds_left=-(-left // run.rate) if is_timed else None,
    )


def _counts(run: Run, specification: RunSpecification, actor: Actor) -> RunCounts:
    floor = specification.floor
    linked_floor = 0 if _sees_links(specification, actor) else floor
    return RunCounts(
        candidate_pairs=above_floor(run.candidate_pairs, floor),
        auto_pairs=above_floor(run.auto_pairs, linked_floor),
        review_pairs=above_floor(run.review_pairs, floor),
        groups=above_floor(run.groups, linked_floor),
    )


def _sees_links(specification: RunSpecification, actor: Actor) -> bool:
    """Tell whether the linked pairs are the actor's own: it receives them, and no third party takes part.

    Among three, the total would tell it how many records the other two have in common.
    """
    return (
        actor.role == "agency"
        and len(specification.uploads) <= 2
        and any(
            recipient.party == actor.party and recipient.mode == "linked"
            for recipient in specification.recipients
        )
    )
