"""The runs of a project, and one run with its progress and what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, profile_named, project_for
from app.db import Window
from app.decisions.service import header_of, why_record_gone
from app.http.paths import ProjectPath, RunPath
from app.links.service import releases_of_run
from app.review.service import is_reviewed
from app.runs.approvals import approvals_view
from app.runs.counts import histogram_of
from app.runs.finality import cosigned_sizes, finality_of
from app.runs.models import Run
from app.runs.service import found_by, run_for, runs_for, view_of
from app.runs.standing_approvals import standing_list
from app.web.answer import PageRequest, WiredPage, page_route
from app.web.approval_words import StepApproval, step_approvals
from app.web.paging import WiredPaging
from app.web.project_words import finality_sentence, run_sentence
from app.web.run_figures import figures_before, figures_of, pair_rows, rate_rows, table_cells
from app.web.table import Table
from app.web.weights import (
    WeightBar,
    bound_rows,
    level_note,
    table_rows,
    waterfall,
    weight_chart,
    weight_rows,
)
from app.wired import WiredBroker
from schemas.agreement.statement import Step
from schemas.api.runs import RunList, RunView
from schemas.shared.page import Column, Markup, column_chart

router = APIRouter()

COLUMNS = (
    "run", "round", "larger", "smaller", "state", "asked_by", "created", "finished",
    "candidate_pairs", "auto_pairs", "review_pairs", "expected_false", "expected_missed", "rejected_before",
    "failure",
    "specification_sha256", "match_record", "cosigned_by", "cosigners_needed", "is_final",
)  # fmt: skip
# As many bars as can be told apart.
CHARTED_RUNS: Final = 26
COUNTS: Final = (
    "candidate_pairs", "auto_pairs", "review_pairs", "expected_false", "expected_missed", "rejected_before",
)  # fmt: skip
# Beside the columns of every run, those of one run's page.
WHY_NOT_LINKED: Final = ("not_linked", "below_review", "better_rival")


@page_route(router, "/projects/{project}/runs")
def list_runs(
    broker: WiredBroker, page: WiredPage, project: ProjectPath, paging: WiredPaging
) -> Response:
    """Show the project's runs with their counts."""
    with broker.database.read() as session:
        terms = project_for(session, page.actor, project).terms
        cosigned = cosigned_sizes(session)
        views = [
            view_of(found, page.actor, finality_of(found, terms, cosigned))
            for found in runs_for(session, page.actor, project, paging.window)
        ]
    turned = paging.turn(views, [view.run for view in views])
    return page.answer(
        "runs.html",
        title="Runs",
        document=RunList(runs=tuple(views)),
        table=Table(COLUMNS, [_row(view) for view in views]),
        project=project,
        query=paging.query,
        turned=turned,
        chart=_links_chart(turned.rows, terms.floor),
        floor=terms.floor,
    )


@page_route(router, "/runs/{run}")
def show_run(broker: WiredBroker, page: WiredPage, run: RunPath) -> Response:
    """Show one run: while it is pending, the page brings itself up to date."""
    with broker.database.read() as session:
        found, terms = run_for(session, page.actor, run)
        finality = finality_of(found, terms.terms, cosigned_sizes(session))
        figures = figures_of(session, page.actor, found, finality)
        before = figures_before(session, page.actor, found)
        view = figures.view
        floor = view.specification.floor
        policy = view.specification.policy
        steps = histogram_of(found, found_by(found), policy, floor, figures.not_linked)
        releases = [(one.id, one.recipient) for one in releases_of_run(session, page.actor, run)]
        approvals = _approvals(session, found, terms, broker.clock())
        record_gone = why_record_gone(session, broker, run)
        has_review = is_reviewed(session, run)
        bars, note = _bars(session, page, view, is_gone=record_gone is not None)
    weights = weight_rows(steps, policy)
    return page.answer(
        "run.html",
        title=f"Run of round {view.specification.round}",
        document={
            **view.to_json(),
            "not_linked": asdict(figures.not_linked),
            "run_before": before and before.view.run,
            "histogram": [asdict(row) for row in weights],
            "weights": [{"field": bar.field, "level": bar.level, "bits": bar.bits} for bar in bars],
        },
        table=Table((*COLUMNS, *WHY_NOT_LINKED), [(*_row(view), *table_cells(figures))]),
        project=view.project,
        view=view,
        specification=view.specification,
        floor=floor,
        weights=table_rows(weights),
        chart=weight_chart(steps, policy, floor),
        before=before and before.view,
        pairs=pair_rows(figures, before, has_review=terms.terms.review is not None),
        rates=rate_rows(figures, before),
        concordance=(view.counts and view.counts.concordance) or (),
        is_pending=view.state in {"awaiting", "queued", "running"},
        finality=finality_sentence(view.finality),
        sentence=run_sentence(view.state, view.progress.stage, view.failure),
        releases=releases,
        approvals=approvals,
        record_gone=record_gone,
        has_review=has_review,
        bars=bars,
        bounds=bound_rows(policy),
        level_note=note,
    )


def _bars(
    session: Session, page: PageRequest, view: RunView, *, is_gone: bool
) -> tuple[tuple[WeightBar, ...], str]:
    """Return the weights by which the run decided, and what their levels mean.

    Both are empty for the person who may not read its match record.
    """
    # The header alone is not sealed: it can be read while keys, or one of them, cannot.
    header = header_of(session, view.run)
    if header is None or is_gone or page.actor.role != "auditor":
        return (), ""
    profile = profile_named(session, view.specification.profile)
    return waterfall(header, profile), level_note(profile)


def _approvals(
    session: Session, run: Run, terms: TermsInForce, now: datetime
) -> tuple[StepApproval, ...]:
    steps: dict[str, Step] = {"awaiting": "run", "succeeded": "release"}
    view = approvals_view(session, run, terms.terms.approvals, now)
    return step_approvals(
        view,
        standing_list(session, run.project, Window(limit=None)).approvals,
        steps.get(run.state),
    )


def _links_chart(views: Sequence[RunView], floor: int) -> Markup | None:
    """Return the linked pairs of the newest runs that have a result, oldest first; None for fewer than two."""
    finished = [(view.created, view.counts) for view in views if view.counts is not None]
    newest = finished[:CHARTED_RUNS][::-1]
    if len(newest) < 2:
        return None
    return column_chart(
        "Pairs linked, run by run",
        [Column(created[5:10], counts.auto_pairs) for created, counts in newest],
        words=(
            f"Pairs linked by the newest {len(newest)} finished runs, oldest first. "
            f"A frame stands for a number below {floor} or one that would reveal it. "
            "The numbers are in the table."
        ),
        axis="month and day on which the run was asked for",
    )


def _row(view: RunView) -> tuple[str | int | None, ...]:
    counts = [getattr(view.counts, name, None) for name in COUNTS]
    finality = view.finality
    return (
        view.run, view.specification.round, *(upload.party for upload in view.specification.uploads),
        view.state, view.specification.asked_by, view.created, view.finished, *counts, view.failure,
        view.specification_sha256, view.match_record,
        None if finality is None else " ".join(finality.cosigned_by),
        None if finality is None else finality.needed,
        None if finality is None else str(finality.is_final).lower(),
    )  # fmt: skip
