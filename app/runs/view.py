"""What the wire says of a run: progress for all, counts as far as the floor and the caller's part allow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from app.matching.blocks.concordance import FieldConcordance
from app.runs.counts import Found, counts_for_agency, shown_counts
from app.runs.models import Run
from app.runs.service import specification_of
from schemas.api.bodies import RunCounts, RunFinality, RunProgress, RunView

if TYPE_CHECKING:
    from app.security.actor import Actor
    from schemas.linkage.run import RunSpecification


def view_of(run: Run, actor: Actor, finality: RunFinality | None = None) -> RunView:
    """Return a run as this actor may see it; `finality` is that of one that has succeeded."""
    specification = specification_of(run)
    return RunView.from_row(
        run,
        match_record=run.match_record,
        run=run.id,
        specification=specification,
        progress=_progress(run),
        counts=_counts(run, specification, actor),
        finality=finality,
    )


def _progress(run: Run) -> RunProgress:
    left = max(run.rows_total - run.rows_done, 0)
    is_timed = run.state == "running" and run.rate > 0
    return RunProgress.from_row(
        run,
        seconds_left=-(-left // run.rate) if is_timed else None,
    )


def _counts(run: Run, specification: RunSpecification, actor: Actor) -> RunCounts | None:
    found = found_by(run)
    if found is None:
        return None
    if actor.role == "agency":
        return counts_for_agency(found, specification, actor.party)
    return shown_counts(found, specification.floor)


def found_by(run: Run) -> Found | None:
    """Return what a run found, as it is; None before it has succeeded."""
    counted = [
        run.candidate_pairs,
        run.auto_pairs,
        run.review_pairs,
        run.expected_false,
        run.rejected_before,
        run.expected_missed,
    ]
    known = [count for count in counted if count is not None]
    if run.state != "succeeded" or len(known) != len(counted) or run.concordance is None:
        return None
    of_fields = (FieldConcordance(*one) for one in json.loads(run.concordance))
    candidates, auto, review, wrong, before, missed = known
    return Found(candidates, auto, review, wrong, before, missed, tuple(of_fields), run.rival_pairs)
